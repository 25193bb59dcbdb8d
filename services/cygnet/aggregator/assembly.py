"""Which chunk an event belongs to, when a chunk closes, and which messages that settles: no I/O.

Numbers speak: chunk `j` of a detector takes the events [jN, (j+1)N). Whatever arrives late, twice or
in another layout is decided here, from the run's account and from what is held in memory.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from cygnet.model.account import Commit, Record
from cygnet.model.identity import FrameId
from cygnet.model.intervals import IntervalSet, Pairs, compress
from cygnet.model.ledger import DetectorAccount, RunAccount
from cygnet.model.result import Layout, Result

Place = tuple[str, str]  # (run, detector)
EVENT_BYTES = 512  # what an array costs in object and manifest beside its pixels and attributes, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLimits:
    """When a chunk closes. `held_*`: all that may be held unacknowledged before the oldest must go.

    `chunk_bytes` bounds object and manifest together, so that both fit the stream of chunks.
    """

    events: int
    age_seconds: float
    chunk_bytes: int
    held_bytes: int
    held_messages: int


@dataclass(slots=True, eq=False)
class OpenChunk:
    """Results of one run, detector and layout, for the events of one chunk number."""

    run: str
    detector: str
    number: int
    layout: Layout
    born: float
    results: dict[int, Result] = field(default_factory=dict)
    deliveries: dict[int, int] = field(default_factory=dict)  # event → the message that brought it
    nbytes: int = 0
    message_bytes: int = 0  # its share of the messages that brought it
    reason: str = ""

    @property
    def place(self) -> Place:
        """Run and detector."""
        return (self.run, self.detector)

    def in_order(self) -> list[Result]:
        """Results by ascending event number."""
        return [self.results[event] for event in sorted(self.results)]

    def events(self) -> Pairs:
        """The events held, as intervals."""
        return compress(self.results)


@dataclass(slots=True)
class _Message:
    """A message that is not settled: bytes that it keeps in its stream and here, results in a chunk."""

    size: int
    left: int


class Assembly:
    """The aggregator's memory between two commits.

    `offer` takes the results of a message, `fold` a record of the account, `tick` the time. Chunks that
    have closed wait in order: `take_due` gives the next, `committed` says that it is decided. Messages of
    which nothing is open any more come out of `take_settled`: they may be acknowledged, and no others.
    """

    def __init__(self, limits: ChunkLimits) -> None:
        self.limits = limits
        self.accounts: dict[str, RunAccount] = {}
        self.duplicates = 0
        self._open: dict[tuple[str, str, int, Layout], OpenChunk] = {}
        self._due: deque[OpenChunk] = deque()
        self._committing: OpenChunk | None = None
        self._held: dict[Place, dict[int, OpenChunk]] = {}
        self._held_in: Counter[tuple[str, str, int]] = Counter()  # results held, by chunk number
        self._unsettled: dict[int, _Message] = {}
        self._settled: list[int] = []
        self._held_bytes = 0
        self._moved: set[str] = set()

    # --- what comes in ---------------------------------------------------------------------------

    def knows(self, run: str) -> bool:
        """Whether the account of this run has been loaded; results of others must not be offered."""
        return run in self.accounts

    def load(self, run: str, records: Iterable[Record]) -> None:
        """Take a run's account as it stands; again is harmless."""
        account = self.accounts.setdefault(run, RunAccount(run))
        for record in records:
            account.add(record)
        self._moved.add(run)
        self._review(run)

    def fold(self, record: Record) -> None:
        """Take one more record of a run that is known."""
        self.accounts[record.run].add(record)
        self._moved.add(record.run)
        self._review(record.run)

    def is_held(self, delivery: int) -> bool:
        """Whether this message is here already (it was delivered again)."""
        return delivery in self._unsettled

    def is_settled(self, run: str, detector: str, event: int) -> bool:
        """Whether a result of this event is no longer wanted."""
        return self.accounts[run].detector(detector).is_settled(event)

    def offer(self, delivery: int, results: Sequence[Result], now: float, size: int = 0) -> None:
        """Take the results of one message: `delivery` is its stream sequence, `size` its bytes there."""
        if self.is_held(delivery):
            return
        touched: list[OpenChunk] = []
        kept: list[OpenChunk] = []
        costs = [_cost(result) for result in results]
        for result, cost in zip(results, costs, strict=True):
            chunk = self._place(result, cost, now)
            if chunk is None:
                self.duplicates += 1
                continue
            chunk.deliveries[result.id.event] = delivery
            kept.append(chunk)
            if not touched or touched[-1] is not chunk:
                touched.append(chunk)
        if kept:
            size = max(size, sum(costs))
            self._unsettled[delivery] = _Message(size, len(kept))
            self._held_bytes += size
            for chunk in kept:
                chunk.message_bytes += size // len(kept)
        else:
            self._settled.append(delivery)
        for chunk in touched:
            self._close_if_complete(chunk)
        self._relieve()

    def tick(self, now: float) -> None:
        """Close what has become too old."""
        for chunk in [c for c in self._open.values() if now - c.born >= self.limits.age_seconds]:
            self._close(chunk, "age")

    # --- what goes out ---------------------------------------------------------------------------

    def take_due(self) -> OpenChunk | None:
        """Return the next chunk to commit, None while one is being committed or none has closed."""
        if self._committing is not None or not self._due:
            return None
        self._committing = self._due.popleft()
        return self._committing

    def committed(self, record: Commit) -> None:
        """Note that the chunk taken last is in the account."""
        chunk = self._committing
        if chunk is None:
            raise ValueError("no chunk is being committed")
        self._committing = None
        held = self._held[chunk.place]
        for event, delivery in chunk.deliveries.items():
            del held[event]
            self._release(delivery)
        self._held_in[chunk.run, chunk.detector, chunk.number] -= len(chunk.results)
        self.fold(record)
        self._relieve()

    def take_settled(self) -> list[int]:
        """Return the messages, by stream sequence, that may be acknowledged now."""
        settled, self._settled = self._settled, []
        return settled

    def next_deadline(self) -> float | None:
        """When `tick` has work again."""
        return min((c.born + self.limits.age_seconds for c in self._open.values()), default=None)

    @property
    def held_bytes(self) -> int:
        """Bytes of all messages that a commit does not cover yet: in their stream, and here."""
        return self._held_bytes

    @property
    def held_events(self) -> int:
        """Events whose results no commit covers yet."""
        return sum(map(len, self._held.values()))

    @property
    def open_chunks(self) -> int:
        """Chunks that still take results."""
        return len(self._open)

    def take_moved(self) -> set[str]:
        """Return the runs of whose accounts anything was heard since this was asked last."""
        moved, self._moved = self._moved, set()
        return moved

    def is_complete(self, run: str) -> bool:
        """Whether every event of a run is accounted for, and nothing of it is held here."""
        account = self.accounts.get(run)
        return account is not None and not self._holds(run) and account.is_complete()

    def forget(self, run: str) -> None:
        """Drop the account of a complete run from memory."""
        if self._holds(run):
            raise ValueError(f"run {run} still has results here")
        self.accounts.pop(run, None)
        self._held = {place: held for place, held in self._held.items() if place[0] != run}
        self._held_in = Counter({key: n for key, n in self._held_in.items() if key[0] != run})

    # --- inside ----------------------------------------------------------------------------------

    def _holds(self, run: str) -> bool:
        return any(held for place, held in self._held.items() if place[0] == run)

    def _place(self, result: Result, cost: int, now: float) -> OpenChunk | None:
        """Put a result into its chunk; None if its event is settled or held already."""
        identity = result.id
        account = self.accounts[identity.run].detector(identity.detector)
        held = self._held.setdefault((identity.run, identity.detector), {})
        if account.is_settled(identity.event) or identity.event in held:
            return None
        chunk = self._chunk_of(identity, result.layout, cost, now)
        chunk.results[identity.event] = result
        chunk.nbytes += cost
        held[identity.event] = chunk
        self._held_in[identity.run, identity.detector, chunk.number] += 1
        return chunk

    def _chunk_of(self, identity: FrameId, layout: Layout, cost: int, now: float) -> OpenChunk:
        number = identity.event // self.limits.events
        key = (identity.run, identity.detector, number, layout)
        chunk = self._open.get(key)
        if chunk is not None and chunk.nbytes + cost > self.limits.chunk_bytes:
            self._close(chunk, "bytes")
            chunk = None
        if chunk is None:
            chunk = OpenChunk(identity.run, identity.detector, number, layout, now)
            self._open[key] = chunk
        return chunk

    def _close(self, chunk: OpenChunk, reason: str) -> None:
        key = (chunk.run, chunk.detector, chunk.number, chunk.layout)
        if self._open.get(key) is chunk:  # one that closed before may have a successor here
            del self._open[key]
            chunk.reason = reason
            self._due.append(chunk)

    def _relieve(self) -> None:
        """Close the oldest chunks while too much is held that nothing will settle by itself."""
        closed = [*self._due, self._committing] if self._committing else self._due
        waiting = sum(chunk.message_bytes for chunk in closed)
        while self._open and (
            self._held_bytes - waiting > self.limits.held_bytes
            or (len(self._unsettled) > self.limits.held_messages and not self._due and not self._committing)
        ):
            oldest = min(self._open.values(), key=lambda c: c.born)
            waiting += oldest.message_bytes
            self._close(oldest, "pressure")

    def _review(self, run: str) -> None:
        for chunk in [c for c in self._open.values() if c.run == run]:
            self._close_if_complete(chunk)

    def _close_if_complete(self, chunk: OpenChunk) -> None:
        account = self.accounts[chunk.run].detector(chunk.detector)
        first = chunk.number * self.limits.events
        last = first + self.limits.events - 1
        if account.announced is not None:
            last = min(last, account.announced - 1)
        held_here = self._held_in[chunk.run, chunk.detector, chunk.number]
        if _at_most(account, first, last) + held_here < last - first + 1:
            return
        present = IntervalSet.of(event for event in self._held[chunk.place] if first <= event <= last)
        if account.closed().union(present).covers(first, last):
            self._close(chunk, "complete")

    def _release(self, delivery: int) -> None:
        message = self._unsettled[delivery]
        message.left -= 1
        if not message.left:
            del self._unsettled[delivery]
            self._held_bytes -= message.size
            self._settled.append(delivery)


def _cost(result: Result) -> int:
    """Return what a result adds to object and manifest, at most: arrays, attributes, a row for each array."""
    attributes = len(msgspec.json.encode(result.attrs)) if result.attrs else 0
    return result.nbytes + (attributes + EVENT_BYTES) * len(result.arrays)


def _at_most(account: DetectorAccount, first: int, last: int) -> int:
    """Bound the number of closed events in first … last from above, without making their union."""
    sets = (account.committed, account.consumed, account.dead, account.dropped, account.duplicate)
    return sum(each.count_within(first, last) for each in sets)
