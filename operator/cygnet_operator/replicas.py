"""How many pods each role should have: pure."""

from cygnet_operator.lifecycle import Step
from cygnet_operator.observed import Observed, Role


def replicas(observed: Observed, step: Step, decided: int | None) -> dict[Role, int]:
    """Return the replicas of every role; `decided`: what the scaling asked for last, None since the start."""
    return {
        Role.SOURCE: step.source,
        Role.PREPROCESSOR: _preprocessors(observed, step, decided) if step.others else 0,
        Role.AGGREGATOR: int(step.others),
        Role.UPLOADER: observed.pipeline.spec.uploader.replicas if step.others else 0,
    }


def _preprocessors(observed: Observed, step: Step, decided: int | None) -> int:
    return max(base(observed, decided), step.min_preprocessors)


def base(observed: Observed, decided: int | None) -> int:
    """Return the preprocessors that are wanted for the load.

    A restart of the operator changes no count: what is there counts until the scaling says something.
    """
    pipeline = observed.pipeline
    scaling = pipeline.spec.preprocessor.scaling
    if scaling.mode == "external":
        return pipeline.spec.preprocessor.replicas
    state = observed.roles.get(Role.PREPROCESSOR)
    last = observed.status.get("desiredReplicas")
    known = [decided, state.asked if state else None, last if isinstance(last, int) else None]
    count = next((each for each in known if each is not None), scaling.min_replicas)
    return max(scaling.min_replicas, min(scaling.max_replicas, count))
