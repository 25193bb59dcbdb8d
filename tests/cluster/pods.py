"""Pods as the strictest clusters take them: not root, a read-only root, nothing granted."""

import time
from typing import Any

from cluster.kubectl import Kubectl

UNPRIVILEGED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str, image: str, **container: Any) -> dict[str, Any]:
    """Return a Pod of one container with a writable `/tmp`; `volumes` go to it, the rest to the container."""
    volumes = [{"name": "tmp", "emptyDir": {}}, *container.pop("volumes", [])]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}, *container.pop("volumeMounts", [])]
    main = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": UNPRIVILEGED,
        "volumeMounts": mounts,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        **container,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "containers": [main],
            "volumes": volumes,
        },
    }


def service(name: str, port: int) -> dict[str, Any]:
    """Return a Service in front of the pod of that name."""
    spec = {"selector": {"app": name}, "ports": [{"port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def config_map(name: str, **files: str) -> dict[str, Any]:
    """Return a ConfigMap; `_` in a name stands for `.`."""
    data = {key.replace("_", "."): text for key, text in files.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def exit_code(kubectl: Kubectl, name: str, seconds: float = 180) -> int:
    """Wait until the pod's container has ended, and return its exit code."""

    def ended(kubectl: Kubectl) -> list[int]:
        states = kubectl.get("pod", name)["status"].get("containerStatuses", [])
        return [
            state["state"]["terminated"]["exitCode"] for state in states if "terminated" in state["state"]
        ]

    return kubectl.until(f"the end of pod {name}", ended, seconds)[0]


def wait_for_log(kubectl: Kubectl, name: str, text: str, seconds: float = 180) -> str:
    """Wait until the pod has said `text`, and return all that it said."""
    said = ""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = kubectl.get("pod", name)["status"]
        if status["phase"] != "Pending":
            said = kubectl.run("logs", name)
            if text in said:
                return said
            assert status["phase"] == "Running", f"pod {name} ended and never said {text!r}: {said[-2000:]}"
        time.sleep(0.3)
    raise TimeoutError(f"pod {name} has not said {text!r} within {seconds:g} s, but: {said[-2000:]}")
