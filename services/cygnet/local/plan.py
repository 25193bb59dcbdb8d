"""What to start, stop and kill next: a function of what is wanted and what is seen."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

SOURCE, PREPROCESSOR, AGGREGATOR, UPLOADER = "simulator", "preprocessor", "aggregator", "uploader"
SERVICES = (SOURCE, PREPROCESSOR, AGGREGATOR, UPLOADER)
"""In the order in which they end: what feeds others goes first."""

QUICK_DEATH_SECONDS = 10.0
FIRST_RESTART_SECONDS, LONGEST_RESTART_SECONDS = 0.1, 10.0


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A place for one process."""

    pipeline: str
    service: str
    index: int

    def __str__(self) -> str:
        return f"{self.pipeline}-{self.service}-{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a slot's process. Times are of one monotonic clock, in seconds."""

    slot: Slot
    alive: bool
    since: float
    """When it started; of a dead one: when it died."""
    quick_deaths: int = 0
    """Deaths in a row that came soon after the start."""
    stopping_since: float | None = None
    """When it was asked to stop."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one slot."""

    what: Literal["start", "stop", "kill", "forget"]
    slot: Slot


def wanted_slots(replicas: Mapping[tuple[str, str], int], ending: bool, alive: Collection[Slot]) -> set[Slot]:
    """Return the slots that should be filled.

    `replicas`: how many of each (pipeline, service). While `ending`, the services go one after another, each
    when those that feed it are gone.
    """
    wanted = {Slot(*role, index) for role, count in replicas.items() for index in range(count)}
    if not ending:
        return wanted
    left = [service for service in SERVICES if any(slot.service == service for slot in alive)]
    return {slot for slot in wanted if slot.service in left[1:]}


def plan(wanted: Collection[Slot], seen: Iterable[Seen], now: float, grace_seconds: float) -> list[Step]:
    """Return what to do now; asking again with nothing changed but the time is harmless."""
    known = {each.slot: each for each in seen}
    steps = [Step("start", slot) for slot in sorted(set(wanted) - known.keys())]
    for slot, each in sorted(known.items()):
        if each.alive:
            step = _for_living(each, slot in wanted, now, grace_seconds)
        else:
            step = _for_dead(each, slot in wanted, now)
        steps += [step] if step else []
    return steps


def restart_delay(quick_deaths: int) -> float:
    """Return the seconds between a death and the next start."""
    return float(min(LONGEST_RESTART_SECONDS, FIRST_RESTART_SECONDS * 2 ** min(max(0, quick_deaths - 1), 20)))


def quick_deaths_after(before: int, lived_seconds: float, *, asked: bool) -> int:
    """Return how many quick deaths in a row there are after another one; one that was asked for is none."""
    return before + 1 if lived_seconds < QUICK_DEATH_SECONDS and not asked else 0


def _for_living(each: Seen, is_wanted: bool, now: float, grace_seconds: float) -> Step | None:
    if each.stopping_since is not None:
        overdue = now - each.stopping_since > grace_seconds
        return Step("kill", each.slot) if overdue else None
    return None if is_wanted else Step("stop", each.slot)


def _for_dead(each: Seen, is_wanted: bool, now: float) -> Step | None:
    if not is_wanted:
        return Step("forget", each.slot)
    due = now - each.since >= restart_delay(each.quick_deaths)
    return Step("start", each.slot) if due else None
