"""Messages that a stream does not take now: held for each subject in order, let go two for one."""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator

from cygnet.transport._acks import NotNow, PubAck
from cygnet.transport.connection import backoff_seconds

LAST_RETRY_SECONDS = 1.0
ENTRY_BYTES = 2048  # what an entry costs beside its body: bounds a window of 8 MiB to 4096 messages

Body = bytes | memoryview


class Entry:
    """One message of a publishing window: all that it takes to send it again."""

    __slots__ = ("attempts", "body", "deadline", "future", "head", "size", "subject", "token")

    def __init__(
        self, token: int, subject: str, head: bytes, body: Body, future: "asyncio.Future[PubAck]"
    ) -> None:
        self.token = token
        self.subject = subject
        self.head = head
        self.body = body
        self.size = len(head) + len(body) + ENTRY_BYTES
        self.future = future
        self.attempts = 0
        self.deadline = 0.0


class _Lane:
    __slots__ = ("attempt", "is_full", "next_try", "probing", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, Entry]] = []  # a heap: tokens are in order of submission
        self.probing: set[int] = set()
        self.attempt = 0
        self.next_try = 0.0
        self.is_full = False


class Lanes:
    """The held messages of a window. `send` sends one; `on_backpressure` hears of the first and the last."""

    def __init__(self, send: Callable[[Entry], None], on_backpressure: Callable[[bool], None] | None) -> None:
        self._send = send
        self._on_backpressure = on_backpressure
        self._lanes: dict[str, _Lane] = {}
        self._blocked_at = 0.0
        self._held_seconds = 0.0
        self.blocked_since: float | None = None

    def __bool__(self) -> bool:
        return bool(self._lanes)

    @property
    def held_seconds(self) -> float:
        """For how long full streams have held messages back, until now."""
        running = time.monotonic() - self._blocked_at if self.blocked_since is not None else 0.0
        return self._held_seconds + running

    def queue(self, entry: Entry) -> bool:
        """Put a new message behind those of its subject that are held; False if none is."""
        lane = self._lanes.get(entry.subject)
        if lane is None:
            return False
        heapq.heappush(lane.waiting, (entry.token, entry))
        return True

    def hold(self, entry: Entry, why: NotNow) -> None:
        """Keep a message that was not taken; the first of its subject is tried again after a while."""
        lane = self._lanes.setdefault(entry.subject, _Lane())
        if entry.token in lane.probing or not lane.waiting:
            lane.attempt += 1
            lane.next_try = time.monotonic() + backoff_seconds(lane.attempt, last=LAST_RETRY_SECONDS)
        lane.probing.discard(entry.token)
        lane.is_full = why is NotNow.FULL
        heapq.heappush(lane.waiting, (entry.token, entry))
        self._note_backpressure()

    def settled(self, entry: Entry) -> None:
        """Let two more messages follow one that came through, so that a lane opens exponentially."""
        lane = self._lanes.get(entry.subject)
        if lane is None or entry.token not in lane.probing:
            return
        lane.probing.discard(entry.token)
        lane.attempt = 0
        self._probe(lane, 2)
        if not lane.waiting and not lane.probing:
            del self._lanes[entry.subject]
        self._note_backpressure()

    def retry_due(self, now: float) -> None:
        """Try the first message of each lane whose pause is over."""
        for lane in list(self._lanes.values()):
            if lane.waiting and not lane.probing and now >= lane.next_try:
                self._probe(lane, 1)

    def give_up(self) -> Iterator[Entry]:
        """Yield every held message and hold none any more."""
        lanes, self._lanes = self._lanes, {}
        self._note_backpressure()
        for lane in lanes.values():
            yield from (entry for _, entry in lane.waiting)

    def _probe(self, lane: _Lane, count: int) -> None:
        for _ in range(min(count, len(lane.waiting))):
            token, entry = heapq.heappop(lane.waiting)
            lane.probing.add(token)
            self._send(entry)

    def _note_backpressure(self) -> None:
        full = any(lane.is_full for lane in self._lanes.values())
        if full == (self.blocked_since is not None):
            return
        if full:
            self.blocked_since, self._blocked_at = time.time(), time.monotonic()
        else:
            self._held_seconds += time.monotonic() - self._blocked_at
            self.blocked_since = None
        if self._on_backpressure:
            self._on_backpressure(full)
