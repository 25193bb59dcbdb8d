"""The status of a Pipeline: what the operator writes there, and what is promised to who reads it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cygnet.spec.base import Part, keyed_by

CONDITIONS = (
    "Ready",
    "Accepted",
    "StreamsReady",
    "StorageReady",
    "MetricsAvailable",
    "Stalled",
    "Backpressured",
    "ScalingLimited",
    "Paused",
    "Draining",
    "Drained",
)
"""Types of conditions, each there from the first visit; Ready sums the others up."""
MOST_DECISIONS = 12
MEMORY_BYTES = 4096

Time = Annotated[str, StringConstraints(max_length=40), Field(json_schema_extra={"format": "date-time"})]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Message = Annotated[str, StringConstraints(max_length=2000)]
Pods = Annotated[int, Field(ge=0, le=100_000)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Seconds = Annotated[float, Field(ge=0, le=10**12)]
Hertz = Annotated[float, Field(ge=0, le=10**9)]
Digest = Annotated[str, StringConstraints(max_length=100)]


class StatusCondition(Part):
    """One thing that is so, is not so, or is not known."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """Which."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Reason
    """Why, in one stable word."""
    message: Message = ""
    """Why, for people."""
    last_transition_time: Time
    """When `status` last changed."""
    observed_generation: Count = 0
    """Generation of the Pipeline that this was found for."""


class StatusDecision(Part):
    """One change of the number of preprocessors, or with `dryRun` one that would have been made."""

    time: Time
    """When."""
    from_: Annotated[Pods, Field(alias="from")]
    """Replicas before."""
    to: Pods
    """Replicas after."""
    reason: Reason
    """Why, in one stable word."""
    message: Message = ""
    """Why, for people."""
    dry_run: bool = False
    """Decided and not done."""
    inputs: Annotated[dict[str, Annotated[float, Field(ge=-(10**15), le=10**15)]], Field(max_length=40)] = {}
    """Every number that it was made from, by name with its unit; true is 1 and false is 0."""


class StatusScaling(Part):
    """What the scaling policy must not forget when the operator restarts; it is not for reading."""

    memory: Annotated[str, StringConstraints(max_length=MEMORY_BYTES)] = ""
    """Its state, as JSON."""


class PipelineStatus(Part):
    """What is found out about a Pipeline. Numbers are at most half a minute old; conditions are not."""

    conditions: Annotated[list[StatusCondition], Field(max_length=32), keyed_by("type")] = []
    """Whether the pipeline is well, and if not, why: `Ready` sums up the others."""
    observed_generation: Count | None = None
    """Generation of the spec that was acted upon last."""
    replicas: Pods | None = None
    """Preprocessors that there are."""
    ready_replicas: Pods | None = None
    """Preprocessors that are ready."""
    desired_replicas: Pods | None = None
    """Preprocessors that were decided on."""
    selector: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """Labels of preprocessors' pods, for HPA and KEDA."""
    lag_seconds: Seconds | None = None
    """Time in which the backlog would be worked off at the present rate."""
    oldest_age_seconds: Seconds | None = None
    """Age of the oldest frame that is not processed."""
    backlog: Count | None = None
    """Frames that wait for a preprocessor."""
    rate_hz: Hertz | None = None
    """Frames processed in a second."""
    stored_events: Count | None = None
    """Events of the present run that are in the bucket."""
    dead_events: Count | None = None
    """Events of the present run that were given up."""
    run: Annotated[str, StringConstraints(max_length=64)] | None = None
    """The present run, or the last one."""
    spec_hash: Digest | None = None
    """Hash of the resolved spec that the pods started with."""
    parameters_hash: Digest | None = None
    """Hash of the live parameters (window bounds) that the spec had when they were last written."""
    capacity_hz: Hertz | None = None
    """Learned: frames that one busy preprocessor processes in a second."""
    scaling: StatusScaling = StatusScaling()
    """The policy's memory."""
    last_decision: StatusDecision | None = None
    """The last change of the number of preprocessors."""
    decisions: Annotated[list[StatusDecision], Field(max_length=MOST_DECISIONS)] = []
    """The last changes, the newest first."""
