"""What is seen of one Pipeline at one moment, on the cluster and on NATS: plain values between the rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cygnet.scaling import Condition, Decision, Sample
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client


class Role(StrEnum):
    """What a pod does; the value is its component label and the end of its Deployment's name."""

    SOURCE = "source"
    PREPROCESSOR = "preprocessor"
    AGGREGATOR = "aggregator"
    UPLOADER = "uploader"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleState:
    """What one role's Deployment and pods say."""

    asked: int
    """`spec.replicas` of the Deployment."""
    replicas: int = 0
    """Pods that exist."""
    ready: int = 0
    """Pods that are ready."""
    ending: int = 0
    """Pods that were told to end and are still there."""
    settled: bool = True
    """Kubernetes has seen what is asked."""
    unschedulable: int = 0
    """Pods that no node takes."""
    rolling_out: bool = False
    """Pods of an old template still exist; a change of replicas alone is no rollout."""
    trouble: str = ""
    """Why a pod does not become ready, in Kubernetes' words; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One Pipeline as the cluster knows it."""

    pipeline: Pipeline
    """With the namespace that it really is in."""
    uid: str
    generation: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    """As last written; what the scaling has to remember over a restart of the operator is in it."""
    roles: Mapping[Role, RoleState] = field(default_factory=dict)
    """Of the Deployments that exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Messages that wait between the services; all 0: everything that was announced has found its place."""

    frames: int
    results: int
    chunks: int
    notices: int

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is in flight."""
        return not (self.frames or self.results or self.chunks or self.notices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What NATS says about one Pipeline at one moment."""

    sample: Sample
    """For the policy; of the cluster's part it has what `Observed` said."""
    waiting: Waiting
    run: str
    """The run that is asked for; empty: none was yet."""
    run_state: str | None
    """running, ended (the source is done), complete, removed; None: nobody has begun it."""
    numbers: Mapping[str, Any]
    """Status fields by their names there: lagSeconds, oldestAgeSeconds, backlog, rateHz, storedEvents …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """What the scaling says after a tick."""

    decision: Decision
    status: Mapping[str, Any]
    """Status fields by their names there: lastDecision, what is to be remembered, …"""
    conditions: tuple[Condition, ...]
    """MetricsAvailable, Stalled, Backpressured, ScalingLimited."""
    is_change: bool
    """The decision is another than the last: worth an Event and a write of the status at once."""


class Sampler(Protocol):
    """Looks at one Pipeline's streams; made by `sampling.open_sampler(nc, observed)`."""

    async def look(self, observed: Observed) -> Look:
        """Return what is there now. Raises TransportError when NATS does not say."""

    async def close(self) -> None:
        """Let go of subscriptions; the connection is somebody else's."""


class Scaler(Protocol):
    """Decides for one Pipeline; made by `scaling.open_scaler(observed)`, from the status after a restart."""

    def tick(self, observed: Observed, sample: Sample) -> Scaled:
        """Decide on a sample, one without numbers if none could be read.

        Also with `mode: external`, where the decision holds and only the conditions count.
        """


class OpenSampler(Protocol):
    """How samplers are made."""

    async def __call__(self, nc: Client, observed: Observed) -> Sampler:
        """Return a sampler on this connection."""


class TickSeconds(Protocol):
    """How often a Pipeline is looked at."""

    def __call__(self, observed: Observed) -> float:
        """Return the time from one tick to the next."""


class OpenScaler(Protocol):
    """How scalers are made."""

    def __call__(self, observed: Observed) -> Scaler:
        """Return a scaler that goes on from `observed.status`."""
