"""The conditions of a Pipeline: each says whether that part is well, and if not, what a person can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cygnet.scaling import Condition, Status
from cygnet_operator.admission import Refusal
from cygnet_operator.lifecycle import Phase, Step
from cygnet_operator.observed import Role, RoleState

Json = dict[str, Any]
SCALED = ("MetricsAvailable", "Stalled", "Backpressured", "ScalingLimited")
TYPES = ("Ready", "Accepted", "StreamsReady", "StorageReady", *SCALED, "Paused", "Draining", "Drained")
_LONGEST = 8000


@dataclass(frozen=True, slots=True)
class Part:
    """Whether something outside of the pods is well: streams, or the bucket."""

    status: Status
    reason: str
    message: str


def conditions(
    *,
    generation: int,
    refusal: Refusal | None,
    streams: Part | None,
    storage: Part | None,
    failure: Part | None,
    step: Step | None,
    replicas: Mapping[Role, int],
    roles: Mapping[Role, RoleState],
    scaled: tuple[Condition, ...],
    earlier: Mapping[str, Json],
) -> list[Json]:
    """Return all conditions, in a fixed order, without their times.

    Of a Pipeline that is refused, those that told of an accepted spec stay: what runs, runs on.
    """
    if refusal:
        found = {
            "Ready": Part(Status.FALSE, refusal.reason, refusal.message),
            "Accepted": Part(Status.FALSE, refusal.reason, refusal.message),
        }
    else:
        found = {
            "Accepted": Part(
                Status.TRUE, "Accepted", "the spec is valid, and its place in the bucket is its own"
            ),
            "StreamsReady": streams or _kept(earlier.get("StreamsReady")),
            "StorageReady": storage or _kept(earlier.get("StorageReady")),
            **{each.type: Part(each.status, str(each.reason), each.message) for each in scaled},
            **(_of_lifecycle(step) if step else {}),
        }
        found["Ready"] = failure or _ready(found, step, replicas, roles)
    return [_condition(kind, found.get(kind), generation, earlier.get(kind)) for kind in TYPES]


def _kept(was: Json | None) -> Part:
    """Return what was told before: a new operator has not asked yet, and nothing is known to be another."""
    if was is None:
        return Part(Status.UNKNOWN, "NotVisited", "nothing is known yet")
    return Part(Status(was["status"]), was["reason"], was["message"])


def _condition(kind: str, part: Part | None, generation: int, was: Json | None) -> Json:
    if part is None:
        if was:
            return {name: value for name, value in was.items() if name != "lastTransitionTime"}
        part = _kept(None)
    return {
        "type": kind,
        "status": str(part.status),
        "reason": part.reason,
        "message": part.message[:_LONGEST],
        "observedGeneration": generation,
    }


def _of_lifecycle(step: Step) -> dict[str, Part]:
    phase, message = step.phase, step.message

    def told(is_true: bool, otherwise: str) -> Part:
        words = message or f"the Pipeline is {phase.lower()}"
        return Part(Status.TRUE if is_true else Status.FALSE, str(phase), words if is_true else otherwise)

    return {
        "Paused": told(phase is Phase.PAUSED, message or "spec.lifecycle does not ask for a pause"),
        "Draining": told(phase is Phase.DRAINING, f"the Pipeline is {phase.lower()}"),
        "Drained": told(phase is Phase.DRAINED, message or "spec.lifecycle does not ask for a drain"),
    }


def _ready(
    found: Mapping[str, Part],
    step: Step | None,
    replicas: Mapping[Role, int],
    roles: Mapping[Role, RoleState],
) -> Part:
    """Return the summary: the first thing that is not well, or that all is there that the spec asks for."""
    for part in ("StreamsReady", "StorageReady"):
        if found[part].status is Status.FALSE:
            return found[part]
    for role in Role:
        wanted, state = replicas.get(role, 0), roles.get(role)
        if wanted and (state is None or not state.ready):
            why = (state.trouble if state else "") or f"no {role} is ready yet; {wanted} should be"
            return Part(Status.FALSE, f"{role.capitalize()}NotReady", why)
    stalled = found.get("Stalled")
    if stalled and stalled.status is Status.TRUE:
        return Part(Status.FALSE, "Stalled", stalled.message)
    if step is None:
        return Part(Status.UNKNOWN, "NotVisited", "nothing is known yet")
    return Part(Status.TRUE, str(step.phase), step.message or "everything is there that the spec asks for")
