"""`mode: external`: a real HPA on the CPU of real pods scales a Pipeline, and the operator follows it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api_server import ApiServer
from cluster.clusters import RIG, Cluster, RigCluster
from cluster.kubectl import until
from cluster.metrics_server import metrics_server
from cluster.operator.operator_process import OperatorProcess, a_pipeline, give_rights, kubeconfig
from cluster.report import Measured
from cygnet.spec.crd import crd_yaml
from fixtures.nats_server import nats_server

IMAGE = "docker.io/cygnet/busy:test"
PLENTY, LITTLE = 100, 5000
"""Per cent of what a pod asks for: its tenth of a processor is 400."""


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> ApiServer:
    return ApiServer(cluster.kubectl.kubeconfig, tmp_path)


@pytest.fixture
def busy_image(cluster: Cluster, tmp_path: Path) -> str:
    """An image of one program that is busy, on every node."""
    assert isinstance(cluster, RigCluster), "the stand-in's image is brought into the rig's nodes only"
    program, archive = tmp_path / "busy", tmp_path / "busy.tar"
    source = Path(__file__).parent / "busy" / "main.go"
    subprocess.run(["go", "build", "-o", program, source], check=True, timeout=300, env=_static())
    with archive.open("wb") as out:
        command = [RIG / "scratch-image", IMAGE, "./busy"]  # in its root: /tmp is the pod's own
        subprocess.run(command, stdout=out, check=True, timeout=60, cwd=tmp_path)
    state = cluster.kubectl.kubeconfig.parents[1]
    for socket in state.glob("node-*/containerd.sock"):
        ctr = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", archive]
        subprocess.run(ctr, check=True, timeout=120, capture_output=True)
    return IMAGE


@pytest.fixture
def operator(server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    """An operator beside the cluster, with a NATS of its own: no pod here needs one."""
    server.must("apply", "--server-side", "--force-conflicts", "--filename", "-", text=crd_yaml())
    give_rights(server, namespace)
    address = json.loads(server.must("config", "view", "--raw", "--output", "json"))
    access = kubeconfig(server, namespace, address["clusters"][0]["cluster"]["server"], tmp_path / "access")
    with nats_server() as nats:
        process = OperatorProcess(tmp_path, access, nats.url, namespace).start()
        yield process
        process.kill()


def hpa(namespace: str, per_cent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": per_cent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "lime", "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "cygnet.dev/v1alpha1", "kind": "Pipeline", "name": "lime"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }


@pytest.mark.rig("the image of its busy pods is brought into the rig's nodes only")
def test_an_hpa_on_cpu_grows_and_shrinks_a_pipeline(
    server: ApiServer,
    namespace: str,
    busy_image: str,
    operator: OperatorProcess,
    tmp_path: Path,
    measured: Measured,
) -> None:
    def apply(document: dict[str, Any]) -> None:
        server.must("apply", "--server-side", "--filename", "-", text=json.dumps(document))

    def replicas() -> tuple[int, int]:
        found = server.get("deployments", "--namespace", namespace)["items"]
        workers = [each for each in found if each["metadata"]["name"] == "lime-preprocessor"]
        asked = [(each["spec"]["replicas"], each["status"].get("readyReplicas", 0)) for each in workers]
        return asked[0] if asked else (0, 0)

    apply(
        a_pipeline(
            "lime",
            namespace,
            sources=[{"name": "cam", "announcements": {"subjects": ["daq/data"]}}],
            preprocessor={"scaling": {"mode": "external"}},
            pods={"preprocessor": {"image": busy_image}},
        )
    )
    with metrics_server(server, tmp_path):
        until("a busy worker is ready", lambda: replicas() == (1, 1), 90)
        apply(hpa(namespace, PLENTY))
        begun = time.monotonic()
        until("three workers are ready", lambda: replicas() == (3, 3), 240)
        measured(f"1 → 3 workers by the HPA in {time.monotonic() - begun:.0f} s")
        apply(hpa(namespace, LITTLE))
        begun = time.monotonic()
        until("one worker is left", lambda: replicas() == (1, 1), 240)
        measured(f"3 → 1 worker by the HPA in {time.monotonic() - begun:.0f} s")
    scaler = server.get("hpa", "lime", "--namespace", namespace)
    told = {each["type"]: each["status"] for each in scaler["status"]["conditions"]}
    assert told["AbleToScale"] == "True"
    assert operator.is_running


def _static() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}
