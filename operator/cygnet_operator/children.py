"""From the children that were seen to what a role's state is: pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cygnet_operator.observed import Role, RoleState
from cygnet_operator.reconcile.labels import role_of

Json = dict[str, Any]
_LONGEST = 400
_NORMAL_WAITS = ("ContainerCreating", "PodInitializing")
MISSING = "CreateContainerConfigError"
"""A pod misses its Secret or ConfigMap."""


def role_states(children: Mapping[tuple[str, str], Json]) -> dict[Role, RoleState]:
    """Return the state of each role that has a Deployment."""
    pods: dict[Role, list[Json]] = {role: [] for role in Role}
    deployments: dict[Role, Json] = {}
    for (kind, _), child in children.items():
        role = role_of(child["metadata"].get("labels", {}))
        if role is None:
            continue
        if kind == "Pod":
            pods[role].append(child)
        elif kind == "Deployment":
            deployments[role] = child
    return {role: _state(document, pods[role]) for role, document in deployments.items()}


def _state(deployment: Json, pods: list[Json]) -> RoleState:
    status = deployment.get("status", {})
    replicas, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    pods = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
    living = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return RoleState(
        asked=deployment["spec"].get("replicas", 1),
        replicas=max(replicas, len(living)),
        ready=status.get("readyReplicas", 0),
        ending=len(pods) - len(living),
        settled=status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0),
        unschedulable=sum(bool(unschedulable(pod)) for pod in living),
        rolling_out=replicas > updated,
        trouble=_trouble(deployment, living),
    )


def is_ready(pod: Json) -> bool:
    """Whether a pod is ready."""
    return _condition(pod, "Ready").get("status") == "True"


def unschedulable(pod: Json) -> str:
    """Return why no node takes a pod; empty when one did, or the scheduler has not looked yet."""
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") == "False" and condition.get("reason") == "Unschedulable":
        return str(condition.get("message", "no node takes it"))
    return ""


def missing(children: Mapping[tuple[str, str], Json]) -> bool:
    """Whether a pod waits for a Secret or ConfigMap that is not there."""
    return any(
        waiting.get("reason") == MISSING
        for (kind, _), pod in children.items()
        if kind == "Pod"
        for waiting in _waiting(pod)
    )


def _trouble(deployment: Json, pods: Iterable[Json]) -> str:
    """Return why the role is not there: the first reason that names something, pods before Deployment."""
    for pod in sorted(pods, key=lambda each: str(each["metadata"]["name"])):
        if why := ("" if is_ready(pod) else _pod_trouble(pod)):
            return f"{pod['metadata']['name']}: {_clipped(why)}"
    failure = _condition(deployment, "ReplicaFailure")
    return _clipped(str(failure.get("message", ""))) if failure.get("status") == "True" else ""


def _pod_trouble(pod: Json) -> str:
    if why := unschedulable(pod):
        return why
    for status in pod.get("status", {}).get("containerStatuses", []):
        waiting = status.get("state", {}).get("waiting", {})
        ended = (
            status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
        )
        last_words = str(ended.get("message", "")).strip().splitlines()[-1:]
        if last_words:
            return f"exit code {ended.get('exitCode')}: {_as_said(last_words[0])}"
        if waiting.get("reason") and waiting["reason"] not in _NORMAL_WAITS:
            return ": ".join(str(waiting[part]) for part in ("reason", "message") if waiting.get(part))
        if ended:
            return f"{ended.get('reason', 'ended')} with exit code {ended.get('exitCode')}"
    return ""


def _as_said(line: str) -> str:
    """Return what a line of a service's log says."""
    try:
        document = json.loads(line)
    except ValueError:
        return line
    if not isinstance(document, dict):
        return line
    return ": ".join(str(document[part]) for part in ("message", "error") if document.get(part)) or line


def _waiting(pod: Json) -> list[Json]:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return [status.get("state", {}).get("waiting") or {} for status in statuses]


def _condition(document: Json, kind: str) -> Json:
    conditions = document.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
