"""Scales each Pipeline's preprocessors by the shared policy; its memory is kept in the status."""

from dataclasses import replace

from cygnet.observe.scaler import Scaler
from cygnet.runtime import pipeline_metrics
from cygnet.scaling import TICK_SECONDS, Action, Decision, Memory, Reason, Sample, may_ask
from cygnet_operator.observed import Observed, Role, Scaled
from cygnet_operator.scaling_status import Kept, read_kept, read_past
from cygnet_operator.workers import with_workers

__all__ = ["WAKE_SECONDS", "PipelineScaler", "open_scaler", "tick_seconds"]

WAKE_SECONDS = 2.0
"""Time between two looks at a Pipeline that sleeps: no frame waits longer before a worker is asked for."""

_SAME_SECONDS = 60.0


def tick_seconds(observed: Observed) -> float:
    """Return the time from one tick of a Pipeline to the next."""
    workers = observed.roles.get(Role.PREPROCESSOR)
    return WAKE_SECONDS if workers is not None and workers.asked == 0 else TICK_SECONDS


def open_scaler(observed: Observed) -> "PipelineScaler":
    """Return a scaler that goes on from the status: after a restart no replica count changes for it."""
    return PipelineScaler(observed)


class PipelineScaler:
    """Decides for one Pipeline."""

    def __init__(self, observed: Observed) -> None:
        kept = read_kept(observed.status) or Kept(Memory(), observed.pipeline.spec.preprocessor.replicas)
        self._asked = kept.asked
        """`spec.preprocessor.replicas` as last followed: another number is somebody's wish."""
        self._past = read_past(observed.status)
        self._scaler = Scaler(observed.pipeline.spec.preprocessor.scaling, kept.memory)

    def tick(self, observed: Observed, sample: Sample) -> Scaled:
        """Decide on a sample, one without numbers if none could be read.

        With `mode: external` the decision always holds, and only its conditions count.
        """
        preprocessor = observed.pipeline.spec.preprocessor
        self._scaler.follow(preprocessor.scaling)
        sample = with_workers(sample, observed)
        if preprocessor.replicas != self._asked:
            sample = replace(sample, asked=preprocessor.replicas)
        decision = self._scaler.tick(sample)
        if self._scaler.spec.external or may_ask(sample, self._scaler.spec):
            self._asked = preprocessor.replicas
        metadata = observed.pipeline.metadata
        pipeline_metrics.note_decision(metadata.namespace, metadata.name, decision, self._scaler.spec)
        is_step = self._is_step(decision)
        self._past = self._past.then(decision, is_step=is_step)
        return Scaled(
            decision=decision,
            status=self._past.to_status() | Kept(decision.memory, self._asked).to_status(),
            conditions=decision.conditions,
            is_change=is_step or _is_refusal(decision, sample),
        )

    def _is_step(self, decision: Decision) -> bool:
        """Whether this is a step, or one that a dry run would take, and not the last one said again."""
        if decision.action is Action.HOLD:
            return False
        last = self._past.last_change
        if last is None or not last.is_same_step(decision):
            return True
        return not decision.dry_run and decision.time - last.time >= _SAME_SECONDS


def _is_refusal(decision: Decision, sample: Sample) -> bool:
    """Whether somebody's wish is outside the bounds: whoever asked is told so once."""
    bounds = (Reason.ABOVE_MAX_REPLICAS, Reason.BELOW_MIN_REPLICAS)
    return sample.asked is not None and decision.action is Action.HOLD and decision.reason in bounds
