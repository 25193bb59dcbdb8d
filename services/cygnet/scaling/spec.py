"""What a user may say about scaling: the fields of `spec.preprocessor.scaling` that the policy reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingSpec:
    """Bounds and targets of one scaled role.

    Fields mirror the Pipeline's `scaling`.

    - `min_replicas`, `max_replicas`: pods; with `min_replicas` 0 an idle role sleeps.
    - `target_lag_seconds`: a backlog is worked off within this time.
    - `utilization`: the share of a pod's capacity that steady arrival may use, in (0, 1].
    - `scale_down_window_seconds`: pods go only when the highest demand in this window needed fewer. It has
      to be longer than the gaps of the beam.
    - `dry_run`: decide and say so, but do not act.
    - `external`: others set the replicas; only the conditions are told.

    Raises ValueError when a value is outside what is accepted.
    """

    min_replicas: int = 1
    max_replicas: int = 20
    target_lag_seconds: float = 30.0
    utilization: float = 0.7
    scale_down_window_seconds: float = 300.0
    dry_run: bool = False
    external: bool = False

    def __post_init__(self) -> None:
        """Refuse values that no decision can follow."""
        if self.min_replicas < 0:
            raise ValueError(f"minReplicas is {self.min_replicas}; accepted: 0 or more")
        if self.max_replicas < max(1, self.min_replicas):
            raise ValueError(
                f"maxReplicas is {self.max_replicas}; "
                f"accepted: at least 1 and at least minReplicas ({self.min_replicas})"
            )
        if not 0 < self.target_lag_seconds < float("inf"):
            raise ValueError(f"targetLagSeconds is {self.target_lag_seconds}; accepted: more than 0")
        if not 0 < self.utilization <= 1:
            raise ValueError(f"utilization is {self.utilization}; accepted: above 0, at most 1")
        if not 0 <= self.scale_down_window_seconds < float("inf"):
            raise ValueError(
                f"scaleDownWindowSeconds is {self.scale_down_window_seconds}; accepted: 0 or more"
            )
