"""The account folded: what became of every event of a run, as sets and never as counters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from cygnet.model.account import (
    DUPLICATE,
    Begin,
    Commit,
    Consumed,
    Dead,
    Dropped,
    End,
    Epoch,
    Record,
    Stored,
)
from cygnet.model.intervals import IntervalSet
from cygnet.model.reasons import Reasons


@dataclass(slots=True)
class DetectorAccount:
    """Sets of event numbers of one (run, detector)."""

    committed: IntervalSet = field(default_factory=IntervalSet)
    stored: IntervalSet = field(default_factory=IntervalSet)
    consumed: IntervalSet = field(default_factory=IntervalSet)
    dead: IntervalSet = field(default_factory=IntervalSet)
    dropped: IntervalSet = field(default_factory=IntervalSet)
    duplicate: IntervalSet = field(default_factory=IntervalSet)
    dead_reasons: Reasons = field(default_factory=Reasons)
    consumed_reasons: Reasons = field(default_factory=Reasons)
    announced: int | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    stored_chunks: set[str] = field(default_factory=set)

    def closed(self) -> IntervalSet:
        """Events that need no further work: committed, consumed, dead, dropped or duplicate."""
        return self.committed.union(self.consumed, self.dead, self.dropped, self.duplicate)

    def accounted_for(self) -> IntervalSet:
        """Events whose fate is final: stored, consumed, dead, dropped or duplicate."""
        return self.stored.union(self.consumed, self.dead, self.dropped, self.duplicate)

    def is_settled(self, event: int) -> bool:
        """Whether a result of this event must be dropped: it has been committed or consumed."""
        return event in self.committed or event in self.consumed

    def waiting_commits(self) -> list[Commit]:
        """Commits whose chunk is not yet in the bucket."""
        return [c for name, c in self.commits.items() if name not in self.stored_chunks]


@dataclass(slots=True)
class RunAccount:
    """A run's account, folded record by record. Folding the same record twice changes nothing."""

    run: str
    begin: Begin | None = None
    end: End | None = None
    detectors: dict[str, DetectorAccount] = field(default_factory=dict)

    def detector(self, name: str) -> DetectorAccount:
        """Return the detector's account, made at its first mention."""
        return self.detectors.setdefault(name, DetectorAccount())

    def add(self, record: Record) -> None:
        """Fold one record in."""
        match record:
            case Begin():
                self.begin = self.begin or record
                for name in record.detectors:
                    self.detector(name)
            case Commit():
                account = self.detector(record.detector)
                account.committed.update(record.events)
                account.commits[record.chunk] = record
            case Stored():
                account = self.detector(record.detector)
                account.stored.update(record.events)
                account.stored_chunks.add(record.chunk)
            case Consumed():
                account = self.detector(record.detector)
                account.consumed.update(record.events)
                account.consumed_reasons.note(record.reason, record.events)
            case Dead():
                account = self.detector(record.detector)
                account.dead.update(record.events)
                account.dead_reasons.note(record.reason, record.events)
            case Dropped():
                account = self.detector(record.detector)
                (account.duplicate if record.reason == DUPLICATE else account.dropped).update(record.events)
            case End():
                self.end = record
                for name, count in record.announced.items():
                    self.detector(name).announced = count
            case Epoch():
                self.detector(record.detector)

    def is_complete(self) -> bool:
        """Whether the run has ended, each number is accounted for and no chunk waits for its upload."""
        return self.end is not None and all(
            account.accounted_for().covers(0, (account.announced or 0) - 1) and not account.waiting_commits()
            for account in self.detectors.values()
        )


def fold(run: str, records: Iterable[Record]) -> RunAccount:
    """Return the run's account after all `records`."""
    account = RunAccount(run)
    for record in records:
        account.add(record)
    return account


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A line of the ledger: announced = stored + consumed + dead + in flight; dropped beside it.

    Each event counts once, under the first that it is of: stored, consumed, dead, dropped, duplicate.
    """

    run: str
    detector: str
    announced: int
    stored: int
    consumed: int
    dead: int
    in_flight: int
    dropped: int = 0
    duplicates: int = 0
    ended: bool = False
    dead_reasons: Mapping[str, int] = field(default_factory=dict)
    consumed_reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def closes(self) -> bool:
        """Whether the run has ended with nothing in flight."""
        return self.ended and self.in_flight == 0

    def reasons(self) -> list[str]:
        """Lines for people: why events are consumed or dead, and how many of them."""
        found = (("consumed", self.consumed_reasons), ("dead", self.dead_reasons))
        return [
            f"{word}: {count} × {reason}" for word, each in found for reason, count in sorted(each.items())
        ]

    def equation(self) -> str:
        """The line that a person reads."""
        line = (
            f"announced {self.announced} = stored {self.stored} + consumed {self.consumed}"
            f" + dead {self.dead} + in flight {self.in_flight}"
        )
        if self.dropped:
            line += f"   (dropped at source {self.dropped})"
        if self.duplicates:
            line += f"   (duplicates from outside {self.duplicates})"
        return line


def ledger(account: RunAccount, issued: Mapping[str, int] | None = None) -> list[Ledger]:
    """Return one line for each detector.

    `issued`: the live numbers (next event, from the cursors) of a run that has not ended.
    """
    lines = []
    for name, detector in sorted(account.detectors.items()):
        known = detector.announced if detector.announced is not None else (issued or {}).get(name, 0)
        stored = detector.stored
        consumed = detector.consumed.minus(stored)
        dead = detector.dead.minus(stored.union(consumed))
        dropped = detector.dropped.minus(stored.union(consumed, dead))
        duplicate = detector.duplicate.minus(stored.union(consumed, dead, dropped))
        numbers = max(known, detector.committed.union(detector.accounted_for()).end)  # a cursor may lag
        announced = numbers - len(dropped) - len(duplicate)
        seen = len(stored) + len(consumed) + len(dead)
        lines.append(
            Ledger(
                run=account.run,
                detector=name,
                announced=announced,
                stored=len(stored),
                consumed=len(consumed),
                dead=len(dead),
                in_flight=announced - seen,
                dropped=len(dropped),
                duplicates=len(duplicate),
                ended=account.end is not None,
                dead_reasons=_counts(detector.dead_reasons, dead),
                consumed_reasons=_counts(detector.consumed_reasons, consumed),
            )
        )
    return lines


def _counts(reasons: Reasons, among: IntervalSet) -> dict[str, int]:
    """Return how many of these events have each reason."""
    counts = {reason: len(events) - len(events.minus(among)) for reason, events in reasons}
    return {reason: count for reason, count in counts.items() if count}


def total(lines: Iterable[Ledger], run: str) -> Ledger:
    """Return the sum over all detectors of a run."""
    rows = list(lines)
    return Ledger(
        run=run,
        detector="all",
        announced=sum(r.announced for r in rows),
        stored=sum(r.stored for r in rows),
        consumed=sum(r.consumed for r in rows),
        dead=sum(r.dead for r in rows),
        in_flight=sum(r.in_flight for r in rows),
        dropped=sum(r.dropped for r in rows),
        duplicates=sum(r.duplicates for r in rows),
        ended=bool(rows) and all(r.ended for r in rows),
        dead_reasons=_sums(row.dead_reasons for row in rows),
        consumed_reasons=_sums(row.consumed_reasons for row in rows),
    )


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in counts:
        for reason, count in each.items():
            sums[reason] = sums.get(reason, 0) + count
    return sums


def stored_twice(commits: Iterable[Commit]) -> dict[str, IntervalSet]:
    """Return, for each detector, the events that more than one chunk holds: empty, or a defect."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for commit in commits:
        spans.setdefault(commit.detector, []).extend(commit.events)
    twice = {name: IntervalSet() for name in spans}
    for name, pairs in spans.items():
        for (_, last), (first, end) in pairwise(sorted(pairs)):
            if first <= last:
                twice[name].add(first, min(last, end))
    return {name: events for name, events in twice.items() if events}
