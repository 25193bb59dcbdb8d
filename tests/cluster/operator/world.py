"""All that a test of the operator needs: the administrator's view, the operator, and the ways between."""

import json
from typing import Any

from cluster.api_server import ApiServer
from cluster.kubectl import until
from cluster.operator.operator_process import OperatorProcess
from cluster.operator.proxy import Proxy
from fixtures.nats_server import NatsServer

CRD = "customresourcedefinition/pipelines.cygnet.dev"
CHILDREN = "deployments,configmaps,services,serviceaccounts,poddisruptionbudgets,networkpolicies"


class World:
    """All that a test needs: the administrator's view, the operator, and the ways between them."""

    def __init__(self, server: ApiServer, nats: NatsServer, proxy: Proxy, operator: OperatorProcess) -> None:
        self.server, self.nats, self.proxy, self.operator = server, nats, proxy, operator

    def apply(self, document: dict[str, Any], *more: str) -> None:
        arguments = ("--server-side", "--force-conflicts", "--field-manager=person", "--filename", "-", *more)
        self.server.must("apply", *arguments, text=json.dumps(document))

    def pipeline(self, namespace: str, name: str) -> dict[str, Any]:
        return dict(self.server.get("pipeline", name, "--namespace", namespace))

    def condition(self, namespace: str, name: str, kind: str) -> dict[str, Any]:
        return _of(self.pipeline(namespace, name), kind)

    def says(
        self, namespace: str, name: str, kind: str, status: str, seconds: float = 30.0
    ) -> dict[str, Any]:
        """Wait until a condition of the present spec has a status, and return it."""

        def look() -> dict[str, Any]:
            there = self.pipeline(namespace, name)
            found = _of(there, kind)
            is_new = found.get("observedGeneration") == there["metadata"]["generation"]
            return found if is_new and found.get("status") == status else {}

        return until(f"{kind}={status}", look, seconds)

    def children(self, namespace: str, name: str) -> dict[str, dict[str, Any]]:
        """Return the children that may be read, by kind and name."""
        label = f"app.kubernetes.io/instance={name}"
        found = self.server.get(CHILDREN, "--namespace", namespace, "--selector", label)
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in found["items"]}

    def has_children(self, namespace: str, name: str, seconds: float = 30.0) -> dict[str, dict[str, Any]]:
        """Wait until all children are there, and return them."""

        def look() -> dict[str, dict[str, Any]]:
            found = self.children(namespace, name)
            return found if len(found) == 10 else {}

        return until("ten children", look, seconds)


def _of(pipeline: dict[str, Any], kind: str) -> dict[str, Any]:
    told = pipeline.get("status", {}).get("conditions", [])
    return next((each for each in told if each["type"] == kind), {})
