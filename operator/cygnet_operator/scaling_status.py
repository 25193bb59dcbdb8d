"""The scaling's part of the status: what it decided, for people, and what it must remember, for itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from cygnet.scaling import Action, Decision, Memory

MOST_DECISIONS = 10
_MOST_MESSAGE = 1024
_IN_SHORT = ("arrival_hz", "processed_hz", "mu_hz", "backlog_frames", "demand_pods", "ready", "lag_seconds")
"""The inputs that a line of the history shows; the last decision has them all."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What survives a restart of the operator.

    Not the window of demand: a gap in watching begins it anew, however short the operator was away, and a
    status that changed with every tick would be written for ever.
    """

    memory: Memory
    asked: int
    """`spec.preprocessor.replicas` as last followed."""

    def to_status(self) -> dict[str, Any]:
        """Return it as the status field `scaling.memory`: text that only the operator reads."""
        memory = replace(
            self.memory,
            mu_hz=_rounded(self.memory.mu_hz),
            level=self.memory.level
            and replace(self.memory.level, processed_hz=float(f"{self.memory.level.processed_hz:.3g}")),
            peaks=(),
            watched_since=None,
            watched_until=None,
            idle_since=None,
        )
        document = {name: value for name, value in memory.to_document().items() if value not in (None, ())}
        text = json.dumps({"asked": self.asked, "memory": document}, separators=(",", ":"))
        return {"scaling": {"memory": text}}


def read_kept(status: Mapping[str, Any]) -> Kept | None:
    """Return what the status remembers; None when there is nothing, or nothing that can be read."""
    try:
        document = json.loads(status["scaling"]["memory"])
        return Kept(Memory.from_document(document["memory"]), int(document["asked"]))
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decision as the status lists it."""

    time: float
    current: int
    desired: int
    reason: str
    message: str
    dry_run: bool
    inputs: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return the entry of a decision that knows the replicas."""
        if decision.current is None or decision.desired is None:
            raise ValueError("a decision without replicas is no entry")
        return cls(
            time=decision.time,
            current=decision.current,
            desired=decision.desired,
            reason=str(decision.reason),
            message=decision.message[:_MOST_MESSAGE],
            dry_run=decision.dry_run,
            inputs=_numbers(decision.inputs),
        )

    @classmethod
    def from_status(cls, document: Mapping[str, Any]) -> Self:
        """Return the entry of a status field. Raises ValueError, KeyError or TypeError for what is none."""
        return cls(
            time=datetime.fromisoformat(document["time"]).timestamp(),
            current=int(document["from"]),
            desired=int(document["to"]),
            reason=str(document["reason"]),
            message=str(document.get("message", "")),
            dry_run=bool(document.get("dryRun", False)),
            inputs={name: float(value) for name, value in document.get("inputs", {}).items()},
        )

    @property
    def is_hold(self) -> bool:
        """Whether it leaves the replicas as they are."""
        return self.current == self.desired

    def is_same_step(self, decision: Decision) -> bool:
        """Whether a decision says the same again."""
        mine = (self.current, self.desired, self.reason, self.dry_run)
        return mine == (decision.current, decision.desired, str(decision.reason), decision.dry_run)

    def to_status(self, *, in_short: bool) -> dict[str, Any]:
        """Return the entry as a status field."""
        names = [name for name in (_IN_SHORT if in_short else self.inputs) if name in self.inputs]
        return {
            "time": f"{datetime.fromtimestamp(self.time, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "from": self.current,
            "to": self.desired,
            "reason": self.reason,
            "message": self.message,
            "dryRun": self.dry_run,
            "inputs": {name: self.inputs[name] for name in names},
        }


@dataclass(frozen=True, slots=True)
class Past:
    """The last changes, oldest first, and the hold that stands now."""

    changes: tuple[Entry, ...] = ()
    hold: Entry | None = None

    @property
    def last_change(self) -> Entry | None:
        """The newest change."""
        return self.changes[-1] if self.changes else None

    def then(self, decision: Decision, *, is_change: bool) -> "Past":
        """Return the past with another decision; a hold for the same reason goes on as it began."""
        if decision.current is None or decision.desired is None:
            return self
        if is_change:
            return Past((*self.changes, Entry.of(decision))[-MOST_DECISIONS + 1 :])
        if decision.action is not Action.HOLD or (self.hold and self.hold.is_same_step(decision)):
            return self
        return replace(self, hold=Entry.of(decision))

    def to_status(self) -> dict[str, Any]:
        """Return the status fields."""
        entries = (*self.changes, self.hold) if self.hold else self.changes
        status: dict[str, Any] = {"decisions": [entry.to_status(in_short=True) for entry in entries]}
        if self.last_change:
            status["lastDecision"] = self.last_change.to_status(in_short=False)
        return status


def read_past(status: Mapping[str, Any]) -> Past:
    """Return the past that a status tells; one that cannot be read is forgotten."""
    try:
        entries = [Entry.from_status(each) for each in status.get("decisions", ())]
        changes = tuple(entry for entry in entries if not entry.is_hold)
        if changes and "lastDecision" in status:  # it has all inputs
            changes = (*changes[:-1], Entry.from_status(status["lastDecision"]))
    except (KeyError, TypeError, ValueError):
        return Past()
    hold = entries[-1] if entries and entries[-1].is_hold else None
    return Past(changes, hold)


def _numbers(inputs: Mapping[str, float | int | bool | str | None]) -> dict[str, float]:
    """Return the inputs that are numbers; yes and no as 1 and 0."""
    return {name: float(value) for name, value in inputs.items() if isinstance(value, int | float)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
