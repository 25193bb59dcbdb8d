"""metrics-server beside a cluster: what an HPA on CPU reads. Built as a Go module, run as a process."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.api_server import ApiServer
from cluster.go_programs import go_program
from cluster.kubectl import until

MODULE, VERSION = "sigs.k8s.io/metrics-server/cmd/metrics-server", "v0.8.0"
NAMESPACE, NAME, PORT = "kube-system", "metrics-server", 10443
API_SERVICE = "v1beta1.metrics.k8s.io"


@contextmanager
def metrics_server(server: ApiServer, folder: Path) -> Iterator[None]:
    """Serve the CPU and memory of pods through the API server; nothing of it stays."""
    command = [
        str(go_program(MODULE, VERSION)),
        *("--kubeconfig", str(server.kubeconfig)),
        *("--authentication-kubeconfig", str(server.kubeconfig)),
        *("--authorization-kubeconfig", str(server.kubeconfig)),
        *("--secure-port", str(PORT), "--cert-dir", str(folder / "metrics-server")),
        *("--kubelet-insecure-tls", "--kubelet-preferred-address-types", "InternalIP"),
        *("--metric-resolution", "15s"),
    ]
    log = folder / "metrics-server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        for each in (_service(), _endpoints(_host_address(server))):
            _apply(server, each)
        _apply(server, _api_service())
        raw = ("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
        until("metrics of nodes", lambda: server.kubectl(*raw).is_ok, 120)
        yield
    except AssertionError as error:
        raise AssertionError(f"{error}\nmetrics-server: {log.read_text()[-3000:]}") from error
    finally:
        server.kubectl("delete", "apiservice", API_SERVICE, "--ignore-not-found")
        server.kubectl("delete", "service", NAME, "--namespace", NAMESPACE, "--ignore-not-found")
        process.kill()
        process.wait()


def _host_address(server: ApiServer) -> str:
    """Return an address of this machine that the API server reaches: the first node's, which is one here."""
    addresses = server.get("nodes")["items"][0]["status"]["addresses"]
    return next(str(each["address"]) for each in addresses if each["type"] == "InternalIP")


def _apply(server: ApiServer, document: dict[str, Any]) -> None:
    server.must("apply", "--server-side", "--force-conflicts", "--filename", "-", text=json.dumps(document))


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
    }


def _endpoints(address: str) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": NAME},
        },
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }


def _api_service() -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API_SERVICE},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": NAME, "namespace": NAMESPACE},
        },
    }
