"""What is to run, and what is to be asked of the source, for the lifecycle that the spec wants: pure.

Drain: the source is asked to end its run (it has to be up for that), what is in flight is worked off, the run
is complete, nothing waits; then everything goes to 0. It stays there without NATS, and comes back to work off
what somebody adds later. A drain that is taken back goes on with the next run.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from cygnet.transport.runs import SETTLED
from cygnet_operator.observed import Waiting


class Phase(StrEnum):
    """How far a Pipeline is on the way to what its lifecycle asks for."""

    RUNNING = "Running"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    DRAINING = "Draining"
    DRAINED = "Drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a Pipeline's way. Without news from NATS there is no `Flow`."""

    was: Phase | None
    """As the status says it; None for a Pipeline that was never visited."""
    source_pods: int
    """Pods of the source that exist, also those that are ending."""
    flow: "Flow | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What NATS says, read after `source_pods` was."""

    waiting: Waiting
    run: str
    """The run that is asked for; empty: none was yet."""
    run_state: str | None
    """running, ended, complete, removed; None: nobody has begun it."""
    end_asked: bool
    """This run's end was asked for by a drain."""
    late: bool = False
    """A result came after its run was complete, and is not in its index yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done now."""

    phase: Phase
    source: int
    """Replicas of the source."""
    others: bool
    """Whether aggregator and uploader run, and preprocessors may."""
    min_preprocessors: int = 0
    """What drains needs a worker even where none is wanted otherwise."""
    ask: Literal["", "end", "next"] = ""
    """Ask the source to end the run as its last, or for the run after one that a drain ended."""
    message: str = ""
    """What is waited for; empty for nothing."""


def step(lifecycle: str, seen: Seen) -> Step:
    """Return what to do for `spec.lifecycle`."""
    if lifecycle == "Paused":
        return _pause(seen)
    if lifecycle == "Drained":
        return _drain(seen)
    flow = seen.flow
    resumes = flow is not None and flow.end_asked and flow.run_state in ("ended", *SETTLED)
    return Step(phase=Phase.RUNNING, source=1, others=True, ask="next" if resumes else "")


def _pause(seen: Seen) -> Step:
    flow = seen.flow
    if seen.source_pods:
        phase, message = Phase.PAUSING, "the source is ending"
    elif flow is None:
        phase = Phase.PAUSED if seen.was is Phase.PAUSED else Phase.PAUSING
        message = "NATS does not say what is in flight"
    elif flow.waiting.is_nothing:
        phase, message = Phase.PAUSED, ""
    else:
        phase, message = Phase.PAUSING, in_flight(flow.waiting)
    return Step(phase=phase, source=0, others=True, message=message)


def _drain(seen: Seen) -> Step:
    flow = seen.flow
    if flow is None:
        if seen.was is Phase.DRAINED:
            return _rest()
        source = int(seen.was is not None and seen.source_pods > 0)
        return _go_on(source, "NATS does not say how far the run is")
    has_begun = flow.run_state is not None
    is_over = flow.run_state in SETTLED
    if flow.run_state == "running":
        return _go_on(1, f"run {flow.run} is to end", "" if flow.end_asked else "end")
    if flow.run_state == "ended" and not flow.end_asked:
        # Its source might begin another: it must know that this one is the last.
        return _go_on(seen.source_pods and 1, f"run {flow.run} is to be the last", "end")
    if not has_begun and seen.source_pods:
        return _go_on(0, "the source ends before it has begun a run")
    if not flow.waiting.is_nothing:
        return _go_on(0, in_flight(flow.waiting))
    if has_begun and not is_over:
        return _go_on(0, f"run {flow.run} is not complete yet")
    if flow.late:
        return _go_on(0, "the index of a run gets a late result")
    if seen.source_pods:
        # It may have been asked for the next run just before, and begin that.
        return _go_on(0, "the source is ending")
    return _rest()


def _go_on(source: int, message: str, ask: Literal["", "end"] = "") -> Step:
    return Step(
        phase=Phase.DRAINING, source=source, others=True, min_preprocessors=1, ask=ask, message=message
    )


def _rest() -> Step:
    return Step(phase=Phase.DRAINED, source=0, others=False)


def in_flight(waiting: Waiting) -> str:
    """Return what waits between the services, in words."""
    counts = {
        "frames": waiting.frames,
        "results": waiting.results,
        "slices of chunks": waiting.chunks,
        "uploads": waiting.notices,
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) + " in flight"
