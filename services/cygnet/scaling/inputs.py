"""The numbers behind a decision, by name with their units: for the status, for metrics, for `explain`."""

import math
from dataclasses import fields

from cygnet.scaling.history import Sample
from cygnet.scaling.rules import Situation

Inputs = dict[str, float | int | bool | str | None]


def inputs(s: Situation) -> Inputs:
    """Return what was sampled and what was computed from it; a value that isn't known is None."""
    computed: Inputs = {"mu_hz": s.memory.mu_hz, "growths_in_vain": s.memory.growths_in_vain}
    if m := s.measurement:
        waiting_frames = m.reading.waiting_frames
        computed |= {
            "arrival_hz": m.arrival_hz,
            "processed_hz": m.processed_hz,
            "backlog_frames": waiting_frames,
            "lag_seconds": waiting_frames / m.processed_hz if m.processed_hz else None,
            "unprocessed_seconds": m.unprocessed_seconds,
        }
    if s.memory.peaks:
        computed["peak_demand_pods"] = max(peak.demand for peak in s.memory.peaks)
    if s.demand:
        computed |= {
            "arrival_pods": s.demand.arrival_pods,
            "backlog_pods": s.demand.backlog_pods,
            "demand_pods": s.demand.pods,
        }
    return sample_inputs(s.sample) | {name: _plain(value) for name, value in computed.items()}


def sample_inputs(sample: Sample) -> Inputs:
    """Return what was sampled."""
    return {f.name: _plain(getattr(sample, f.name)) for f in fields(sample) if f.name != "time"}


def _plain(value: float | str | None) -> float | str | None:
    """JSON knows no infinities: such a number is no input."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
