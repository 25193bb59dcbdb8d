"""Reading a stream from a position on without acks, through whatever happens to server and connection."""

import asyncio
import secrets
import time

from cygnet.transport.api import NOT_FOUND, api
from cygnet.transport.client import Client
from cygnet.transport.connection import backoff_seconds
from cygnet.transport.delivery import Delivery
from cygnet.transport.errors import ApiError, ConsumerGoneError, NatsOutageError
from cygnet.transport.puller import Puller
from cygnet.transport.streams import delete_consumer, stream_state

_BATCH, _BATCH_BYTES = 1000, 4 << 20
_INACTIVE_SECONDS = 60
_SILENCE_SECONDS = 15.0


class StreamGoneError(ConsumerGoneError):
    """The stream does not exist (any more)."""


class StreamReader:
    """Gives each message of `subject` from `start_sequence` on once, in order; `headers_only` without bodies.

    Its consumer is made anew from our own position whenever it is gone, the connection was lost, or a
    message is missing in between.
    """

    def __init__(
        self, nc: Client, stream: str, subject: str, start_sequence: int = 1, *, headers_only: bool = False
    ) -> None:
        self._nc = nc
        self._stream = stream
        self._subject = subject
        self._headers_only = headers_only
        self._puller: Puller | None = None
        self._consumer = ""
        self._delivered = 0
        self._behind = 0
        self._attempt = 0
        self._is_stale = False
        self.position = max(start_sequence, 1)
        nc.listen(on_up=self._note_reconnect)

    async def next(self, timeout: float) -> list[Delivery]:
        """Return what has come, waiting up to `timeout` seconds for the first, else [].

        Raises StreamGoneError when the stream was deleted.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                puller = await self._ready_puller()
                taken = self._in_order(await puller.next(max(deadline - time.monotonic(), 0.0)))
                if taken:
                    return taken
            except StreamGoneError:
                raise
            except ConsumerGoneError:
                self._is_stale = True
            except NatsOutageError:
                pause = backoff_seconds(self._attempt)
                self._attempt += 1
                await asyncio.sleep(max(min(pause, deadline - time.monotonic()), 0.0))
            if time.monotonic() >= deadline:
                return []

    async def read_all(self) -> list[Delivery]:
        """Return everything up to what is last now; NatsOutageError if nothing comes for 15 s."""
        target = (await stream_state(self._nc, self._stream)).last_seq
        found: list[Delivery] = []
        heard = time.monotonic()
        while self.position <= target:
            await self._ready_puller()
            if self._behind == 0:
                break
            taken = await self.next(1.0)
            found += taken
            if taken:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise NatsOutageError(f"{self._stream}: nothing came for {_SILENCE_SECONDS:g} s")
        return found

    async def stop(self) -> None:
        """Read no more, and remove the consumer."""
        self._nc.forget(self._note_reconnect)
        await self._drop()

    def _in_order(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Return what follows without a gap; behind a gap, all is read again."""
        for place, delivery in enumerate(deliveries):
            if self._is_stale or delivery.consumer_sequence != self._delivered + 1:
                self._is_stale = True
                return deliveries[:place]
            self._delivered += 1
            self._behind = delivery.pending
            self.position = delivery.stream_sequence + 1
        return deliveries

    async def _ready_puller(self) -> Puller:
        if self._puller is not None and not self._is_stale:
            return self._puller
        await self._drop()
        self._is_stale = False
        name = f"reader-{secrets.token_hex(8)}"
        config = {
            "name": name,
            "filter_subject": self._subject,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.position,
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": _INACTIVE_SECONDS * 1_000_000_000,
            "headers_only": self._headers_only,
            "mem_storage": True,
            "num_replicas": 1,
        }
        body = {"stream_name": self._stream, "config": config}
        try:
            answer = await api(self._nc, f"CONSUMER.CREATE.{self._stream}.{name}.{self._subject}", body)
        except ApiError as error:
            if error.err_code in NOT_FOUND:
                raise StreamGoneError(f"{self._stream} does not exist") from error
            raise NatsOutageError(str(error)) from error
        self._consumer = name
        self._behind = int(answer.get("num_pending", 0))
        self._delivered = 0
        self._attempt = 0
        self._puller = Puller(self._nc, self._stream, name, batch=_BATCH, max_bytes=_BATCH_BYTES)
        await self._puller.start()
        return self._puller

    async def _drop(self) -> None:
        puller, self._puller = self._puller, None
        if puller is not None:
            await puller.stop()
            try:
                await delete_consumer(self._nc, self._stream, self._consumer)
            except (ApiError, NatsOutageError):
                return  # it removes itself when nobody reads

    def _note_reconnect(self) -> None:
        self._is_stale = True
