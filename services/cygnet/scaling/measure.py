"""Turns raw samples into the few numbers that decisions need, or says why they can't be believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from cygnet.scaling.decision import Reason
from cygnet.scaling.history import History, Sample
from cygnet.scaling.limits import (
    ARRIVAL_TIME_CONSTANT_SECONDS,
    BACKPRESSURE_FILL,
    BUSY_FRAMES_PER_POD,
    COUNTED_MESSAGES,
    MU_MIN_SECONDS,
    RATE_WINDOW_LIMIT_SECONDS,
    RATE_WINDOW_SECONDS,
    STALE_SECONDS,
    TICK_SECONDS,
    WARM_UP_SECONDS,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the newest sample can't be used."""

    reason: Reason
    message: str


class Reading(NamedTuple):
    """A sample of which every number is there. A tuple: 120 of them are read for each decision."""

    time: float
    pending: int
    ack_pending: int
    acked: int
    last_seq: int
    processed_frames: int
    frames_per_message: float
    oldest_age_seconds: float
    results_fill: float
    chunks_fill: float
    ready: int
    desired: int
    unschedulable: int
    run_active: bool
    beam_active: bool
    ceiling: int

    @property
    def waiting(self) -> int:
        """Messages that are not acked."""
        return self.pending + self.ack_pending

    @property
    def waiting_frames(self) -> float:
        """Frames in the messages that are not acked."""
        return self.waiting * self.frames_per_message

    @property
    def fill(self) -> float:
        """The fuller of the streams downstream, 0 to 1."""
        return max(self.results_fill, self.chunks_fill)

    @property
    def busy(self) -> bool:
        """True when no pod can be idle for want of frames."""
        return self.ready > 0 and self.pending * self.frames_per_message > BUSY_FRAMES_PER_POD * self.ready

    @property
    def working(self) -> int:
        """Ready pods that the consumer's ack limit can feed."""
        return min(self.ready, max(1, self.ceiling))


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the samples say about now. Rates are in frames/s, `backlog` in frames that no pod has in hand."""

    reading: Reading
    warm: bool
    arrival_hz: float
    processed_hz: float
    backlog: float
    unprocessed_seconds: float
    window_seconds: float
    quiet: bool
    mu_hz: float | None


_INPUTS = Sample(time=0.0).missing()


def fault_in(history: History) -> Fault | None:
    """Say why the newest sample of `history` can't carry a decision, or return None."""
    if not history.samples:
        return Fault(Reason.METRICS_MISSING, "no sample has been taken yet")
    latest = history.samples[-1]
    if history.now - latest.time > STALE_SECONDS:
        return Fault(
            Reason.METRICS_STALE,
            f"the newest sample is {history.now - latest.time:.0f} s old, more than {STALE_SECONDS:.0f} s",
        )
    if missing := latest.missing():
        if len(missing) == len(_INPUTS):
            return Fault(Reason.METRICS_MISSING, "no input could be read")
        return Fault(Reason.METRICS_MISSING, f"could not be read: {', '.join(missing)}")
    if latest.time - history.now > TICK_SECONDS:
        return Fault(Reason.METRICS_CONTRADICTORY, "the newest sample is from the future")
    contradiction = _contradiction(latest) or _reset(history.samples)
    return Fault(Reason.METRICS_CONTRADICTORY, contradiction) if contradiction else None


def measure(samples: Sequence[Sample], known_mu_hz: float | None) -> Measurement:
    """Measure rates, backlog and, when every pod is busy, the capacity of one pod.

    `samples` end with one in which `fault_in` found nothing; of the others the longest consistent tail is
    used. `known_mu_hz` only sets how far back to look: slow frames need a longer window for a rate.
    """
    tail = _consistent_tail(samples)
    latest = tail[-1]
    per_message = latest.frames_per_message
    window = _window_seconds(latest, known_mu_hz)
    recent = [reading for reading in tail if reading.time >= latest.time - window]
    return Measurement(
        reading=latest,
        warm=latest.time - tail[0].time >= WARM_UP_SECONDS,
        arrival_hz=_smoothed_arrival(tail) * per_message,
        processed_hz=_rate(0, _frames_between(recent[0], latest), latest.time - recent[0].time),
        backlog=max(0, latest.waiting - latest.ready) * per_message,
        unprocessed_seconds=_unprocessed_seconds(tail),
        window_seconds=window,
        quiet=len(tail) > 1 and tail[-2].last_seq == latest.last_seq and latest.waiting == 0,
        mu_hz=_capacity(recent),
    )


def _contradiction(sample: Sample) -> str | None:
    names = (f.name for f in fields(sample) if f.name not in ("lifecycle", "asked"))
    numbers = {name: getattr(sample, name) for name in names}
    for name, value in numbers.items():
        if not math.isfinite(value) or value < 0:
            return f"{name} is {value}"
    if sample.frames_per_message is not None and sample.frames_per_message <= 0:
        return f"frames_per_message is {sample.frames_per_message}"
    if numbers["acked"] > numbers["last_seq"]:
        return f"more messages were acked ({sample.acked}) than ever arrived ({sample.last_seq})"
    return None


def _reset(samples: Sequence[Sample]) -> str | None:
    latest = samples[-1]
    if len(samples) > 1 and latest.time <= samples[-2].time:
        return f"time went from {samples[-2].time} to {latest.time}"
    before = next((sample for sample in reversed(samples[:-1]) if not sample.missing()), None)
    if before is None or latest.time - before.time > STALE_SECONDS:
        return None
    for name in ("last_seq", "acked"):
        old, new = getattr(before, name), getattr(latest, name)
        if new < old:
            return f"counter {name} went back from {old} to {new}"
    return None


_NUMBERS = attrgetter(*Reading._fields)


def _reading(sample: Sample) -> Reading | None:
    numbers = _NUMBERS(sample)
    if None in numbers or min(numbers) < 0 or not math.isfinite(sum(numbers)):
        return None
    return Reading._make(numbers)


def _consistent_tail(samples: Sequence[Sample]) -> list[Reading]:
    """Readings back to the first hole or step back of a counter, oldest first."""
    tail: list[Reading] = []
    for sample in reversed(samples):
        reading = _reading(sample)
        if reading is None:
            continue
        if tail:
            later = tail[-1]
            follows = 0 < later.time - reading.time <= STALE_SECONDS
            if not (follows and reading.acked <= later.acked and reading.last_seq <= later.last_seq):
                break
        tail.append(reading)
    if not tail:
        raise ValueError("the newest sample has to be complete")
    return tail[::-1]


def _window_seconds(latest: Reading, known_mu_hz: float | None) -> float:
    if not known_mu_hz:
        return RATE_WINDOW_SECONDS
    three_frames = 3 * latest.frames_per_message / (known_mu_hz * max(1, latest.ready))
    return min(RATE_WINDOW_LIMIT_SECONDS, max(RATE_WINDOW_SECONDS, three_frames))


def _frames_between(before: Reading, after: Reading) -> float:
    """Frames processed between two readings, by the acks; by the workers' word while those are few."""
    acked, said = after.acked - before.acked, after.processed_frames - before.processed_frames
    return said if acked < COUNTED_MESSAGES and said > 0 else acked * after.frames_per_message


def _rate(before: float, after: float, seconds: float) -> float:
    return (after - before) / seconds if seconds > 0 else 0.0


def _smoothed_arrival(tail: Sequence[Reading]) -> float:
    """Messages/s, exponentially weighted by age."""
    smoothed: float | None = None
    for before, after in pairwise(tail):
        seconds = after.time - before.time
        rate = _rate(before.last_seq, after.last_seq, seconds)
        weight = 1 - math.exp(-seconds / ARRIVAL_TIME_CONSTANT_SECONDS)
        smoothed = rate if smoothed is None else smoothed + weight * (rate - smoothed)
    return smoothed or 0.0


def _unprocessed_seconds(tail: Sequence[Reading]) -> float:
    """For how long messages have waited without one being acked, or one frame in them processed."""
    latest = tail[-1]
    since = latest.time
    for reading in reversed(tail):
        moved = reading.acked != latest.acked or reading.processed_frames != latest.processed_frames
        if reading.waiting == 0 or moved:
            break
        since = reading.time
    return latest.time - since


def _busy_between(before: Reading, after: Reading) -> bool:
    """Say whether no pod was idle or held back, also between the samples: a burst may come and go there.

    What waited before was more than was done, or what waits after is more than came.
    """
    never_empty = (
        before.pending > after.acked - before.acked or after.pending > after.last_seq - before.last_seq
    )
    held_back = max(before.fill, after.fill) >= BACKPRESSURE_FILL
    return before.busy and after.busy and never_empty and not held_back


def _capacity(recent: Sequence[Reading]) -> float | None:
    """Frames/s of one busy pod; None when it can't be told: idle pods, a change of pods, a full stream."""
    latest = recent[-1]
    first = latest
    for reading in reversed(recent[:-1]):
        if reading.ready != latest.ready or not _busy_between(reading, first):
            break
        first = reading
    seconds = latest.time - first.time
    if seconds < MU_MIN_SECONDS or (frames := _frames_between(first, latest)) <= 0:
        return None
    return _rate(0, frames, seconds) / latest.working
