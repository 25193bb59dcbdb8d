"""Each image under Pod Security `restricted`: who it runs as, what it can write, what it brings."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cluster.kubectl import Kubectl
from cluster.pods import exit_code, pod, wait_for_log

USER = 65532
PYTHON_IMAGES = ("simulator", "preprocessor", "aggregator", "uploader", "operator")
KERNELS_OF = {
    "simulator": "imaging._unfilter,simulator.cygno._cloud,simulator.cygno._noise,simulator.cygno._track",
    "preprocessor": "imaging._bitshuffle,imaging._histogram,imaging._unfilter,imaging._window_kernel",
    "aggregator": "imaging._bitshuffle",
}

LOOK = """
import importlib.util, json, os, pathlib, sys
def writes(folder):
    try:
        pathlib.Path(folder, "probe").write_text("")
    except OSError:
        return False
    return True
names = sys.argv[1].split(",")
print(json.dumps({
    "user": os.getuid(),
    "writable": [each for each in ("/", "/opt", "/opt/cygnet", "/etc", "/tmp") if writes(each)],
    "has": [each for each in names if importlib.util.find_spec(each)],
    "compilers": [each for each in ("cc", "gcc", "clang", "go") for at in ("/usr/bin", "/usr/local/bin")
                  if pathlib.Path(at, each).exists()],
}))
"""
KERNELS = """
import importlib, json, sys
from numba.core.dispatcher import Dispatcher
modules = [importlib.import_module(f"cygnet.{name}") for name in sys.argv[1].split(",")]
found = [each for module in modules for each in vars(module).values() if isinstance(each, Dispatcher)]
print(json.dumps({
    "kernels": len(found),
    "read": sum(sum(each.stats.cache_hits.values()) for each in found),
    "compiled": sum(sum(each.stats.cache_misses.values()) for each in found),
}))
"""
LIBRARIES = "aiohttp,blosc2,boto3,h5py,kopf,kubernetes,nats,numba,numpy,obstore,PIL,pyarrow,zstandard"


def run_python(kubectl: Kubectl, name: str, image: str, program: str, *arguments: str) -> Any:
    """Run a program in the image, and return what it printed as JSON."""
    kubectl.apply(pod(name, image, command=["python", "-c", program, *arguments]))
    code = exit_code(kubectl, name)
    printed = kubectl.run("logs", name)
    assert code == 0, printed
    return json.loads(printed)


@pytest.mark.parametrize("target", PYTHON_IMAGES)
def test_image_runs_as_nobody_and_can_write_nothing_but_tmp(
    target: str, images: Callable[[str], str], kubectl: Kubectl
) -> None:
    facts = run_python(kubectl, "look", images(target), LOOK, LIBRARIES)
    assert facts["user"] == USER  # of an image, the kubelet takes the user and no group
    assert facts["writable"] == ["/tmp"]
    assert facts["compilers"] == []


@pytest.mark.parametrize(
    ("target", "has", "has_not"),
    [
        ("simulator", {"numba", "pyarrow", "PIL"}, {"kopf", "kubernetes", "h5py"}),
        ("preprocessor", {"numba", "blosc2", "PIL"}, {"kopf", "kubernetes", "h5py"}),
        ("aggregator", {"numpy", "pyarrow", "h5py"}, {"kopf", "kubernetes", "PIL", "blosc2"}),
        ("uploader", {"obstore", "boto3"}, {"numpy", "numba", "pyarrow", "h5py", "PIL", "kopf"}),
        (
            "operator",
            {"kopf", "aiohttp", "nats"},
            {"kubernetes", "numpy", "boto3", "obstore"},
        ),
    ],
)
def test_image_holds_what_its_role_needs_and_nothing_of_others(
    target: str, has: set[str], has_not: set[str], images: Callable[[str], str], kubectl: Kubectl
) -> None:
    found = set(run_python(kubectl, "look", images(target), LOOK, LIBRARIES)["has"])
    assert has <= found
    assert not has_not & found


@pytest.mark.parametrize("target", KERNELS_OF)
def test_kernels_are_read_from_the_image_and_not_compiled_at_the_start(
    target: str, images: Callable[[str], str], kubectl: Kubectl
) -> None:
    facts = run_python(kubectl, "kernels", images(target), KERNELS, KERNELS_OF[target])
    assert facts["kernels"] > 0
    assert facts["read"] >= facts["kernels"]
    assert facts["compiled"] == 0


def test_nats_image_serves_jetstream(images: Callable[[str], str], kubectl: Kubectl) -> None:
    kubectl.apply(pod("nats", images("nats"), args=["--jetstream", "--store_dir=/tmp"]))
    said = wait_for_log(kubectl, "nats", "Server is ready")
    assert "JetStream" in said


def test_s3_image_serves_a_folder(images: Callable[[str], str], kubectl: Kubectl) -> None:
    kubectl.apply(
        pod("s3", images("s3"), args=["serve", "s3", "--addr=:9000", "--auth-key=key,secret", "/tmp"])
    )
    wait_for_log(kubectl, "s3", "Starting s3 server")
