"""The heart of the suite: is every event stored once, with the right pixels, and nothing left over?"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from tests.faults.bucket import StoredRun, read_run
from tests.faults.fleet import Fleet
from tests.faults.frames import FrameFolder
from tests.faults.plan import DETECTOR
from tests.faults.waiting import FaultError

from cygnet.model.account import Commit, Epoch, Record
from cygnet.model.intervals import IntervalSet
from cygnet.model.ledger import RunAccount, fold, ledger, stored_twice
from cygnet.storage.bucket import open_folder
from cygnet.storage.verify import verify_run
from cygnet.transport.account import read_account
from cygnet.transport.dead import list_dead
from cygnet.transport.runs import run_state

Pixels = npt.NDArray[Any]
_SHOWN = 8


class BrokenPromiseError(FaultError):
    """The ledger does not close, or what is stored is wrong."""


@dataclass(frozen=True)
class Expected:
    """The fate that each event of a run must have, and the pixels of those that are stored.

    `reasons`: those that may be given for a dead event, where the scenario knows them. `letters`: whether
    every dead event must still have its body in DEAD.
    """

    stored: frozenset[int]
    pixels: Callable[[int], Pixels]
    consumed: frozenset[int] = frozenset()
    dead: frozenset[int] = frozenset()
    reasons: Mapping[int, Collection[str]] = field(default_factory=dict)
    letters: bool = True

    @property
    def events(self) -> int:
        """How many there must be."""
        return len(self.stored) + len(self.consumed) + len(self.dead)


@dataclass(slots=True)
class Checked:
    """Sums over the runs of a scenario."""

    announced: int = 0
    stored: int = 0
    consumed: int = 0
    dead: int = 0
    in_flight: int = 0
    pixels: int = 0

    def __iadd__(self, other: "Checked") -> Self:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def replayed(frames: FrameFolder, events: int, *, store: bool = True) -> Expected:
    """Return what must become of a run that replays a folder."""
    broken = frozenset(event for event in range(events) if frames.is_broken(event))
    sound = frozenset(range(events)) - broken
    nothing: frozenset[int] = frozenset()
    return Expected(
        stored=sound if store else nothing,
        consumed=nothing if store else sound,
        dead=broken,
        reasons=dict.fromkeys(broken, ("not-an-image",)),
        pixels=frames.pixels,
    )


async def check_run(fleet: Fleet, run: str, expected: Expected) -> Checked:
    """Compare account, bucket and values with what must be. Raises BrokenPromiseError with all findings."""
    records = [record for _, record in await read_account(fleet.nc, fleet.names, run)]
    account = fold(run, records)
    stored_run = read_run(fleet.rig.bucket_folder, fleet.plan.name, run)
    checked, problems = _count(account, stored_run)
    problems += _fates(account, expected)
    problems += _order(records)
    problems += _bucket(stored_run, account, expected)
    problems += _verified(fleet, run)
    problems += await _values(fleet, run)
    problems += await _letters(fleet, run, expected) if expected.letters else []
    if problems:
        shown = "\n  ".join(problems[:_SHOWN])
        more = f"\n  … and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BrokenPromiseError(f"run {run}:\n  {shown}{more}")
    return checked


def _count(account: RunAccount, stored_run: StoredRun) -> tuple[Checked, list[str]]:
    lines = ledger(account)
    problems = [f"the ledger does not close: {line.equation()}" for line in lines if not line.closes]
    if [line.detector for line in lines] != [DETECTOR]:
        return Checked(), [*problems, f"the ledger has lines of {[line.detector for line in lines]}"]
    [line] = lines
    pixels = len(stored_run.images)
    checked = Checked(line.announced, line.stored, line.consumed, line.dead, line.in_flight, pixels)
    return checked, problems


def _fates(account: RunAccount, expected: Expected) -> list[str]:
    """Compare the account's sets with the fates wanted."""
    found = account.detector(DETECTOR)
    stored = found.stored
    consumed = found.consumed.minus(stored)
    dead = found.dead.minus(stored.union(consumed))
    problems = []
    for name, have, want in (
        ("stored", stored, expected.stored),
        ("consumed", consumed, expected.consumed),
        ("dead", dead, expected.dead),
    ):
        wanted = IntervalSet.of(want)
        if lost := wanted.minus(have):
            problems.append(f"account: not {name}, but should be: {lost.pairs()}")
        if extra := have.minus(wanted):
            reasons = {event: found.dead_reasons.get(event) for event in list(extra)[:3]}
            problems.append(f"account: {name}, but should not be: {extra.pairs()} {reasons}")
    for event, reasons_wanted in expected.reasons.items():
        if (reason := found.dead_reasons.get(event)) not in reasons_wanted:
            problems.append(f"event {event} is dead by {reason}, not by {' or '.join(reasons_wanted)}")
    problems += [f"committed twice: {pairs}" for pairs in stored_twice(found.commits.values()).values()]
    problems += [f"committed and never stored: {commit.chunk}" for commit in found.waiting_commits()]
    return problems


def _order(records: Iterable[Record]) -> list[str]:
    """No aggregator may commit after a later one has fenced it, and no chunk may be committed twice."""
    problems, epoch, attempts = [], 0, set()
    for record in records:
        if isinstance(record, Epoch):
            epoch = max(epoch, record.epoch)
        elif isinstance(record, Commit):
            if record.epoch < epoch:
                problems.append(f"epoch {record.epoch} committed {record.chunk} after epoch {epoch} began")
            if record.key in attempts:
                problems.append(f"{record.key} was committed twice")
            attempts.add(record.key)
    return problems


def _bucket(found: StoredRun, account: RunAccount, expected: Expected) -> list[str]:
    problems = list(found.problems)
    if lost := expected.stored - found.images.keys():
        problems.append(f"bucket: not there: {IntervalSet.of(lost).pairs()}")
    if extra := found.images.keys() - expected.stored:
        problems.append(f"bucket: there, but should not be: {IntervalSet.of(extra).pairs()}")
    for event in sorted(expected.stored & found.images.keys()):
        image, wanted = found.images[event], expected.pixels(event)
        if image.dtype != wanted.dtype or not np.array_equal(image, wanted):
            problems.append(f"bucket: event {event} has other pixels than its file")
    equations = found.ledger.get("equations")
    if equations != {line.detector: line.equation() for line in ledger(account)}:
        problems.append(f"ledger.json says {equations}")
    if not found.ledger.get("complete"):
        problems.append("ledger.json does not call the run complete")
    return problems


def _verified(fleet: Fleet, run: str) -> list[str]:
    """What `cygnet chunks verify` would find."""
    reader = open_folder(fleet.rig.bucket_folder).reader
    findings = verify_run(reader, fleet.plan.name, run, full=True).findings
    return [f"verify: {finding.kind}: {finding.message}" for finding in findings]


async def _values(fleet: Fleet, run: str) -> list[str]:
    problems = []
    if (state := await run_state(fleet.values, run)) != "complete":
        problems.append(f"the run's state is {state}")
    if left := await fleet.values.keys(f"attempt.{run}."):
        problems.append(f"attempts are left: {left}")
    return problems


async def _letters(fleet: Fleet, run: str, expected: Expected) -> list[str]:
    letters = await list_dead(fleet.nc, fleet.names, run, DETECTOR)
    events = {letter.id.event for letter in letters if letter.id}
    if lost := expected.dead - events:
        return [f"no dead letter of {IntervalSet.of(lost).pairs()}"]
    return []
