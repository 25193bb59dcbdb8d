"""A Pipeline's preprocessors as the cluster knows them: that part of a sample which NATS does not tell."""

from dataclasses import replace

from cygnet.scaling import Lifecycle, Sample
from cygnet_operator.observed import Observed, Role

PAUSE_SCALE_IN = "cygnet.dev/pause-scale-in"
PAUSE_SCALE_OUT = "cygnet.dev/pause-scale-out"


def with_workers(sample: Sample, observed: Observed) -> Sample:
    """Return the sample with pods, lifecycle and annotations; without a Deployment its pods stay unknown."""
    sample = replace(
        sample,
        lifecycle=Lifecycle(observed.pipeline.spec.lifecycle),
        scale_in_paused=observed.annotations.get(PAUSE_SCALE_IN) == "true",
        scale_out_paused=observed.annotations.get(PAUSE_SCALE_OUT) == "true",
    )
    role = observed.roles.get(Role.PREPROCESSOR)
    if role is None:
        return sample
    return replace(
        sample,
        ready=role.ready,
        desired=role.asked,
        unschedulable=role.unschedulable,
        rolling_out=role.rolling_out,
    )
