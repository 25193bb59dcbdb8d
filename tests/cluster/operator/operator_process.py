"""The operator as a process beside an API server, with the rights that its role has and no others."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.api_server import ApiServer
from cluster.kubectl import until
from cygnet_operator.rbac import manifest_rules
from fixtures.nats_server import free_port

ROLE = "cygnet-operator-test"
INSTALLATION = "test/test"


def give_rights(server: ApiServer, namespace: str) -> None:
    """Make the operator's ServiceAccount and the role that it is bound to everywhere."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": ROLE}, "rules": manifest_rules()}  # fmt: skip
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": namespace}
    account = {"apiVersion": "v1", "kind": "ServiceAccount",
               "metadata": {"name": "operator", "namespace": namespace}}  # fmt: skip
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE},
        "subjects": [subject],
    }
    for each in (role, account, binding):
        server.must("apply", "--server-side", "--force-conflicts", "--filename", "-", text=json.dumps(each))


def kubeconfig(server: ApiServer, namespace: str, url: str, path: Path) -> Path:
    """Write how the operator reaches an API server at `url`, as its ServiceAccount."""
    token = server.must("create", "token", "operator", "--namespace", namespace).strip()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "operator"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(document))
    return path


class OperatorProcess:
    """One operator; `stop` and `start` keep its place."""

    def __init__(self, folder: Path, kubeconfig_file: Path, nats_url: str, namespaces: str = "") -> None:
        self.log = folder / "operator.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._env: Mapping[str, str] = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig_file),
            "CYGNET_INSTALLATION": INSTALLATION,
            "CYGNET_WATCH_NAMESPACES": namespaces,
            "NATS_URL": nats_url,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "CYGNET_HTTP": f"127.0.0.1:{self.port}",
            "CYGNET_INSTANCE": "operator-under-test",
            "CYGNET_NATS_CREDENTIALS": str(folder / "none"),
            "CYGNET_S3_CREDENTIALS": str(folder / "none"),
            **{
                f"CYGNET_IMAGE_{name}": f"cygnet/{name.lower()}:test"
                for name in ("SIMULATOR", "PREPROCESSOR", "AGGREGATOR", "UPLOADER")
            },
        }

    def start(self, *, ready: bool = True) -> "OperatorProcess":
        """Start it, and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            program = [sys.executable, "-c", "from cygnet_operator.main import run; run()"]
            self._process = subprocess.Popen(program, env=self._env, stdout=log, stderr=log, cwd=os.sep)
        if ready:
            until("the operator is ready", lambda: self.get("/readyz")[0] == 200, 60)
        return self

    def stop(self) -> tuple[int, float]:
        """End it by SIGTERM; return its exit code, and the seconds that it took."""
        if self._process is None:
            return 0, 0.0
        begun = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(40)
        self._process = None
        return code, time.monotonic() - begun

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> tuple[int, str]:
        """Return code and body of a probe; code 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Return the sum of a metric over all its labels."""
        lines = [line for line in self._metrics() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def ticks(self) -> float:
        """Return how often it has looked at streams."""
        return self.metric("cygnet_operator_samples_total")

    def decisions(self, namespace: str, name: str) -> float:
        """Return how often it has decided on a Pipeline's workers, once every five seconds."""
        series = "cygnet_pipeline_scaling_decisions_total{"
        labels = (f'namespace="{namespace}"', f'pipeline="{name}"')
        lines = [line for line in self._metrics() if line.startswith(series)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(each in line for each in labels))

    def visits(self) -> float:
        """Return how often it has visited Pipelines, with whatever outcome."""
        return self.metric("cygnet_operator_reconciles_total")

    def sweeps(self) -> float:
        """Return how often it has looked for what deleted Pipelines left."""
        return self.metric("cygnet_operator_sweeps_total")

    def requests(self, verb: str) -> dict[str, float]:
        """Return how many requests of a verb it has made, by resource."""
        found: dict[str, float] = {}
        for line in self._metrics():
            if line.startswith("cygnet_operator_api_requests_total{") and f'verb="{verb}"' in line:
                resource = line.split('resource="')[1].split('"')[0]
                found[resource] = found.get(resource, 0.0) + float(line.rsplit(" ", 1)[1])
        return found

    def _metrics(self) -> list[str]:
        """Return the lines of its metrics: one that is slow to answer has not done nothing."""

        def look() -> list[str]:
            code, text = self.get("/metrics")
            return text.splitlines() if code == 200 else []

        return until("metrics of the operator", look, 60)

    def writes(self) -> float:
        """Return how many requests it has made that write."""
        return sum(sum(self.requests(verb).values()) for verb in ("apply", "create"))


def a_pipeline(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """Return a small Pipeline."""
    source = {"name": "cam", "simulator": {"model": "cygno", "rateHz": 5}}
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"sources": [source], **spec},
    }
