"""Events that a Pipeline tells of: few, with stable reasons, the same one not twice in ten minutes."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cygnet.runtime.logging import Log
from cygnet.scaling import Decision
from cygnet.spec.pipeline import API_VERSION
from cygnet_operator.kinds import EVENT
from cygnet_operator.kube import Kube, KubeError
from cygnet_operator.metrics import EVENTS
from cygnet_operator.reconcile.labels import OPERATOR

Json = dict[str, Any]
DECISION = "cygnet.dev/decision"
"""Annotation of a decision's Event: the decision with its inputs, as JSON."""
QUIET_SECONDS = 600.0
_LONGEST_NOTE = 1024
_MOST_KNOWN = 5000


class Events:
    """Writes Events; one that the API server does not take is lost, and nothing waits for it."""

    def __init__(
        self, kube: Kube, instance: str, log: Log, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kube = kube
        self._instance = instance
        self._log = log
        self._clock = clock
        self._told: dict[tuple[str, str, str], float] = {}

    async def tell(
        self,
        pipeline: Mapping[str, Any],
        reason: str,
        note: str,
        *,
        action: str,
        warning: bool = False,
    ) -> None:
        """Write an Event about a Pipeline, unless it was told lately."""
        now = self._clock()
        self._told = {what: at for what, at in self._told.items() if now - at < QUIET_SECONDS}
        known = (pipeline["metadata"]["uid"], reason, note)
        if known in self._told or len(self._told) >= _MOST_KNOWN:
            return
        self._told[known] = now
        await self._write(pipeline, reason, note, action, warning=warning, annotations={})

    async def _write(
        self,
        pipeline: Mapping[str, Any],
        reason: str,
        note: str,
        action: str,
        *,
        warning: bool = False,
        annotations: Mapping[str, str],
    ) -> None:
        kind = "Warning" if warning else "Normal"
        document = event(pipeline, reason, note, action, kind, self._instance, annotations)
        try:
            await self._kube.create_event(document)
        except KubeError as error:
            EVENTS.labels("lost", reason).inc()
            self._log.warning("event not taken", reason=reason, why=str(error))
            return
        EVENTS.labels(kind, reason).inc()

    async def tell_decision(self, pipeline: Mapping[str, Any], decision: Decision) -> None:
        """Write an Event about a change of replicas, with its inputs."""
        document = {
            "time": decision.time,
            "from": decision.current,
            "to": decision.desired,
            "reason": str(decision.reason),
            "dryRun": decision.dry_run,
            "inputs": decision.inputs,
        }
        await self._write(
            pipeline,
            str(decision.reason),
            f"{decision.current} → {decision.desired}: {decision.message}",
            "ScaleDryRun" if decision.dry_run else "Scale",
            annotations={DECISION: json.dumps(document)},
        )


def event(
    pipeline: Mapping[str, Any],
    reason: str,
    note: str,
    action: str,
    kind: str,
    instance: str,
    annotations: Mapping[str, str],
) -> Json:
    """Return an Event about a Pipeline, of now."""
    about = pipeline["metadata"]
    now = datetime.now(UTC)
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {
            "namespace": about["namespace"],
            "name": f"{about['name']}.{time.time_ns():x}",
            "annotations": dict(annotations),
        },
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": OPERATOR,
        "reportingInstance": instance,
        "action": action,
        "reason": reason,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "Pipeline",
            "namespace": about["namespace"],
            "name": about["name"],
            "uid": about["uid"],
        },
        "note": note if len(note) <= _LONGEST_NOTE else f"{note[: _LONGEST_NOTE - 1]}…",
        "type": kind,
    }
