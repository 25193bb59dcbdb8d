"""Publishing to JetStream through a window of bytes that owns payload and deadline until the PubAck.

What is lost on the way (a killed server, a broken connection, no answer in time) is sent again with the same
message id. A full stream is back-pressure: its messages are held and tried again, the oldest first, for as
long as it takes; while it opens, one may overtake another. Only a refusal that no waiting can mend reaches
the caller.
"""

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from cygnet.transport._acks import NotNow, PubAck, read_answer
from cygnet.transport._lanes import Body, Entry, Lanes
from cygnet.transport.client import Client
from cygnet.transport.connection import INLINE_RESERVE_BYTES, inline_limit
from cygnet.transport.errors import MessageTooLargeError, NatsClosedError
from cygnet.transport.wire import encode_headers

__all__ = ["OnBackpressure", "OnSilence", "PubAck", "PublishWindow"]

WINDOW_BYTES = 8 << 20
ACK_SECONDS = 5.0
OnBackpressure = Callable[[bool], None]
"""Told True when the first message is held back by a full stream, False when none is any more."""
OnSilence = Callable[[int, int, float], None]
"""Told, whenever messages are sent again for want of an answer: how many, how many have none all in all, and
for how many seconds; told (0, 0, seconds) when the last of them has been answered or given up."""

_YIELD_BYTES = 256 << 10
_JOIN_BYTES = 4096
_TICK_SECONDS = 0.05
_JITTER = 0.25  # so that what was sent together does not all come again together


class PublishWindow:
    """At most `max_bytes` under way at a time; `submit` waits for room, its future for the PubAck.

    Messages held back by a full stream keep their room: what must not wait for them has its own window.
    """

    def __init__(
        self,
        nc: Client,
        max_bytes: int = WINDOW_BYTES,
        ack_timeout: float = ACK_SECONDS,
        on_backpressure: OnBackpressure | None = None,
        on_silence: OnSilence | None = None,
    ) -> None:
        self._nc = nc
        self._on_silence = on_silence
        self._unanswered: set[int] = set()
        self._silent_since = 0.0
        self._max_bytes = max_bytes
        self._ack_timeout = ack_timeout
        self._lanes = Lanes(self._send, on_backpressure)
        self._tokens = itertools.count(1)
        self._in_flight: dict[int, Entry] = {}
        self._used = 0
        self._since_yield = 0
        self._room: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._inbox = ""
        self._sid = 0
        self._prefix_size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.resent = 0
        """How many messages were sent again: for want of an answer, on a new connection, to a full stream."""
        nc.listen(on_up=self._resend_all, on_closed=self._fail_all)

    @property
    def nc(self) -> Client:
        """The connection that the window publishes on."""
        return self._nc

    @property
    def in_flight_bytes(self) -> int:
        """Bytes submitted whose PubAck has not come, with a share for each message's own cost."""
        return self._used

    @property
    def blocked_since(self) -> float | None:
        """Since when (seconds since 1970) a full stream holds messages back; None when none does."""
        return self._lanes.blocked_since

    @property
    def is_blocked(self) -> bool:
        """Whether a full stream holds messages back now."""
        return self._lanes.blocked_since is not None

    @property
    def held_seconds(self) -> float:
        """For how long full streams have held messages back, all in all, until now."""
        return self._lanes.held_seconds

    async def submit(
        self,
        subject: str,
        body: Body,
        headers: Mapping[str, str] | None = None,
        *,
        msg_id: str | None = None,
        expected_last_subject_sequence: int | None = None,
    ) -> "asyncio.Future[PubAck]":
        """Wait for room, send, and return the future of the PubAck; `body` must not change until then.

        The future raises WrongLastSequenceError or PublishRefusedError. MessageTooLargeError is raised here,
        before anything is sent. A message without id is given one, so that sending again stores it once.
        """
        if self._is_closed or self._nc.is_closed:
            raise NatsClosedError("the publishing window is closed")
        if not self._sid:
            self._inbox = self._nc.new_inbox()
            self._prefix_size = len(self._inbox) + 1
            self._sid = self._nc.subscribe_raw(f"{self._inbox}.*", self._on_answer)
        token = next(self._tokens)
        wire_headers = dict(headers) if headers else {}
        wire_headers["Nats-Msg-Id"] = msg_id or f"{self._inbox}.{token}"
        if expected_last_subject_sequence is not None:
            wire_headers["Nats-Expected-Last-Subject-Sequence"] = str(expected_last_subject_sequence)
        block = encode_headers(wire_headers)
        limit = inline_limit(self._nc)
        if len(body) > limit or len(block) > INLINE_RESERVE_BYTES:
            raise MessageTooLargeError(subject, len(body) + len(block), limit)
        total = len(block) + len(body)
        head = f"HPUB {subject} {self._inbox}.{token} {len(block)} {total}\r\n".encode() + block
        future: asyncio.Future[PubAck] = asyncio.get_running_loop().create_future()
        entry = Entry(token, subject, head, body, future)
        if self._used and (self._room or self._used + entry.size > self._max_bytes):
            await self._wait_for_room(entry.size)
        self._used += entry.size
        self._since_yield += entry.size
        if not (self._lanes and self._lanes.queue(entry)):
            self._send(entry)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)
        if self._since_yield > _YIELD_BYTES:
            self._since_yield = 0
            await asyncio.sleep(0)
        return future

    async def publish(
        self,
        subject: str,
        body: Body,
        headers: Mapping[str, str] | None = None,
        *,
        msg_id: str | None = None,
        expected_last_subject_sequence: int | None = None,
    ) -> PubAck:
        """Submit and wait for the PubAck."""
        future = await self.submit(
            subject,
            body,
            headers,
            msg_id=msg_id,
            expected_last_subject_sequence=expected_last_subject_sequence,
        )
        return await future

    async def flush(self) -> None:
        """Wait until nothing is under way; what was refused is told by its own future."""
        while self._used:
            idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle

    async def close(self) -> None:
        """Give up what is under way: its futures raise NatsClosedError. `flush` first to wait for it."""
        if self._is_closed:
            return
        self._fail_all()
        self._nc.forget(self._resend_all)
        self._nc.forget(self._fail_all)
        if self._sid:
            sid, self._sid = self._sid, 0
            await self._nc.unsubscribe_raw(sid, settle_seconds=0.5)

    async def _wait_for_room(self, size: int) -> None:
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room.append((size, room))
        try:
            await room
        except asyncio.CancelledError:
            if room.done() and not room.cancelled():
                self._used -= size
            self._note_room()  # who waits behind us must not wait for us
            raise
        self._used -= size  # it was reserved for us when the future was set
        if self._is_closed:
            self._note_room()
            raise NatsClosedError("the publishing window was closed while waiting for room")

    def _give_room(self) -> None:
        while self._room:
            size, room = self._room[0]
            if room.done():
                self._room.popleft()
                continue
            if self._used and self._used + size > self._max_bytes:
                return
            self._room.popleft()
            self._used += size
            room.set_result(None)

    def _send(self, entry: Entry) -> None:
        self._in_flight[entry.token] = entry
        entry.attempts += 1
        self.resent += entry.attempts > 1
        patience = self._ack_timeout * min(2 ** (entry.attempts - 1), 8)
        entry.deadline = time.monotonic() + patience * (1 + _JITTER * random.random())  # noqa: S311 - no secret
        if not self._nc.is_up:
            return  # sent when the connection stands again
        body = entry.body
        if len(body) <= _JOIN_BYTES:
            self._nc.send(b"".join((entry.head, body, b"\r\n")))
        else:
            self._nc.send(entry.head, body, b"\r\n")

    def _on_answer(self, subject: bytes, _reply: bytes, header: bytes, payload: bytes) -> None:
        entry = self._in_flight.pop(int(subject[self._prefix_size :]), None)
        if entry is None:
            return  # answered before: it had been sent twice
        if self._unanswered:
            self._note_answer(entry.token)
        answer = read_answer(entry.subject, header, payload)
        if isinstance(answer, NotNow):
            self._lanes.hold(entry, answer)
            return
        self._finish(entry, answer)
        if self._lanes:
            self._lanes.settled(entry)

    def _finish(self, entry: Entry, outcome: PubAck | Exception) -> None:
        self._used -= entry.size
        if not entry.future.done():
            if isinstance(outcome, PubAck):
                entry.future.set_result(outcome)
            else:
                entry.future.set_exception(outcome)
        self._note_room()

    def _note_room(self) -> None:
        if self._room:
            self._give_room()
        if not self._used and self._idle:
            idle, self._idle = self._idle, []
            for each in idle:
                if not each.done():
                    each.set_result(None)

    def _tick(self) -> None:
        self._timer = None
        if not self._used or self._is_closed:
            return
        now = time.monotonic()
        if self._nc.is_up:
            self._lanes.retry_due(now)
            if overdue := [entry for entry in self._in_flight.values() if entry.deadline < now]:
                self._resend(overdue)
                self._note_silence(overdue, now)
        self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _note_silence(self, entries: Sequence[Entry], now: float) -> None:
        if not self._unanswered:
            self._silent_since = now - self._ack_timeout
        self._unanswered.update(entry.token for entry in entries)
        if self._on_silence:
            self._on_silence(len(entries), len(self._unanswered), now - self._silent_since)

    def _note_answer(self, *tokens: int) -> None:
        self._unanswered.difference_update(tokens)
        if not self._unanswered and self._on_silence:
            self._on_silence(0, 0, time.monotonic() - self._silent_since)

    def _resend(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._in_flight.pop(entry.token, None)
            self._send(entry)

    def _resend_all(self) -> None:
        self._resend(sorted(self._in_flight.values(), key=lambda entry: entry.token))

    def _fail_all(self) -> None:
        self._is_closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        entries = [*self._in_flight.values(), *self._lanes.give_up()]
        self._in_flight.clear()
        if self._unanswered:
            self._note_answer(*self._unanswered)
        for entry in entries:
            self._finish(entry, NatsClosedError("closed before JetStream acknowledged the message"))
            if not entry.future.cancelled():
                entry.future.exception()  # the owner closed us: nobody need ask for it
        while self._room:
            size, room = self._room.popleft()
            if not room.done():
                self._used += size
                room.set_result(None)
