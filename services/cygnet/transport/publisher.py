"""Publishing to JetStream through a window of bytes that owns payload and deadline until the PubAck.

What is lost on the way (a killed server, a broken connection, no answer in time) is sent again with the same
message id. A full stream is back-pressure: its messages are held and tried again, in order, for as long as
it takes. Only a refusal that no waiting can mend reaches the caller.
"""

import asyncio
import heapq
import itertools
import re
import time
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from cygnet.transport.client import Client
from cygnet.transport.connection import INLINE_RESERVE_BYTES, backoff_seconds, inline_limit
from cygnet.transport.errors import (
    MessageTooLargeError,
    NatsClosedError,
    PublishRefusedError,
    WrongLastSequenceError,
)
from cygnet.transport.wire import encode_headers, status_of

WINDOW_BYTES = 8 << 20
ACK_SECONDS = 5.0
LAST_RETRY_SECONDS = 1.0
Body = bytes | memoryview
OnBackpressure = Callable[[bool], None]
"""Told True when the first message is held back by a full stream, False when none is any more."""

_ENTRY_BYTES = 2048  # what an entry costs beside its body: bounds the window in messages too (4096)
_YIELD_BYTES = 256 << 10
_JOIN_BYTES = 4096
_TICK_SECONDS = 0.05
_WRONG_LAST_SEQUENCE = (10071, 10164)
_FULL = (10002, 10023, 10028, 10047, 10077, 10167)
_NUMBER = re.compile(r"(\d+)\s*$")


class PubAck(msgspec.Struct, frozen=True, gc=False):
    """JetStream has it: stored as `sequence` of `stream`; `duplicate` when it was there before."""

    stream: str
    sequence: int = msgspec.field(name="seq", default=0)
    duplicate: bool = False


class _Refusal(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    error: _Refusal


_decode_ack = msgspec.json.Decoder(PubAck).decode
_decode_refusal = msgspec.json.Decoder(_Answer).decode


class _Entry:
    """One message of the window: all that it takes to send it again."""

    __slots__ = ("attempts", "body", "deadline", "future", "head", "size", "subject", "token")

    def __init__(
        self,
        token: int,
        subject: str,
        head: bytes,
        body: Body,
        future: "asyncio.Future[PubAck]",
    ) -> None:
        self.token = token
        self.subject = subject
        self.head = head
        self.body = body
        self.size = len(head) + len(body) + _ENTRY_BYTES
        self.future = future
        self.attempts = 0
        self.deadline = 0.0


class _Lane:
    """The messages of one subject that its stream does not take now, in order."""

    __slots__ = ("attempt", "is_full", "next_try", "probing", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, _Entry]] = []  # a heap: tokens are in order of submission
        self.probing: set[int] = set()
        self.attempt = 0
        self.next_try = 0.0
        self.is_full = False


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
    ) -> None:
        self._nc = nc
        self._max_bytes = max_bytes
        self._ack_timeout = ack_timeout
        self._on_backpressure = on_backpressure
        self._tokens = itertools.count(1)
        self._in_flight: dict[int, _Entry] = {}
        self._lanes: dict[str, _Lane] = {}
        self._used = 0
        self._since_yield = 0
        self._room: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._inbox = ""
        self._sid = 0
        self._prefix_size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._blocked_since: float | None = None
        self._blocked_at = 0.0
        self._held_seconds = 0.0
        self._is_closed = False
        self.resent = 0
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
        return self._blocked_since

    @property
    def is_blocked(self) -> bool:
        """Whether a full stream holds messages back now."""
        return self._blocked_since is not None

    @property
    def held_seconds(self) -> float:
        """For how long full streams have held messages back, all in all, until now."""
        running = time.monotonic() - self._blocked_at if self._blocked_since is not None else 0.0
        return self._held_seconds + running

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
        entry = _Entry(token, subject, head, body, future)
        if self._used and (self._room or self._used + entry.size > self._max_bytes):
            await self._wait_for_room(entry.size)
        self._used += entry.size
        self._since_yield += entry.size
        lane = self._lanes.get(subject) if self._lanes else None
        if lane is not None:
            heapq.heappush(lane.waiting, (token, entry))
        else:
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
                self._note_room()
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

    def _send(self, entry: _Entry) -> None:
        self._in_flight[entry.token] = entry
        entry.attempts += 1
        patience = self._ack_timeout * min(2 ** (entry.attempts - 1), 8)
        entry.deadline = time.monotonic() + patience
        if not self._nc.is_up:
            return  # sent when the connection stands again
        body = entry.body
        if len(body) <= _JOIN_BYTES:
            self._nc.send(b"".join((entry.head, body, b"\r\n")))
        else:
            self._nc.send(entry.head, body, b"\r\n")

    def _on_answer(self, subject: bytes, _reply: bytes, header: bytes, payload: bytes) -> None:
        token = int(subject[self._prefix_size :])
        entry = self._in_flight.pop(token, None)
        if entry is None:
            return  # answered before: it had been sent twice
        if header and not payload:
            status = status_of(header)
            self._hold(entry, is_full=status is not None and status[0] == 429)
        elif b'"error":' in payload:
            self._on_refusal(entry, payload)
        else:
            try:
                ack = _decode_ack(payload)
            except msgspec.MsgspecError as error:
                self._finish(entry, PublishRefusedError(entry.subject, 0, 0, f"unreadable PubAck: {error}"))
                return
            self._finish(entry, ack)
            if self._lanes:
                self._widen(entry)

    def _on_refusal(self, entry: _Entry, payload: bytes) -> None:
        try:
            error = _decode_refusal(payload).error
        except msgspec.MsgspecError as failure:
            error = _Refusal(description=f"unreadable refusal: {failure}")
        if error.err_code in _WRONG_LAST_SEQUENCE:
            found = _NUMBER.search(error.description)
            last = int(found[1]) if found else None
            self._finish(
                entry, WrongLastSequenceError(entry.subject, error.err_code, error.description, last)
            )
        elif error.err_code in _FULL or error.code == 429:
            self._hold(entry, is_full=True)
        elif error.code >= 500:
            self._hold(entry, is_full=False)
        else:
            self._finish(
                entry, PublishRefusedError(entry.subject, error.code, error.err_code, error.description)
            )
        if self._lanes and entry.future.done():
            self._widen(entry)

    def _finish(self, entry: _Entry, outcome: PubAck | Exception) -> None:
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

    def _hold(self, entry: _Entry, *, is_full: bool) -> None:
        """The stream does not take the message now: keep it, first in its subject's lane."""
        lane = self._lanes.setdefault(entry.subject, _Lane())
        if entry.token in lane.probing or not lane.waiting:
            lane.attempt += 1
            lane.next_try = time.monotonic() + backoff_seconds(lane.attempt, last=LAST_RETRY_SECONDS)
        lane.probing.discard(entry.token)
        lane.is_full = is_full
        heapq.heappush(lane.waiting, (entry.token, entry))
        self._note_backpressure()

    def _widen(self, entry: _Entry) -> None:
        """A message came through: let two more of its lane follow, so that a lane opens exponentially."""
        lane = self._lanes.get(entry.subject)
        if lane is None or entry.token not in lane.probing:
            return
        lane.probing.discard(entry.token)
        lane.attempt = 0
        self._probe(lane, 2)
        if not lane.waiting and not lane.probing:
            del self._lanes[entry.subject]
        self._note_backpressure()

    def _probe(self, lane: _Lane, count: int) -> None:
        for _ in range(min(count, len(lane.waiting))):
            token, entry = heapq.heappop(lane.waiting)
            lane.probing.add(token)
            self.resent += 1
            self._send(entry)

    def _note_backpressure(self) -> None:
        full = any(lane.is_full for lane in self._lanes.values())
        if full == (self._blocked_since is not None):
            return
        if full:
            self._blocked_since, self._blocked_at = time.time(), time.monotonic()
        else:
            self._held_seconds += time.monotonic() - self._blocked_at
            self._blocked_since = None
        if self._on_backpressure:
            self._on_backpressure(full)

    def _tick(self) -> None:
        self._timer = None
        if not self._used or self._is_closed:
            return
        now = time.monotonic()
        if self._nc.is_up:
            for lane in list(self._lanes.values()):
                if lane.waiting and not lane.probing and now >= lane.next_try:
                    self._probe(lane, 1)
            self._resend([entry for entry in self._in_flight.values() if entry.deadline < now])
        self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _resend(self, entries: list[_Entry]) -> None:
        for entry in entries:
            self.resent += 1
            self._in_flight.pop(entry.token, None)
            self._send(entry)

    def _resend_all(self) -> None:
        for entry in self._in_flight.values():
            entry.attempts = 0
        self._resend(sorted(self._in_flight.values(), key=lambda entry: entry.token))

    def _fail_all(self) -> None:
        self._is_closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        entries = list(self._in_flight.values())
        entries += [entry for lane in self._lanes.values() for _, entry in lane.waiting]
        self._in_flight.clear()
        self._lanes.clear()
        self._note_backpressure()
        for entry in entries:
            self._finish(entry, NatsClosedError("closed before JetStream acknowledged the message"))
            if not entry.future.cancelled():
                entry.future.exception()  # the owner closed us: nobody need ask for it
        while self._room:
            size, room = self._room.popleft()
            if not room.done():
                self._used += size
                room.set_result(None)
