"""kubectl as tests use it: objects in and out as Python values, its complaint as the test's failure."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

Value = TypeVar("Value")
FIELD_MANAGER = "cygnet-tests"


class KubectlError(AssertionError):
    """kubectl failed; what it said is the message."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl for one cluster, in one namespace."""

    kubeconfig: Path
    program: Path = Path("kubectl")
    namespace: str = "default"

    def within(self, namespace: str) -> "Kubectl":
        """Return the same for another namespace."""
        return replace(self, namespace=namespace)

    def run(self, *arguments: str, text: str | None = None, seconds: float = 60) -> str:
        """Return what kubectl printed. Raises KubectlError with what it complained of."""
        command = [str(self.program), f"--namespace={self.namespace}", *arguments]
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return the object, or the list object, that `kubectl get` finds."""
        return json.loads(self.run("get", *arguments, "--output=json"))

    def items(self, *arguments: str) -> list[Any]:
        """Return what a list holds."""
        found: list[Any] = self.get(*arguments)["items"]
        return found

    def apply(self, *objects: Mapping[str, Any], manager: str = FIELD_MANAGER) -> None:
        """Apply objects server-side, taking over fields that another manager holds."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.run(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={manager}",
            "--filename=-",
            text=text,
        )

    def delete(self, *arguments: str) -> None:
        """Delete without waiting for the end; what is not there is deleted already."""
        self.run("delete", *arguments, "--ignore-not-found", "--wait=false")

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start kubectl and return it while it prints, as with `--watch`; whoever has it ends it."""
        command = [str(self.program), f"--namespace={self.namespace}", *arguments]
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def until(self, what: str, look: Callable[["Kubectl"], Value | None], seconds: float = 60) -> Value:
        """Return the first answer of `look` that is true, as the function of this name."""
        return until(what, lambda: look(self), seconds)


def until(what: str, look: Callable[[], Value | None], seconds: float = 60, every: float = 0.2) -> Value:
    """Return the first answer of `look` that is true: neither None nor empty.

    TimeoutError says `what` was waited for. A look that raises KubectlError or OSError counts as none, and
    the last such error is told.
    """
    end, last = monotonic() + seconds, "nothing"
    while True:
        try:
            answer = look()
        except (KubectlError, OSError) as error:
            last = str(error)
        else:
            if answer:
                return answer
            last = repr(answer)
        if monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s; the last look gave {last}")
        sleep(every)
