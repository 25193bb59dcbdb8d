"""The rules that come before any arithmetic: when not to touch the replicas, and when at once.

Each takes the situation and returns a verdict, or None to let the next rule speak. `policy.RULES` is their
order.
"""

import math
from dataclasses import dataclass

from cygnet.scaling.decision import Reason, Verdict
from cygnet.scaling.history import Lifecycle, Sample
from cygnet.scaling.learning import Demand, may_ask
from cygnet.scaling.limits import (
    BACKPRESSURE_FILL,
    COOLDOWN_SECONDS,
    FOREIGN_WRITES_LIMIT,
    UP_PODS,
)
from cygnet.scaling.measure import Fault, Measurement
from cygnet.scaling.memory import Memory
from cygnet.scaling.spec import ScalingSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a rule may look at. `measurement` is there exactly when `fault` is not."""

    now: float
    spec: ScalingSpec
    sample: Sample
    current: int
    memory: Memory
    fault: Fault | None
    measurement: Measurement | None
    demand: Demand | None

    @property
    def upper(self) -> int:
        """The most pods that are any use: `max_replicas`, or fewer when the ack limit can't feed as many."""
        ceiling = self.spec.max_replicas if self.sample.ceiling is None else self.sample.ceiling
        return max(1, self.spec.min_replicas, min(self.spec.max_replicas, ceiling))

    @property
    def measured(self) -> Measurement:
        """The measurement, for rules that follow the one about metrics."""
        if self.measurement is None:
            raise ValueError("no measurement: the rule about metrics has to come first")
        return self.measurement

    def hold(self, reason: Reason, message: str) -> Verdict:
        """Leave the replicas as they are."""
        return Verdict(self.current, reason, message)

    def elapsed(self, then: float | None) -> float:
        """Seconds since `then`; endless when it never was."""
        return math.inf if then is None else self.now - then


def pods(count: int) -> str:
    """Return a number of pods in words."""
    return f"{count} pod" if count == 1 else f"{count} pods"


def lifecycle(s: Situation) -> Verdict | None:
    """Nothing changes while the pipeline is paused or drained: what is in flight belongs to its owner."""
    if s.sample.lifecycle is Lifecycle.PAUSED:
        return s.hold(Reason.PAUSED, "the pipeline is paused")
    if s.sample.lifecycle is Lifecycle.DRAINED:
        return s.hold(Reason.DRAINED, "the pipeline drains")
    return None


def external(s: Situation) -> Verdict | None:
    """Others set the replicas."""
    if not s.spec.external:
        return None
    return s.hold(Reason.EXTERNAL, "scaling mode external: replicas follow spec.preprocessor.replicas")


def rollout(s: Situation) -> Verdict | None:
    """Nothing changes in a rollout: rates of two versions are no measure of either."""
    if s.sample.rolling_out:
        return s.hold(Reason.ROLLING_OUT, "pods are being replaced by a new version")
    return None


def asked(s: Situation) -> Verdict | None:
    """What a person asks for on the scale subresource is done at once, inside the bounds and only there."""
    wanted = s.sample.asked
    if wanted is None or not may_ask(s.sample, s.spec):
        return None
    low, high = s.spec.min_replicas, s.spec.max_replicas
    if low <= wanted <= high:
        return Verdict(wanted, Reason.MANUAL_SCALE, f"{pods(wanted)} asked for by hand")
    if not low <= s.current <= high:
        return None
    if wanted > high:
        return s.hold(Reason.ABOVE_MAX_REPLICAS, f"{pods(wanted)} asked for by hand, maxReplicas is {high}")
    return s.hold(Reason.BELOW_MIN_REPLICAS, f"{pods(wanted)} asked for by hand, minReplicas is {low}")


def is_asked(s: Situation) -> bool:
    """Whether the replicas that somebody asked for are inside the bounds."""
    inside = s.spec.min_replicas <= (s.sample.asked or 0) <= s.spec.max_replicas
    return inside and may_ask(s.sample, s.spec)


def bounds(s: Situation) -> Verdict | None:
    """Bounds hold at once and without metrics, as with HPA: they are a person's word, not a measurement.

    Only what says that somebody else is changing the pods must be known, and not be stale.
    """
    outdated = s.fault is not None and s.fault.reason is Reason.METRICS_STALE
    if outdated or s.sample.lifecycle is None or s.sample.rolling_out is None:
        return None
    low, high = s.spec.min_replicas, s.spec.max_replicas
    if s.current < low and s.sample.scale_out_paused:
        return s.hold(
            Reason.SCALE_OUT_PAUSED, f"{pods(s.current)}, minReplicas is {low}; scale-out is paused"
        )
    if s.current < low:
        return Verdict(low, Reason.BELOW_MIN_REPLICAS, f"{pods(s.current)}, minReplicas is {low}")
    if s.current > high and s.sample.scale_in_paused:
        return s.hold(Reason.SCALE_IN_PAUSED, f"{pods(s.current)}, maxReplicas is {high}; scale-in is paused")
    if s.current > high:
        return Verdict(high, Reason.ABOVE_MAX_REPLICAS, f"{pods(s.current)}, maxReplicas is {high}")
    return None


def metrics(s: Situation) -> Verdict | None:
    """Without metrics that can be believed everything stays as it is."""
    return s.hold(s.fault.reason, s.fault.message) if s.fault else None


def manual(s: Situation) -> Verdict | None:
    """A person's own scaling stands for one cooldown; a writer that repeats is named."""
    left = COOLDOWN_SECONDS - s.elapsed(s.memory.manual_since)
    if left <= 0:
        return None
    if two_scalers(s):
        return s.hold(
            Reason.TWO_SCALERS,
            f"someone else has set the replicas {FOREIGN_WRITES_LIMIT} times within "
            f"{2 * COOLDOWN_SECONDS:.0f} s; use scaling mode external for another autoscaler",
        )
    return s.hold(Reason.MANUAL_SCALE, f"{pods(s.current)} set by hand; respected for {left:.0f} s more")


def two_scalers(s: Situation) -> bool:
    """Say whether somebody scales again and again."""
    recent = [time for time in s.memory.foreign_writes if s.elapsed(time) <= 2 * COOLDOWN_SECONDS]
    return len(recent) >= FOREIGN_WRITES_LIMIT


def from_zero(s: Situation) -> Verdict | None:
    """A sleeping role wakes at the first frame, run or beam, without waiting for a rate."""
    if s.current > 0:
        return None
    reading = s.measured.reading
    if not (reading.waiting or reading.run_active or reading.beam_active):
        return s.hold(Reason.ASLEEP, "nothing waits, no run and no beam")
    why = f"{reading.waiting_frames:.0f} frames wait" if reading.waiting else "a run or the beam has begun"
    if s.sample.scale_out_paused:
        return s.hold(Reason.SCALE_OUT_PAUSED, f"{why}, but scale-out is paused")
    if reading.fill >= BACKPRESSURE_FILL:
        return s.hold(Reason.BACKPRESSURED, f"{why}, but a stream downstream is {reading.fill:.0%} full")
    wanted = math.ceil(s.demand.pods) if s.demand else 1
    return Verdict(max(1, min(wanted, UP_PODS, s.upper)), Reason.WAKE_UP, why)


def warm_up(s: Situation) -> Verdict | None:
    """The first window after a start, a hole or a reset only watches: a restart changes nothing."""
    return None if s.measured.warm else s.hold(Reason.WARMING_UP, "watching: too few samples for a rate")


def stalled(s: Situation) -> Verdict | None:
    """Work waits and none gets done: neither fewer nor more of the same pods can help."""
    m = s.measured
    if m.reading.waiting == 0 or m.processed_hz > 0:
        return None
    if is_stalled(m):
        return s.hold(Reason.STALLED, stall_message(m))
    if m.reading.ready < s.current:
        return s.hold(
            Reason.PODS_STARTING, f"{m.reading.ready} of {pods(s.current)} ready, none has worked yet"
        )
    return s.hold(
        Reason.AWAITING_RESULTS, f"no result yet, {m.unprocessed_seconds:.0f} s after the first frame"
    )


def is_stalled(m: Measurement) -> bool:
    """Say whether frames have waited for a whole rate window without one being finished."""
    return m.reading.waiting > 0 and m.unprocessed_seconds >= m.window_seconds


def stall_message(m: Measurement) -> str:
    """Say what stalls, and what it is most likely due to."""
    ready = m.reading.ready
    why = f"{pods(ready)} {'is' if ready == 1 else 'are'} ready" if ready else "no pod is ready"
    if m.reading.fill >= BACKPRESSURE_FILL:
        why = f"a stream downstream is {m.reading.fill:.0%} full"
    waiting = f"{m.reading.waiting_frames:.0f} frames wait"
    return f"{waiting}, none was finished for {m.unprocessed_seconds:.0f} s; {why}"


def backpressured(s: Situation) -> Verdict | None:
    """What is downstream is nearly full: more pods would only fill it."""
    reading = s.measured.reading
    if reading.fill < BACKPRESSURE_FILL:
        return None
    return s.hold(Reason.BACKPRESSURED, backpressure_message(reading.results_fill, reading.chunks_fill))


def backpressure_message(results_fill: float, chunks_fill: float) -> str:
    """Say how full the streams downstream are."""
    return (
        f"RESULTS is {results_fill:.0%} full, CHUNKS {chunks_fill:.0%}; the limit is {BACKPRESSURE_FILL:.0%}"
    )
