"""Deployments without nodes: their services run as processes of this machine, their pods are real objects.

What controllers and kubelet do is done here, as plainly as can be: so many processes as replicas, SIGTERM and
a deletion in mid-air before they go, a status that says what is there.
"""

import json
import os
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cluster.api_server import ApiServer
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY

Json = dict[str, Any]
_EVERY_SECONDS = 0.2
_OWN = {
    "PATH": os.environ["PATH"],
    "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
}


@dataclass
class Pod:
    """One process and the object that stands for it."""

    name: str
    template: Json
    process: "subprocess.Popen[bytes]"
    http: Path
    is_ending: bool = False
    told: tuple[bool, str] = field(default=(False, ""))

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.http.read_text()}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False


class HostPods:
    """Runs the Deployments of a namespace while the block lasts."""

    def __init__(self, server: ApiServer, namespace: str, folder: Path) -> None:
        access = json.loads(server.kubeconfig.read_text())
        self._url = access["clusters"][0]["cluster"]["server"]
        self._token = access["users"][0]["user"]["token"]
        self._tls = ssl._create_unverified_context()
        self._namespace, self._folder = namespace, folder
        self.pods: dict[str, list[Pod]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._count = 0
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        for pod in [pod for pods in self.pods.values() for pod in pods]:
            pod.process.kill()
            pod.process.wait()

    def kill_one(self, deployment: str) -> None:
        """Kill a process of a Deployment, as a node that dies does."""
        self.pods[deployment][0].process.kill()

    def _run(self) -> None:
        try:
            while not self._stop.wait(_EVERY_SECONDS):
                for each in self._call("GET", "/apis/apps/v1", "deployments")["items"]:
                    self._follow(each)
        except BaseException as error:
            self.error = error

    def _follow(self, deployment: Json) -> None:
        name, wanted = deployment["metadata"]["name"], deployment["spec"]["replicas"]
        template = deployment["spec"]["template"]
        pods = self.pods.setdefault(name, [])
        for pod in [pod for pod in pods if pod.process.poll() is not None]:
            self._call("DELETE", "/api/v1", f"pods/{pod.name}", {"gracePeriodSeconds": 0})
            pods.remove(pod)
        living = [pod for pod in pods if not pod.is_ending]
        for pod in [pod for pod in living if pod.template != template] or living[wanted:]:
            pod.is_ending = True
            self._call("DELETE", "/api/v1", f"pods/{pod.name}", {"gracePeriodSeconds": 60})
            pod.process.terminate()
        recreates = deployment["spec"]["strategy"]["type"] == "Recreate"
        if len([pod for pod in pods if not pod.is_ending]) < wanted and not (recreates and pods):
            pods.append(self._start(name, deployment))
        ready = [pod for pod in pods if not pod.is_ending and pod.is_ready()]
        for pod in pods:
            self._tell(pod, is_ready=pod in ready)
        count = len([pod for pod in pods if not pod.is_ending])
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": count,
            "updatedReplicas": count,
            "readyReplicas": len(ready),
        }
        if any(deployment.get("status", {}).get(each, 0) != value for each, value in status.items()):
            self._call("PATCH", "/apis/apps/v1", f"deployments/{name}/status", {"status": status})

    def _start(self, deployment: str, document: Json) -> Pod:
        self._count += 1
        name = f"{deployment}-{self._count}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        template = document["spec"]["template"]
        [container] = template["spec"]["containers"]
        volumes = {each["name"]: each for each in template["spec"]["volumes"]}
        spec = self._call("GET", "/api/v1", f"configmaps/{volumes['spec']['configMap']['name']}")
        (folder / "pipeline.yaml").write_text(spec["data"]["pipeline.yaml"])
        env = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        env |= _OWN | {
            "CYGNET_INSTANCE": name,
            "CYGNET_HTTP": "127.0.0.1:0",
            "CYGNET_HTTP_FILE": str(folder / "http"),
        }
        arguments = [*container["args"][:-1], str(folder / "pipeline.yaml")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "cygnet", *arguments], env=env, stdout=log, stderr=log, cwd=folder
            )
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": template["metadata"]["labels"]},
            "spec": {
                "nodeName": "this-machine",
                "containers": [{"name": container["name"], "image": "none"}],
            },
        }
        self._call("POST", "/api/v1", "pods", body)
        return Pod(name, template, process, folder / "http")

    def _tell(self, pod: Pod, *, is_ready: bool) -> None:
        if pod.told == (is_ready, "Running"):
            return
        condition = {"type": "Ready", "status": "True" if is_ready else "False"}
        status = {"phase": "Running", "conditions": [condition]}
        self._call("PATCH", "/api/v1", f"pods/{pod.name}/status", {"status": status})
        pod.told = (is_ready, "Running")

    def _call(self, method: str, root: str, path: str, body: Json | None = None) -> Json:
        form = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            f"{self._url}{root}/namespaces/{self._namespace}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": form},
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._tls) as answer:
                found: Json = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404 and method in ("DELETE", "PATCH"):
                return {}
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error
