"""What the policy learns from a tick: capacity, demand, idleness, and whether growing has helped."""

import math
from dataclasses import dataclass, replace

from cygnet.scaling.history import Lifecycle, Sample
from cygnet.scaling.limits import (
    COOLDOWN_SECONDS,
    DOWN_FRACTION,
    FOREIGN_WRITES_LIMIT,
    GAIN_EXPECTED,
    GROWTH_JUDGED,
    GROWTHS_IN_VAIN,
    MU_WEIGHT,
    PEAK_BUCKETS,
    RETRY_GROWTH_SECONDS,
    STALE_SECONDS,
)
from cygnet.scaling.measure import Measurement
from cygnet.scaling.memory import Level, Memory, Peak
from cygnet.scaling.spec import ScalingSpec


@dataclass(frozen=True, slots=True)
class Demand:
    """How many pods the load needs: for what arrives, and on top of it to work off the backlog in time."""

    arrival_pods: float
    backlog_pods: float

    @property
    def pods(self) -> float:
        """Both together."""
        return self.arrival_pods + self.backlog_pods


def demand_of(measurement: Measurement, mu_hz: float | None, spec: ScalingSpec) -> Demand | None:
    """Return the demand, or None when it can't be known.

    `arrival / (mu · utilization) + backlog / (mu · targetLagSeconds)`, DESIGN §9. While no capacity has been
    learned an idle role needs no pod, and one whose pods aren't all busy has too many: a quarter fewer are
    tried, until they are busy and can be measured.
    """
    if mu_hz:
        return Demand(
            measurement.arrival_hz / (mu_hz * spec.utilization),
            measurement.backlog / (mu_hz * spec.target_lag_seconds),
        )
    reading = measurement.reading
    if measurement.arrival_hz == 0 and reading.waiting == 0:
        return Demand(0.0, 0.0)
    if not reading.busy and reading.ready == reading.desired:
        return Demand(reading.desired * (1 - DOWN_FRACTION), 0.0)
    return None


def notice_others(memory: Memory, desired: int, seen: float, spec: ScalingSpec) -> Memory:
    """Remember it when `desired`, seen at that time, isn't what the policy asked for.

    Someone else has scaled then. The count before our own last change is no foreign write for three ticks:
    the change may still be on its way.
    """
    if memory.replicas is None:
        return replace(memory, replicas=desired, replaced=None)
    last_change = max(memory.last_up or -math.inf, memory.last_down or -math.inf)
    on_its_way = desired == memory.replaced and seen - last_change <= STALE_SECONDS
    if on_its_way or seen <= last_change:
        return memory
    if desired == memory.replicas:
        return replace(memory, replaced=None)
    inside = spec.min_replicas <= desired <= spec.max_replicas
    memory = replace(memory, replicas=desired, replaced=None, manual_since=seen if inside else None)
    return _with_write(memory, seen)


def notice_ask(memory: Memory, sample: Sample, spec: ScalingSpec) -> Memory:
    """Remember it when somebody has asked for replicas on the scale subresource and may have them."""
    if not may_ask(sample, spec):
        return memory
    inside = spec.min_replicas <= (sample.asked or 0) <= spec.max_replicas
    memory = replace(memory, manual_since=sample.time) if inside else memory
    return _with_write(memory, sample.time)


def may_ask(sample: Sample, spec: ScalingSpec) -> bool:
    """Whether somebody has asked for replicas at a time when the policy sets them."""
    free = sample.lifecycle is Lifecycle.RUNNING and sample.rolling_out is False and not spec.external
    return free and sample.asked is not None and sample.desired is not None and sample.desired >= 0


def _with_write(memory: Memory, seen: float) -> Memory:
    recent = [time for time in memory.foreign_writes if seen - time <= 2 * COOLDOWN_SECONDS]
    return replace(memory, foreign_writes=(*recent, seen)[-FOREIGN_WRITES_LIMIT:])


def learn(memory: Memory, measurement: Measurement, spec: ScalingSpec) -> Memory:
    """Return the memory with what a believable measurement adds to it."""
    now = measurement.reading.time
    watched_on = memory.watched_until is not None and now - memory.watched_until <= STALE_SECONDS
    memory = _learn_capacity(_judge_growth(memory, measurement), measurement)
    active = measurement.reading.run_active or measurement.reading.beam_active
    still_idle = memory.idle_since if watched_on and memory.idle_since is not None else now
    memory = replace(memory, idle_since=still_idle if measurement.quiet and not active else None)
    demand = demand_of(measurement, memory.mu_hz, spec)
    if demand is None:
        return memory
    peaks = memory.peaks if watched_on else ()
    since = memory.watched_since if watched_on and memory.watched_since is not None else now
    window = spec.scale_down_window_seconds
    return replace(
        memory, peaks=_with_peak(peaks, now, demand.pods, window), watched_since=since, watched_until=now
    )


def _learn_capacity(memory: Memory, measurement: Measurement) -> Memory:
    """Follow the capacity that was seen, but not down to a mere share of another limit."""
    seen, known = measurement.mu_hz, memory.mu_hz
    if seen is None or (known is not None and seen < known and memory.growths_in_vain):
        return memory
    return replace(memory, mu_hz=seen if known is None else known + MU_WEIGHT * (seen - known))


def _judge_growth(memory: Memory, measurement: Measurement) -> Memory:
    """Compare what the pods achieve now, all busy, with what fewer achieved before."""
    reading = measurement.reading
    tried_long_ago = memory.in_vain_at is not None and reading.time - memory.in_vain_at > RETRY_GROWTH_SECONDS
    if not reading.busy:
        memory = replace(memory, level=None, growths_in_vain=0, in_vain_at=None)
    elif tried_long_ago:
        memory = replace(memory, growths_in_vain=GROWTHS_IN_VAIN - 1, in_vain_at=None)
    if measurement.mu_hz is None:
        return memory
    level = Level(reading.ready, measurement.mu_hz * reading.working)
    before = memory.level
    if before is None or reading.ready <= before.ready:
        return replace(memory, level=level)
    if reading.ready < GROWTH_JUDGED * before.ready:
        return memory
    if level.processed_hz >= before.processed_hz * (1 + GAIN_EXPECTED):
        return replace(memory, level=level, growths_in_vain=0, in_vain_at=None)
    return replace(memory, level=level, growths_in_vain=memory.growths_in_vain + 1, in_vain_at=reading.time)


def _with_peak(peaks: tuple[Peak, ...], now: float, demand: float, window: float) -> tuple[Peak, ...]:
    """Add a demand to the maxima of the window's parts; parts that end before the window are dropped."""
    part = window / PEAK_BUCKETS
    kept = tuple(peak for peak in peaks if peak.time + part >= now - window)
    if kept and now - kept[-1].time < part:
        return (*kept[:-1], Peak(kept[-1].time, max(kept[-1].demand, demand)))
    return (*kept, Peak(now, demand))


def adopt(memory: Memory, sample: Sample) -> Memory:
    """Take the replicas as they are while somebody else sets them: in a pause or drain, or always."""
    return replace(memory, replicas=sample.desired, replaced=None, manual_since=None)
