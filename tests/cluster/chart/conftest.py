"""Both Helms, a namespace under `restricted` for each module, and the CRD as a test wants it found."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.helm import CHART, Helm, helm_3, helm_4
from fixtures.kubectl import apply, delete, get, kubectl, restricted_namespace

CRD = "pipelines.cygnet.dev"
LEAN: dict[str, Any] = {"nats": {"enabled": False, "url": "nats://nowhere:4222"}}
"""The operator alone: what a test of Helm itself needs."""


@pytest.fixture(scope="session")
def helm3() -> Helm:
    return helm_3()


@pytest.fixture(scope="session")
def helm4() -> Helm:
    return helm_4()


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest) -> Helm:
    found: Helm = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def namespace() -> Iterator[str]:
    """A new namespace; whatever a release has left in it goes with it."""
    name = f"chart-{secrets.token_hex(3)}"
    apply([restricted_namespace(name)])
    yield name
    delete("namespace", name, "default", "--wait=false")


@pytest.fixture
def no_crd() -> Iterator[None]:
    """The cluster before its first release; the CRD is there again afterwards."""
    delete("crd", CRD)
    yield
    apply_crd()


def apply_crd() -> None:
    """Apply the CRD as the chart has it, by kubectl."""
    path = str(CHART / "files" / f"{CRD}.yaml")
    kubectl("apply", "--server-side", "--force-conflicts", "--filename", path)
    kubectl("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")


def crd() -> dict[str, Any] | None:
    """Return the CRD as the cluster has it."""
    return get("crd", CRD)


def owner() -> str:
    """Return the release that the CRD belongs to, empty for none."""
    found = crd()
    assert found
    annotations = found["metadata"].get("annotations", {})
    return str(annotations.get("meta.helm.sh/release-name", ""))


def pipeline(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """Return a Pipeline that simulates a detector."""
    simulator = {"model": "cygno", "rateHz": 1, "eventsPerRun": 10}
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"sources": [{"name": "cam", "simulator": simulator}], **spec},
    }
