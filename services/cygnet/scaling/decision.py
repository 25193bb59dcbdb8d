"""What the policy answers: replicas, the reason and its numbers, conditions, and what to remember."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from cygnet.scaling.memory import Memory


class Action(StrEnum):
    """The direction of a decision."""

    UP = "up"
    DOWN = "down"
    HOLD = "hold"


class Reason(StrEnum):
    """Why a decision was taken. Stable: Events, metrics labels and alerts are keyed by these words."""

    # changes
    DEMAND_ABOVE_CAPACITY = "DemandAboveCapacity"
    DEMAND_BELOW_CAPACITY = "DemandBelowCapacity"
    PROBING_CAPACITY = "ProbingCapacity"
    BELOW_MIN_REPLICAS = "BelowMinReplicas"
    ABOVE_MAX_REPLICAS = "AboveMaxReplicas"
    WAKE_UP = "WakeUp"
    IDLE = "Idle"
    # holds: nothing to do
    WITHIN_TOLERANCE = "WithinTolerance"
    AT_MIN_REPLICAS = "AtMinReplicas"
    ASLEEP = "Asleep"
    # holds: not now
    WARMING_UP = "WarmingUp"
    CAPACITY_UNKNOWN = "CapacityUnknown"
    AWAITING_RESULTS = "AwaitingResults"
    PODS_STARTING = "PodsStarting"
    SCALE_UP_PERIOD = "ScaleUpPeriod"
    SCALE_DOWN_PERIOD = "ScaleDownPeriod"
    SCALE_DOWN_WINDOW = "ScaleDownWindow"
    MANUAL_SCALE = "ManualScale"
    TWO_SCALERS = "TwoScalers"
    EXTERNAL = "External"
    ROLLING_OUT = "RollingOut"
    PAUSED = "Paused"
    DRAINED = "Drained"
    SCALE_IN_PAUSED = "ScaleInPaused"
    SCALE_OUT_PAUSED = "ScaleOutPaused"
    # holds: something is wrong
    METRICS_MISSING = "MetricsMissing"
    METRICS_STALE = "MetricsStale"
    METRICS_CONTRADICTORY = "MetricsContradictory"
    STALLED = "Stalled"
    BACKPRESSURED = "Backpressured"
    UNSCHEDULABLE = "Unschedulable"
    SCALING_INEFFECTIVE = "ScalingIneffective"
    AT_MAX_REPLICAS = "AtMaxReplicas"
    AT_CEILING = "AtCeiling"


class Status(StrEnum):
    """The status of a condition, as Kubernetes writes it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition to set on the Pipeline. `reason` is CamelCase and stable, `message` is for people."""

    type: str
    status: Status
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule of the policy says: replicas, and why."""

    replicas: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer of `decide`.

    `current` is None when the replicas couldn't be read; then `desired` is None too and the action is hold.
    With `dry_run` the caller publishes the decision and leaves the replicas alone. `inputs` holds every
    number that was used, by name with its unit; `memory` goes into the next `History`, and into the status
    to survive a restart.
    """

    time: float
    current: int | None
    desired: int | None
    action: Action
    reason: Reason
    message: str
    inputs: dict[str, float | int | bool | str | None]
    conditions: tuple[Condition, ...]
    dry_run: bool
    memory: Memory

    @property
    def acts(self) -> bool:
        """True when the caller has to set the replicas to `desired`."""
        return self.action is not Action.HOLD and not self.dry_run

    def condition(self, kind: str) -> Condition:
        """Return the condition of type `kind`. Raises KeyError when there is none."""
        for condition in self.conditions:
            if condition.type == kind:
                return condition
        raise KeyError(kind)

    def to_document(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        return asdict(self)
