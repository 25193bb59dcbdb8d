"""The arithmetic of a step: how far up, how far down, when to zero, and what limits each."""

import math

from cygnet.scaling.decision import Reason, Verdict
from cygnet.scaling.limits import (
    COOLDOWN_SECONDS,
    DOWN_AFTER_UP_SECONDS,
    DOWN_FRACTION,
    DOWN_PERIOD_SECONDS,
    GROWTHS_IN_VAIN,
    TOLERANCE,
    UP_FACTOR,
    UP_PERIOD_SECONDS,
    UP_PODS,
)
from cygnet.scaling.rules import Situation


def capacity_unknown(s: Situation) -> Verdict | None:
    """Without a learned capacity a busy role can't be sized."""
    if s.demand is None:
        return s.hold(Reason.CAPACITY_UNKNOWN, "the capacity of a pod is not known yet")
    return None


def to_zero(s: Situation) -> Verdict | None:
    """The last pod goes when nothing has arrived, waited, run or beamed for a whole cooldown."""
    idle = s.elapsed(s.memory.idle_since)
    if s.spec.min_replicas > 0 or s.current != 1 or s.memory.idle_since is None or idle < COOLDOWN_SECONDS:
        return None
    return _not_down_now(s) or Verdict(0, Reason.IDLE, f"nothing to do for {idle:.0f} s, no run and no beam")


def up(s: Situation) -> Verdict | None:
    """Grow when the demand is above what is asked for now, at most double or eight pods more at a time."""
    if s.demand is None or s.demand.pods <= s.current * (1 + TOLERANCE):
        return None
    target = min(math.ceil(s.demand.pods), max(s.current * UP_FACTOR, s.current + UP_PODS), s.upper)
    why = f"{s.demand.arrival_pods:.1f} pods for what arrives and {s.demand.backlog_pods:.1f} for the backlog"
    return _not_up_now(s) or Verdict(target, Reason.DEMAND_ABOVE_CAPACITY, f"the load needs {why}")


def _not_up_now(s: Situation) -> Verdict | None:
    reading = s.measured.reading
    if s.demand is None:
        return None
    needed = f"the load needs {s.demand.pods:.1f} pods"
    if s.memory.growths_in_vain >= GROWTHS_IN_VAIN:
        return s.hold(
            Reason.SCALING_INEFFECTIVE,
            f"{needed}; growing {s.memory.growths_in_vain} times brought less than a tenth each: "
            "something else limits (CPU of the nodes, storage, network)",
        )
    if s.current >= s.upper:
        if s.upper < s.spec.max_replicas:
            return s.hold(Reason.AT_CEILING, f"{needed}; max_ack_pending feeds {reading.ceiling}")
        return s.hold(Reason.AT_MAX_REPLICAS, f"{needed}; maxReplicas is {s.spec.max_replicas}")
    if s.sample.scale_out_paused:
        return s.hold(Reason.SCALE_OUT_PAUSED, f"{needed}; scale-out is paused by annotation")
    if reading.unschedulable:
        return s.hold(Reason.UNSCHEDULABLE, f"{needed}; no node takes {reading.unschedulable} of {s.current}")
    level = s.memory.level
    if s.memory.growths_in_vain and (level is None or level.ready < s.current):
        return s.hold(Reason.PODS_STARTING, f"{needed}; the last growth brought little, the rest is awaited")
    if reading.ready < s.current and s.demand.backlog_pods <= s.current:
        return s.hold(
            Reason.PODS_STARTING, f"{needed}; {reading.ready} of {s.current} are ready, others start"
        )
    since = s.elapsed(s.memory.last_up)
    if since < UP_PERIOD_SECONDS:
        return s.hold(Reason.SCALE_UP_PERIOD, f"{needed}; last step up {since:.0f} s ago")
    return None


def down(s: Situation) -> Verdict | None:
    """Shrink when the highest demand of the whole window needed fewer, at most a quarter at a time."""
    if s.demand is None or s.demand.pods >= s.current * (1 - TOLERANCE):
        return None
    peak = max((peak.demand for peak in s.memory.peaks), default=math.inf)
    watched = 0.0 if s.memory.watched_since is None else s.elapsed(s.memory.watched_since)
    window = s.spec.scale_down_window_seconds
    now = f"{s.demand.pods:.1f} pods would do now"
    floor = max(1, s.spec.min_replicas)
    if s.current <= floor:
        return s.hold(Reason.AT_MIN_REPLICAS, f"{now}; {s.current} is the least")
    if watched < window:
        return s.hold(Reason.SCALE_DOWN_WINDOW, f"{now}; watched for {watched:.0f} of {window:.0f} s")
    if peak >= s.current * (1 - TOLERANCE):
        return s.hold(Reason.SCALE_DOWN_WINDOW, f"{now}; {peak:.1f} were needed within {window:.0f} s")
    step = max(1, math.floor(s.current * DOWN_FRACTION))
    target = max(math.ceil(min(peak, s.upper)), floor, s.current - step)
    if target >= s.current:
        return None
    reason = Reason.DEMAND_BELOW_CAPACITY if s.memory.mu_hz else Reason.PROBING_CAPACITY
    return _not_down_now(s) or Verdict(
        target, reason, f"at most {peak:.1f} pods were needed within {window:.0f} s"
    )


def _not_down_now(s: Situation) -> Verdict | None:
    if s.sample.scale_in_paused:
        return s.hold(Reason.SCALE_IN_PAUSED, "fewer pods would do; scale-in is paused by annotation")
    for what, then, wait in (
        ("up", s.memory.last_up, DOWN_AFTER_UP_SECONDS),
        ("down", s.memory.last_down, DOWN_PERIOD_SECONDS),
    ):
        if s.elapsed(then) < wait:
            return s.hold(
                Reason.SCALE_DOWN_PERIOD, f"fewer would do; last step {what} {s.elapsed(then):.0f} s ago"
            )
    return None


def enough(s: Situation) -> Verdict | None:
    """What is there fits what is needed."""
    pods = s.demand.pods if s.demand else 0.0
    return s.hold(Reason.WITHIN_TOLERANCE, f"the load needs {pods:.1f} pods; within ±{TOLERANCE:.0%}")
