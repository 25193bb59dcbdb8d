"""The heart of the suite: is every event stored once, with the right pixels, and nothing left over?"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from tests.faults.bucket import StoredRun, read_run
from tests.faults.fleet import Fleet
from tests.faults.frames import Bounds, FrameFolder, levels
from tests.faults.plan import DETECTOR
from tests.faults.waiting import FaultError

from cygnet.model.account import Commit, Epoch, Record
from cygnet.model.intervals import IntervalSet
from cygnet.model.ledger import RunAccount, fold, ledger, stored_twice
from cygnet.storage.bucket import open_folder
from cygnet.storage.ledger_files import read_ledger
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
    """The fate that each event of a detector must have, and the pixels of those that are stored.

    `reasons`: those that may be given for a dead event, where the scenario knows them. `letters`: whether
    every dead event must still have its body in DEAD. `windows`: of each revision of the parameters that
    may have been used, the bounds; an event's pixels are windowed by those of the revision that its
    manifest states.
    """

    stored: frozenset[int]
    pixels: Callable[[int], Pixels]
    detector: str = DETECTOR
    windows: Mapping[int, Bounds] | None = None
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


def replayed(
    frames: FrameFolder, events: int, *, store: bool = True, windows: Mapping[int, Bounds] | None = None
) -> Expected:
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
        windows=windows,
    )


async def check_run(fleet: Fleet, run: str, *expected: Expected) -> Checked:
    """Compare account, bucket and values with what must be. Raises BrokenPromiseError with all findings.

    `expected`: of each detector.
    """
    records = [record for _, record in await read_account(fleet.nc, fleet.names, run)]
    account = fold(run, records)
    stored_run = read_run(fleet.rig.bucket_folder, fleet.plan.name, run)
    checked, problems = _count(account, stored_run, expected)
    problems += _order(records)
    problems += _bucket(stored_run, account)
    for each in expected:
        problems += _fates(account, each)
        problems += _images(stored_run, each)
        problems += await _letters(fleet, run, each) if each.letters else []
    problems += _verified(fleet.rig.bucket_folder, fleet.plan.name, run)
    problems += await _values(fleet, run)
    _complain(run, problems)
    return checked


def check_folder(bucket: Path, prefix: str, run: str, expected: Expected) -> Checked:
    """Compare what a run has left in its bucket, with nothing running, with what must be there."""
    stored_run = read_run(bucket, prefix, run)
    account = read_ledger(open_folder(bucket).reader, prefix, run)
    if account is None:
        raise BrokenPromiseError(f"run {run} has no ledger in the bucket")
    checked, problems = _count(account, stored_run, [expected])
    problems += _bucket(stored_run, account)
    problems += _fates(account, expected)
    problems += _images(stored_run, expected)
    problems += _verified(bucket, prefix, run)
    _complain(run, problems)
    return checked


def _complain(run: str, problems: Sequence[str]) -> None:
    if problems:
        shown = "\n  ".join(problems[:_SHOWN])
        more = f"\n  … and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BrokenPromiseError(f"run {run}:\n  {shown}{more}")


def _count(
    account: RunAccount, stored_run: StoredRun, expected: Iterable[Expected]
) -> tuple[Checked, list[str]]:
    lines = ledger(account)
    problems = [f"the ledger does not close: {line.equation()}" for line in lines if not line.closes]
    if [line.detector for line in lines] != sorted(each.detector for each in expected):
        return Checked(), [*problems, f"the ledger has lines of {[line.detector for line in lines]}"]
    checked = Checked(pixels=len(stored_run.images))
    for line in lines:
        checked += Checked(line.announced, line.stored, line.consumed, line.dead, line.in_flight)
    return checked, problems


def _fates(account: RunAccount, expected: Expected) -> list[str]:
    """Compare the account's sets with the fates wanted."""
    found = account.detector(expected.detector)
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
    problems, attempts = [], set()
    epochs: dict[str, int] = {}
    for record in records:
        if isinstance(record, Epoch):
            epochs[record.detector] = max(epochs.get(record.detector, 0), record.epoch)
        elif isinstance(record, Commit):
            if record.epoch < (epoch := epochs.get(record.detector, 0)):
                problems.append(f"epoch {record.epoch} committed {record.chunk} after epoch {epoch} began")
            if record.key in attempts:
                problems.append(f"{record.key} was committed twice")
            attempts.add(record.key)
    return problems


def _images(found: StoredRun, expected: Expected) -> list[str]:
    """Compare the pixels of all stored events of a detector."""
    images = {
        event: image for (detector, event), image in found.images.items() if detector == expected.detector
    }
    problems = []
    if lost := expected.stored - images.keys():
        problems.append(f"bucket: not there: {IntervalSet.of(lost).pairs()}")
    if extra := images.keys() - expected.stored:
        problems.append(f"bucket: there, but should not be: {IntervalSet.of(extra).pairs()}")
    for event in sorted(expected.stored & images.keys()):
        image, wanted = images[event], expected.pixels(event)
        if expected.windows is not None:
            bounds = expected.windows.get(image.revision)
            stated = found.provenances[image.provenance]["parameters"].get("window")
            if bounds is None or stated != {"min": bounds[0], "max": bounds[1]}:
                problems.append(f"event {event} of revision {image.revision} states {stated}, not {bounds}")
                continue
            wanted = levels(wanted, *bounds)
        if image.pixels.dtype != wanted.dtype or not np.array_equal(image.pixels, wanted):
            problems.append(f"bucket: event {event} has other pixels than its file")
    return problems


def _bucket(found: StoredRun, account: RunAccount) -> list[str]:
    problems = list(found.problems)
    equations = found.ledger.get("equations")
    if equations != {line.detector: line.equation() for line in ledger(account)}:
        problems.append(f"ledger.json says {equations}")
    if not found.ledger.get("complete"):
        problems.append("ledger.json does not call the run complete")
    return problems


def _verified(bucket: Path, prefix: str, run: str) -> list[str]:
    """What `cygnet chunks verify` would find."""
    findings = verify_run(open_folder(bucket).reader, prefix, run, full=True).findings
    return [f"verify: {finding.kind}: {finding.message}" for finding in findings]


async def _values(fleet: Fleet, run: str) -> list[str]:
    problems = []
    if (state := await run_state(fleet.values, run)) != "complete":
        problems.append(f"the run's state is {state}")
    if left := await fleet.values.keys(f"attempt.{run}."):
        problems.append(f"attempts are left: {left}")
    return problems


async def _letters(fleet: Fleet, run: str, expected: Expected) -> list[str]:
    letters = await list_dead(fleet.nc, fleet.names, run, expected.detector)
    events = {letter.id.event for letter in letters if letter.id}
    if lost := expected.dead - events:
        return [f"no dead letter of {IntervalSet.of(lost).pairs()}"]
    return []
