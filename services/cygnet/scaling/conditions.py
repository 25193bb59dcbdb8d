"""The conditions that a decision sets: each says in one line whether that part is well, and if not, why."""

from cygnet.scaling.decision import Condition, Reason, Status, Verdict
from cygnet.scaling.limits import BACKPRESSURE_FILL
from cygnet.scaling.measure import Fault
from cygnet.scaling.rules import (
    Situation,
    backpressure_message,
    is_stalled,
    stall_message,
    two_scalers,
)

METRICS_AVAILABLE = "MetricsAvailable"
STALLED = "Stalled"
BACKPRESSURED = "Backpressured"
SCALING_LIMITED = "ScalingLimited"

LIMITING = frozenset(
    {
        Reason.UNSCHEDULABLE,
        Reason.SCALING_INEFFECTIVE,
        Reason.AT_MAX_REPLICAS,
        Reason.AT_CEILING,
        Reason.SCALE_OUT_PAUSED,
        Reason.TWO_SCALERS,
    }
)
"""Holds that stand between the load and the pods it needs, until somebody changes something."""


def conditions(s: Situation, verdict: Verdict) -> tuple[Condition, ...]:
    """Return MetricsAvailable, Stalled, Backpressured and ScalingLimited for a verdict in its situation."""
    if s.fault:
        return blind(s.fault)
    stalled, pressed = _stalled(s), _backpressured(s)
    explained = Status.TRUE in (stalled.status, pressed.status)
    available = Condition(METRICS_AVAILABLE, Status.TRUE, "Complete", "every input is there and fresh")
    return (available, stalled, pressed, _limited(s, verdict, explained=explained))


def blind(fault: Fault) -> tuple[Condition, ...]:
    """Return the same conditions when there are no metrics to tell them from."""
    unknown = (STALLED, BACKPRESSURED, SCALING_LIMITED)
    return (
        Condition(METRICS_AVAILABLE, Status.FALSE, fault.reason, fault.message),
        *(Condition(kind, Status.UNKNOWN, fault.reason, fault.message) for kind in unknown),
    )


def _stalled(s: Situation) -> Condition:
    if not is_stalled(s.measured):
        return Condition(STALLED, Status.FALSE, "Working", "work is being done or none waits")
    reading = s.measured.reading
    if reading.ready == 0:
        reason = "NoReadyPods"
    else:
        reason = "DownstreamFull" if reading.fill >= BACKPRESSURE_FILL else "NothingFinished"
    return Condition(STALLED, Status.TRUE, reason, stall_message(s.measured))


def _backpressured(s: Situation) -> Condition:
    reading = s.measured.reading
    message = backpressure_message(reading.results_fill, reading.chunks_fill)
    if reading.fill < BACKPRESSURE_FILL:
        return Condition(BACKPRESSURED, Status.FALSE, "RoomDownstream", message)
    fuller = "ResultsFull" if reading.results_fill >= reading.chunks_fill else "ChunksFull"
    return Condition(BACKPRESSURED, Status.TRUE, fuller, message)


def _limited(s: Situation, verdict: Verdict, *, explained: bool) -> Condition:
    if verdict.reason in LIMITING:
        return Condition(SCALING_LIMITED, Status.TRUE, verdict.reason, verdict.message)
    if two_scalers(s):
        return Condition(SCALING_LIMITED, Status.TRUE, Reason.TWO_SCALERS, "another writer sets the replicas")
    age, target = s.measured.reading.oldest_age_seconds, s.spec.target_lag_seconds
    if age > target and not explained:
        return Condition(SCALING_LIMITED, Status.TRUE, *_why_late(s, verdict, age))
    return Condition(
        SCALING_LIMITED, Status.FALSE, "Unlimited", "nothing limits the replicas that the load needs"
    )


def _why_late(s: Situation, verdict: Verdict, age: float) -> tuple[str, str]:
    """No lag without a reason: name it when the oldest frame is older than the target."""
    late = f"the oldest frame is {age:.0f} s old, the target is {s.spec.target_lag_seconds:.0f} s"
    enough = verdict.replicas != s.current or verdict.reason in (
        Reason.WITHIN_TOLERANCE,
        Reason.SCALE_DOWN_WINDOW,
        Reason.SCALE_DOWN_PERIOD,
        Reason.AT_MIN_REPLICAS,
    )
    if not enough:
        return verdict.reason, f"{late}; {verdict.message}"
    if s.measured.backlog == 0:
        return "FramesHeld", f"{late}; only frames in workers' hands are left: slow or redelivered ones"
    return "CatchingUp", f"{late}; a backlog of {s.measured.backlog:.0f} frames is being worked off"
