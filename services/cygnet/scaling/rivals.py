"""Numaflow's and KEDA's rules, as read in their sources and documentation, to measure ours against.

Both are written over the same samples as ours, and without state: what they remember (the last change, the
recommendations of five minutes) is told by the samples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cygnet.scaling.history import Sample


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rivals read of a sample."""

    time: float
    pending: int
    waiting: int
    acked: int
    ready: int
    desired: int


def numaflow(samples: Sequence[Sample], max_replicas: int) -> int:
    """Return the replicas by Numaflow's rule for a source with its defaults.

    `round(pending / rate / 20 s · ready)` over a lookback of 120 s that ignores the newest sample, at most
    two pods a step and one step in 90 s. Source: numaflow `pkg/reconciler/vertex/scaling/scaling.go`.
    """
    seen = _seen(samples)
    latest = seen[-1]
    lookback = [past for past in seen[:-1] if past.time >= latest.time - 120]
    if len(lookback) < 2 or latest.ready == 0:
        return latest.desired
    seconds = lookback[-1].time - lookback[0].time
    rate = (lookback[-1].acked - lookback[0].acked) / seconds
    pending = sum(past.pending for past in lookback) / len(lookback)
    if pending == 0 or rate == 0:
        wanted = 1
    else:
        wanted = min(max(1, round(pending / rate / 20 * latest.ready)), max(1, math.floor(pending)))
    wanted = min(wanted, max_replicas)
    if latest.time - _last_change(seen) < 90:
        return latest.desired
    return min(max(wanted, latest.desired - 2), latest.desired + 2)


def keda(samples: Sequence[Sample], max_replicas: int, *, lag_threshold: int) -> int:
    """Return the replicas by KEDA's nats-jetstream scaler and, with its defaults, the HPA behind it.

    `ceil(lag / lagThreshold)`, skipped within 10 %; down to the highest recommendation of 300 s; up by at
    most four pods or double in 15 s. Sources: KEDA `nats_jetstream_scaler.go`, Kubernetes' HPA documentation.
    """
    seen = _seen(samples)
    latest = seen[-1]
    if abs(latest.waiting / (lag_threshold * latest.desired) - 1) <= 0.1:
        return latest.desired
    recommended = [
        min(max_replicas, max(1, math.ceil(past.waiting / lag_threshold)))
        for past in seen
        if past.time > latest.time - 300 and (latest.time - past.time) % 15 == 0
    ]
    if recommended[-1] > latest.desired:
        return min(recommended[-1], max(latest.desired * 2, latest.desired + 4))
    return min(latest.desired, max(recommended))


def _seen(samples: Sequence[Sample]) -> list[Seen]:
    return [
        Seen(s.time, s.pending, s.pending + s.ack_pending, s.acked, s.ready, s.desired)
        for s in samples
        if s.pending is not None
        and s.ack_pending is not None
        and s.acked is not None
        and s.ready is not None
        and s.desired is not None
    ]


def _last_change(seen: Sequence[Seen]) -> float:
    """Time of the newest change of replicas; of the first sample when there was none."""
    for before, after in zip(reversed(seen[:-1]), reversed(seen), strict=False):
        if before.desired != after.desired:
            return after.time
    return seen[0].time - 90
