"""Nodes that are not there beside an API server alone: controllers, a scheduler, and kwok for the kubelets.

A pod is ready as soon as it is scheduled, and nothing of it runs: what many Pipelines cost whoever looks
after them can be measured where they themselves would not fit.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cluster.api_server import PROGRAMS, ApiServer
from cluster.go_programs import go_program

KWOK, VERSION = "sigs.k8s.io/kwok", "v0.8.0"
STAGES = ("pod/fast/pod-ready", "pod/fast/pod-delete", "node/fast/node-initialize")
CONTROLLERS = ("deployment", "replicaset", "disruption", "garbage-collector")


@contextmanager
def fake_nodes(server: ApiServer, folder: Path, count: int) -> Iterator[None]:
    """Have so many nodes, and pods that are ready on them, while the block lasts."""
    kwok, access = go_program(f"{KWOK}/cmd/kwok", VERSION), f"--kubeconfig={server.kubeconfig}"
    said = subprocess.run(
        ["go", "mod", "download", "-json", f"{KWOK}@{VERSION}"], capture_output=True, check=True
    )
    module = Path(json.loads(said.stdout)["Dir"])
    stages = [f"--config={module / 'kustomize/stage' / stage}.yaml" for stage in STAGES]
    controllers = ",".join(f"{name}-controller" for name in CONTROLLERS)
    unserved = ("--leader-elect=false", "--secure-port=0")
    manager = (f"--controllers={controllers}", "--kube-api-qps=200", "--kube-api-burst=400")
    with ExitStack() as stack:
        for command in (
            [PROGRAMS / "kube-controller-manager", access, *unserved, *manager],
            [PROGRAMS / "kube-scheduler", access, *unserved],
            [kwok, access, "--manage-all-nodes=true", *stages],
        ):
            stack.enter_context(_running([str(word) for word in command], folder))
        for number in range(count):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"fake-{number}"}}
            server.must("apply", "--server-side", "--filename", "-", text=json.dumps(node))
            # Made with a taint that a controller takes away once a kubelet reports.
            patch = '{"spec": {"taints": null}}'
            server.must("patch", "node", f"fake-{number}", "--type=merge", f"--patch={patch}")
        server.must("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
        yield


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield
        assert process.poll() is None, log.read_text()[-4000:]
    finally:
        process.kill()
        process.wait()
