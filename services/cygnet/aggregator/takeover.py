"""What a new aggregator must do before it may take results: fence, purge, send notices again. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from cygnet.aggregator.assembly import Place
from cygnet.model.account import Commit
from cygnet.model.ledger import RunAccount


class FencedError(Exception):
    """Another aggregator has taken over: this one must stop and read again."""


@dataclass(frozen=True, slots=True, order=True)
class SliceSubject:
    """Whose slices lie under one subject of CHUNKS."""

    run: str
    detector: str
    chunk: str
    attempt: str


def parse_slice_subject(subject: str) -> SliceSubject | None:
    """Return what a subject `….chunks.RUN.DETECTOR.CHUNK.ATTEMPT` speaks of, None if it is another."""
    parts = subject.split(".")
    if len(parts) < 5 or parts[-5] != "chunks":
        return None
    return SliceSubject(*parts[-4:])


def places_to_fence(accounts: Iterable[RunAccount], slices: Iterable[SliceSubject]) -> set[Place]:
    """Return every (run, detector) on which an old aggregator may be about to commit."""
    known = {(account.run, name) for account in accounts for name in account.detectors}
    return known | {(each.run, each.detector) for each in slices}


def orphans(accounts: Iterable[RunAccount], slices: Iterable[SliceSubject]) -> list[SliceSubject]:
    """Return the slices that no commit speaks of: their attempt died, or another one won."""
    decided = {
        SliceSubject(account.run, name, commit.chunk, commit.attempt)
        for account in accounts
        for name, detector in account.detectors.items()
        for commit in detector.commits.values()
    }
    return sorted(set(slices) - decided)


def unsent_notices(accounts: Iterable[RunAccount]) -> list[Commit]:
    """Return the commits whose chunk is not yet stored, oldest first."""
    waiting = [
        commit
        for account in accounts
        for detector in account.detectors.values()
        for commit in detector.waiting_commits()
    ]
    return sorted(waiting, key=lambda commit: (commit.time_ns, commit.chunk))
