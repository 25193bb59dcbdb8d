"""Pulling from a consumer: the next request is under way while the caller works on what has come.

One request is outstanding at a time and one batch waits for the caller: at most 2 × batch messages and
2 × max_bytes are in memory. Everything that can end a request (filled, expired, too large, a lost
connection, a silent server) ends in a new one; only a deleted consumer ends the puller.
"""

import asyncio
import itertools
import json
import time
from collections import deque

from cygnet.transport.api import NOT_FOUND, api
from cygnet.transport.client import Client
from cygnet.transport.connection import backoff_seconds
from cygnet.transport.delivery import Delivery, Keeper
from cygnet.transport.errors import ApiError, ConsumerGoneError, NatsClosedError, NatsOutageError
from cygnet.transport.wire import status_of

__all__ = ["Delivery", "Keeper", "Puller"]

EXPIRES_SECONDS = 30.0
HEARTBEAT_SECONDS = 2.0


class Puller:
    """Pulls from one consumer; `next` is for one caller at a time. With a keeper, deliveries are held."""

    def __init__(
        self,
        nc: Client,
        stream: str,
        consumer: str,
        *,
        batch: int,
        max_bytes: int,
        idle_heartbeat: float = HEARTBEAT_SECONDS,
        keeper: Keeper | None = None,
    ) -> None:
        self._nc = nc
        self._stream = stream
        self._consumer = consumer
        self.batch = batch
        self._max_bytes = max_bytes
        self._heartbeat = idle_heartbeat
        self._keeper = keeper
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}".encode()
        self._ready: deque[Delivery] = deque()
        self._ready_bytes = 0
        self._requests = itertools.count(1)
        self._request = 0  # the outstanding one; 0: none
        self._left = 0
        self._came = 0
        self._heard = 0.0
        self._oversize = False
        self._attempt = 0
        self._not_before = 0.0
        self._sid = 0
        self._inbox = b""
        self._arrival: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._check: asyncio.Task[None] | None = None
        self._end: Exception | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Subscribe and send the first request."""
        inbox = self._nc.new_inbox()
        self._inbox = inbox.encode()
        self._sid = self._nc.subscribe_raw(f"{inbox}.*", self._on_message)
        self._nc.listen(on_up=self._on_up, on_closed=self._on_closed)
        self._pull()
        self._tick()

    async def next(self, timeout: float) -> list[Delivery]:
        """Return what has arrived, at most a batch; wait up to `timeout` seconds for the first, else [].

        Raises ConsumerGoneError when the consumer was deleted.
        """
        if not self._ready:
            if self._end:
                raise self._end
            await self._wait(timeout)
            if not self._ready:
                if self._end:
                    raise self._end
                return []
        if len(self._ready) <= self.batch:
            taken = list(self._ready)
            self._ready.clear()
            self._ready_bytes = 0
        else:
            taken = [self._ready.popleft() for _ in range(self.batch)]
            self._ready_bytes -= sum(delivery.size for delivery in taken)
        if not self._request:
            self._pull()
        return taken

    async def stop(self) -> None:
        """Send no more requests and give back what was not handed out."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._nc.forget(self._on_up)
        self._nc.forget(self._on_closed)
        if self._timer:
            self._timer.cancel()
        if self._check:
            self._check.cancel()
        if self._sid:
            await self._nc.unsubscribe_raw(self._sid)
        while self._ready and not self._nc.is_closed:
            await self._ready.popleft().nak()
        self._ready_bytes = 0
        self._end = self._end or NatsClosedError("the puller was stopped")
        self._wake()

    async def _wait(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self._arrival = arrival = loop.create_future()
        timer = loop.call_later(timeout, self._wake)
        try:
            await arrival
        finally:
            timer.cancel()
            self._arrival = None

    def _wake(self) -> None:
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)

    def _pull(self) -> None:
        """Send the next request if there is room for its messages and the connection stands."""
        if self._is_stopping or self._end or not self._nc.is_up:
            return
        if len(self._ready) >= self.batch or self._ready_bytes >= self._max_bytes:
            return
        now = time.monotonic()
        if now < self._not_before:
            return
        self._request = next(self._requests)
        self._came = 0
        self._heard = now
        expires = max(EXPIRES_SECONDS, 3 * self._heartbeat)
        wanted = {"expires": int(expires * 1e9), "idle_heartbeat": int(self._heartbeat * 1e9)}
        if self._oversize:
            wanted["batch"] = self._left = 1  # alone, it may be as large as the server lets it be
        else:
            wanted["batch"] = self._left = self.batch
            wanted["max_bytes"] = self._max_bytes
        reply = b"%b.%d" % (self._inbox, self._request)
        self._nc.send_message(self._subject, json.dumps(wanted).encode(), reply)

    def _on_message(self, subject: bytes, reply: bytes, header: bytes, payload: bytes) -> None:
        self._heard = time.monotonic()
        if not reply.startswith(b"$JS.ACK."):
            status = status_of(header) if header else None
            if status and subject.startswith(self._inbox):
                self._on_status(int(subject[len(self._inbox) + 1 :]), *status)
            return
        delivery = Delivery(self._nc, subject, reply, header, payload, self._keeper)
        if self._keeper is not None:
            self._keeper.hold(delivery)
        self._ready.append(delivery)
        self._ready_bytes += len(header) + len(payload)
        self._came += 1
        self._left -= 1
        self._attempt = 0
        if self._left <= 0:
            self._request = 0
            self._oversize = False
            self._pull()
        self._wake()

    def _on_status(self, request: int, code: int, description: str) -> None:
        if code == 100 or request != self._request:
            return
        self._request = 0
        if code == 409 and "deleted" in description.lower():
            self._verify()
        elif code == 409 and "maxbytes" in description.lower():
            self._oversize = not self._came
            self._pull()
        elif code in (404, 408):
            self._pull()
        else:  # 503 nobody answers, 409 leadership change or server shutdown, 400 …
            self._back_off()
            self._verify()

    def _back_off(self) -> None:
        self._not_before = time.monotonic() + backoff_seconds(self._attempt)
        self._attempt += 1

    def _on_up(self) -> None:
        self._request = 0
        self._not_before = 0.0
        self._pull()

    def _on_closed(self) -> None:
        self._end = self._end or NatsClosedError("the connection to NATS is closed")
        self._wake()

    def _tick(self) -> None:
        """Four times in a heartbeat: give up a request of which nothing is heard, and ask anew."""
        if self._is_stopping or self._end:
            return
        if self._request and time.monotonic() - self._heard > 2.5 * self._heartbeat:
            self._request = 0
            self._verify()
        if not self._request:
            self._pull()
        self._timer = asyncio.get_running_loop().call_later(min(0.25, self._heartbeat / 4), self._tick)

    def _verify(self) -> None:
        """Ask whether the consumer is still there, unless that is being asked."""
        if (self._check is None or self._check.done()) and not self._is_stopping:
            self._check = asyncio.get_running_loop().create_task(self._verify_consumer())

    async def _verify_consumer(self) -> None:
        try:
            await api(self._nc, f"CONSUMER.INFO.{self._stream}.{self._consumer}", timeout=2)
        except ApiError as error:
            if error.err_code in NOT_FOUND:
                self._end = ConsumerGoneError(
                    f"consumer {self._consumer} of {self._stream}: {error.description}"
                )
                self._wake()
        except (NatsOutageError, NatsClosedError):
            return  # nobody can say: go on asking
