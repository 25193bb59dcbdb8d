"""A decision of the scaling policy as it is kept, so that it can be explained afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cygnet.scaling import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A decision that stood from `time` to `until` (UTC, seconds since 1970); `inputs` are the last ones."""

    time: float
    until: float
    current: int | None
    desired: int | None
    reason: str
    message: str
    dry_run: bool
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def says_the_same(self, other: "Record") -> bool:
        """Whether the other one only goes on with this: same number, same reason."""
        mine, others = ((each.current, each.desired, each.reason, each.dry_run) for each in (self, other))
        return mine == others and self.current == self.desired


def record_of(decision: Decision) -> Record:
    """Return what is kept of a decision."""
    return Record(
        time=decision.time,
        until=decision.time,
        current=decision.current,
        desired=decision.desired,
        reason=str(decision.reason),
        message=decision.message,
        dry_run=decision.dry_run,
        inputs=decision.inputs,
    )
