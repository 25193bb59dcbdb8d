"""From what is known of a Pipeline to its status, and whether that is worth a write: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cygnet.scaling import Condition
from cygnet_operator.admission import Refusal
from cygnet_operator.conditions import SCALED, Part, conditions
from cygnet_operator.lifecycle import Step
from cygnet_operator.observed import Role, RoleState
from cygnet_operator.reconcile.labels import selector_text

Json = dict[str, Any]
NUMBERS = ("lagSeconds", "oldestAgeSeconds", "backlog", "rateHz", "storedEvents", "deadEvents", "run")
"""Fields that a look at NATS gives; one that it does not give is not known."""
COUNTS = ("replicas", "readyReplicas", "desiredReplicas", "selector", "run", "observedGeneration")
NUMBERS_SECONDS, COUNTS_SECONDS = 30.0, 2.0
"""How often a status is written when nothing but numbers, or only the counts of pods, changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a status is made of. What is not known yet is None or empty."""

    name: str
    generation: int
    refusal: Refusal | None = None
    streams: Part | None = None
    storage: Part | None = None
    failure: Part | None = None
    """Why the API server did not take an object."""
    step: Step | None = None
    replicas: Mapping[Role, int] = field(default_factory=dict)
    roles: Mapping[Role, RoleState] = field(default_factory=dict)
    numbers: Mapping[str, Any] | None = None
    """As a look gave them; None: none since the operator began, and what was there stays."""
    scaled: Mapping[str, Any] = field(default_factory=dict)
    scaled_conditions: tuple[Condition, ...] = ()


def reduce(before: Mapping[str, Any], facts: Facts, now: float) -> Json:
    """Return the whole status that follows on the one before; `now`: UTC, seconds since 1970."""
    status = {name: value for name, value in before.items() if name != "conditions"}
    status["observedGeneration"] = facts.generation
    if facts.numbers is not None:
        status = {name: value for name, value in status.items() if name not in NUMBERS}
        status |= {name: value for name, value in facts.numbers.items() if value is not None}
    status |= facts.scaled
    if facts.refusal is None:
        worker = facts.roles.get(Role.PREPROCESSOR)
        status |= {
            "replicas": worker.replicas if worker else 0,
            "readyReplicas": worker.ready if worker else 0,
            "desiredReplicas": facts.replicas.get(Role.PREPROCESSOR, 0),
            "selector": selector_text(facts.name, Role.PREPROCESSOR),
        }
    status["conditions"] = _dated(before.get("conditions", []), facts, now)
    return status


def is_due(before: Mapping[str, Any], after: Mapping[str, Any], age_seconds: float) -> bool:
    """Whether to write a status `age_seconds` after the last write: an idle Pipeline costs no writes."""
    if _verdicts(before) != _verdicts(after):
        return True
    if age_seconds < COUNTS_SECONDS:
        return False
    if any(before.get(name) != after.get(name) for name in COUNTS):
        return True
    if age_seconds < NUMBERS_SECONDS:
        return False
    told = any(before.get(name) != after.get(name) for name in (*NUMBERS, "decisions"))
    return told or _messages(before) != _messages(after)


def _verdicts(status: Mapping[str, Any]) -> Any:
    """Return what must be told at once: conditions without their words, and the decision."""
    told = [(each["type"], each["status"], each["reason"], each.get("observedGeneration"))
            for each in status.get("conditions", [])]  # fmt: skip
    decision = status.get("lastDecision") or {}
    return told, *(decision.get(part) for part in ("time", "from", "to", "reason"))


def _messages(status: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of conditions, without those of the scaling, which have numbers in them."""
    return {
        each["type"]: each["message"] for each in status.get("conditions", []) if each["type"] not in SCALED
    }


def _dated(before: list[Json], facts: Facts, now: float) -> list[Json]:
    """Return the conditions, each with the time since which it has its status."""
    earlier = {each["type"]: each for each in before}
    made = conditions(
        generation=facts.generation,
        refusal=facts.refusal,
        streams=facts.streams,
        storage=facts.storage,
        failure=facts.failure,
        step=facts.step,
        replicas=facts.replicas,
        roles=facts.roles,
        scaled=facts.scaled_conditions,
        earlier=earlier,
    )
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for each in made:
        was = earlier.get(each["type"])
        is_same = was is not None and was["status"] == each["status"]
        each["lastTransitionTime"] = was["lastTransitionTime"] if was and is_same else moment
    return made
