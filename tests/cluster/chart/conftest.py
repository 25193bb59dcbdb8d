"""Both Helms, and the CRD as a test wants it found."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cluster.clusters import Cluster
from cluster.helm import CHART, Helm, helm_3, helm_4
from cluster.kubectl import Kubectl, until

CRD = "pipelines.cygnet.dev"
LEAN: dict[str, Any] = {"nats": {"enabled": False}}
"""The operator alone: what a test of Helm itself needs."""


@pytest.fixture(scope="session")
def helm3(cluster: Cluster) -> Helm:
    return helm_3(cluster.kubectl)


@pytest.fixture(scope="session")
def helm4(cluster: Cluster) -> Helm:
    return helm_4(cluster.kubectl)


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest) -> Helm:
    found: Helm = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def no_release_stays(request: pytest.FixtureRequest, namespace: str) -> Iterator[None]:
    """Uninstall each test's releases before its namespace goes."""
    yield
    for name in {"helm3", "helm4"} & set(request.fixturenames):
        request.getfixturevalue(name).clean()


@pytest.fixture
def no_crd(cluster: Cluster) -> Iterator[None]:
    """The cluster before its first release; the CRD is there again afterwards."""
    cluster.kubectl.run("delete", "crd", CRD, "--ignore-not-found")
    yield
    apply_crd(cluster.kubectl)


def apply_crd(kubectl: Kubectl) -> None:
    """Apply the CRD as the chart has it, by kubectl."""
    path = str(CHART / "files" / f"{CRD}.yaml")
    kubectl.run("apply", "--server-side", "--force-conflicts", "--filename", path)
    await_crd(kubectl)


def await_crd(kubectl: Kubectl) -> None:
    """Wait until the API server serves Pipelines."""

    def is_served() -> bool:
        conditions = kubectl.get("crd", CRD).get("status", {}).get("conditions") or []
        return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)

    until("the API of Pipelines", is_served)


def find(kubectl: Kubectl, kind: str, name: str) -> Any:
    """Return an object, None if there is none."""
    found = kubectl.items(kind, f"--field-selector=metadata.name={name}")
    return found[0] if found else None


def owner(kubectl: Kubectl) -> str:
    """Return the release that the CRD belongs to, empty for none."""
    annotations: Mapping[str, str] = kubectl.get("crd", CRD)["metadata"].get("annotations", {})
    return annotations.get("meta.helm.sh/release-name", "")


def pipeline(name: str, **spec: Any) -> dict[str, Any]:
    """Return a Pipeline that simulates a detector."""
    simulator = {"model": "cygno", "rateHz": 1, "eventsPerRun": 10}
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": name},
        "spec": {"sources": [{"name": "cam", "simulator": simulator}], **spec},
    }
