"""Scales one pipeline's preprocessors: keeps its history, and asks the policy at every tick."""

import math
import time

from cygnet.scaling import TICK_SECONDS, Decision, History, Memory, Sample, ScalingSpec, decide
from cygnet.spec.workers import Scaling

__all__ = ["TICK_SECONDS", "Scaler", "policy_spec"]


def policy_spec(scaling: Scaling) -> ScalingSpec:
    """Return what the policy needs to know of the Pipeline's spec."""
    return ScalingSpec(
        min_replicas=scaling.min_replicas,
        max_replicas=scaling.max_replicas,
        target_lag_seconds=scaling.target_lag_seconds,
        utilization=scaling.utilization,
        scale_down_window_seconds=scaling.scale_down_window_seconds,
        dry_run=scaling.dry_run,
        external=scaling.mode == "external",
    )


class Scaler:
    """Keeps the history of one pipeline."""

    def __init__(self, scaling: Scaling, memory: Memory | None = None) -> None:
        """`memory`: what an earlier scaler of this pipeline left to remember."""
        self.spec = policy_spec(scaling)
        self._history = History(now=time.time(), memory=memory or Memory())
        self._next = -math.inf

    def follow(self, scaling: Scaling) -> None:
        """Decide by another spec from now on."""
        self.spec = policy_spec(scaling)

    def due(self, now: float) -> bool:
        """Whether the next tick has come; `now` as in `tick`."""
        return now >= self._next

    def tick(self, sample: Sample) -> Decision:
        """Decide on the sample of now, one without numbers if none could be read; carry out what acts.

        A decision that is not carried out is remembered as if it had been, so that every one must be.
        """
        self._next = sample.time + TICK_SECONDS - 0.5
        decision = decide(self._history.then(sample, self._history.memory), self.spec)
        self._history = self._history.then(sample, decision.memory)
        return decision
