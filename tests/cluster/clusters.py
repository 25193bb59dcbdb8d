"""The cluster that the tests of this folder run on: yours, kind's, or the rig's."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.kubectl import Kubectl

REPOSITORY = Path(__file__).resolve().parents[2]
RIG = Path(__file__).resolve().parent / "rig"
TAG = "test"


class Cluster(Protocol):
    """A cluster that runs, in which tests make namespaces of their own."""

    @property
    def kubectl(self) -> Kubectl:
        """Its administrator's kubectl."""

    def image(self, target: str, tag: str = TAG) -> str:
        """Return the name by which pods are to ask for one of Cygnet's images."""

    def load(self, targets: Sequence[str], tag: str = TAG) -> None:
        """Build the images of these targets of `services/Dockerfile`, and bring them to every node."""

    def registry(self) -> str:
        """Return `host:port` of a registry that takes pushes over http and that every node pulls from."""


def choose(environment: Mapping[str, str] = os.environ) -> Cluster:
    """Return the cluster of `KUBECONFIG`; else kind's where Docker runs; else the rig's. They are started."""
    kind = chosen(environment)
    if kind is GivenCluster:
        return GivenCluster(Kubectl(Path(environment["KUBECONFIG"])), _registry_of(environment))
    return KindCluster.ensured() if kind is KindCluster else RigCluster.ensured()


def chosen(environment: Mapping[str, str] = os.environ) -> "type[GivenCluster | KindCluster | RigCluster]":
    """Return whose cluster `choose` gives; nothing is started."""
    given, state = environment.get("KUBECONFIG"), environment.get("CLUSTER_STATE", "/var/lib/cygnet-cluster")
    if given and not Path(given).is_relative_to(state):
        return GivenCluster
    return KindCluster if not given and docker_runs() else RigCluster


def docker_runs() -> bool:
    """Tell whether a daemon answers."""
    return bool(shutil.which("docker")) and _succeeds("docker", "info")


@dataclass(frozen=True, slots=True)
class RigCluster:
    """The cluster of `rig/`, made of package registries alone."""

    kubectl: Kubectl

    @classmethod
    def ensured(cls) -> "RigCluster":
        """Start it if it does not run: six seconds, the first time some minutes."""
        printed = run(RIG / "up", seconds=3600)
        exports = dict(word.split("=", 1) for word in printed.split() if "=" in word)
        programs = Path(exports["PATH"].partition(":")[0])
        return cls(Kubectl(Path(exports["KUBECONFIG"]), programs / "kubectl"))

    def image(self, target: str, tag: str = TAG) -> str:
        return f"cygnet/{target}:{tag}"

    def load(self, targets: Sequence[str], tag: str = TAG) -> None:
        run(RIG / "images", *targets, seconds=3600, NO_SBOM="1", TAG=tag)
        run(RIG / "load", *(self.image(target, tag) for target in targets), seconds=900)

    def registry(self) -> str:
        return run(RIG / "registry", seconds=120).strip()


@dataclass(frozen=True, slots=True)
class KindCluster:
    """Two nodes in Docker."""

    kubectl: Kubectl

    _NAME = "cygnet"

    @classmethod
    def ensured(cls) -> "KindCluster":
        """Create it if there is none of that name."""
        kubeconfig = REPOSITORY / ".kind" / "kubeconfig"
        kubeconfig.parent.mkdir(exist_ok=True)
        if cls._NAME in run("kind", "get", "clusters").split():
            run("kind", "export", "kubeconfig", "--name", cls._NAME, "--kubeconfig", kubeconfig)
        else:
            config = RIG.parent / "kind.yaml"
            command = ("kind", "create", "cluster", "--name", cls._NAME, "--config", config, "--wait", "120s")
            run(*command, "--kubeconfig", kubeconfig, seconds=900)
        return cls(Kubectl(kubeconfig))

    def image(self, target: str, tag: str = TAG) -> str:
        return f"cygnet/{target}:{tag}"

    def load(self, targets: Sequence[str], tag: str = TAG) -> None:
        run(REPOSITORY / "services" / "build-images", *targets, seconds=3600, NO_SBOM="1", TAG=tag)
        images = [self.image(target, tag) for target in targets]
        run("kind", "load", "docker-image", "--name", self._NAME, *images, seconds=900)

    def registry(self) -> str:
        return _registry_of(os.environ)


@dataclass(frozen=True, slots=True)
class GivenCluster:
    """A cluster that somebody keeps: images reach it through `CYGNET_TEST_REGISTRY`."""

    kubectl: Kubectl
    of_registry: str

    def image(self, target: str, tag: str = TAG) -> str:
        return f"{self.of_registry}/cygnet/{target}:{tag}"

    def load(self, targets: Sequence[str], tag: str = TAG) -> None:
        build = REPOSITORY / "services" / "build-images"
        run(build, *targets, seconds=3600, NO_SBOM="1", TAG=tag, REGISTRY=self.of_registry)
        for target in targets:
            run("docker" if docker_runs() else "buildah", "push", self.image(target, tag), seconds=900)

    def registry(self) -> str:
        return self.of_registry


def run(*command: str | Path, seconds: float = 60, **environment: str) -> str:
    """Return what a command printed. Raises AssertionError with the end of what it complained of."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=seconds, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-4000:]}"
    return done.stdout


def _registry_of(environment: Mapping[str, str]) -> str:
    found = environment.get("CYGNET_TEST_REGISTRY")
    assert found, (
        "CYGNET_TEST_REGISTRY is not set; accepted: host:port of a registry that this cluster pulls from"
    )
    return found


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
