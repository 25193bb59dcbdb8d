"""The chart with real images: it comes up, carries a frame, refuses to go, and says what is wrong."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from cluster.chart.conftest import apply_crd, find, pipeline
from cluster.helm import HelmError
from cluster.installation import image_values
from cluster.kubectl import until
from cygnet_operator.settings import IMAGE_VARIABLES

EMPTY_DIR = {"persistence": {"enabled": False}}
pytestmark = [pytest.mark.usefixtures("no_release_stays"), pytest.mark.timeout(600)]


@pytest.fixture
def values(cluster, images, namespace):
    """A first try that watches its own namespace only: other tests' Pipelines are not its business."""
    apply_crd(cluster.kubectl)
    return {
        "images": image_values(images),
        "watchNamespaces": [namespace],
        "nats": EMPTY_DIR,
        "s3": {"enabled": True, **EMPTY_DIR},
    }


def with_nats(values: Mapping[str, Any], **nats: Any) -> dict[str, Any]:
    return {**values, "nats": {**values["nats"], **nats}}


def condition(kubectl, name, kind):
    """Return a condition of a Pipeline once it says something certain."""

    def certain():
        status = (find(kubectl, "pipelines", name) or {}).get("status", {})
        found = [each for each in status.get("conditions", []) if each["type"] == kind]
        return found[0] if found and found[0]["status"] != "Unknown" else None

    return until(f"{kind} of Pipeline {name}", certain, 180)


def test_one_frame_goes_through_a_new_installation(helm, kubectl, namespace, values):
    helm.install("cygnet", namespace, values, "--wait", "--timeout", "5m")
    said = helm.test("cygnet", namespace, "--logs", "--timeout", "5m")
    assert "576 x 576 pixels, each as it was sent" in said
    assert not [
        each for each in kubectl.items("pipelines") if each["metadata"]["name"].startswith("helm-test")
    ]


def test_three_nats_servers_carry_a_frame(helm4, kubectl, namespace, values):
    helm4.install("cygnet", namespace, with_nats(values, replicas=3), "--wait", "--timeout", "5m")
    assert "each as it was sent" in helm4.test("cygnet", namespace, "--logs", "--timeout", "5m")


def test_an_uninstall_is_refused_while_pipelines_live_on_its_nats(helm, kubectl, namespace, values):
    helm.install("cygnet", namespace, values, "--wait", "--timeout", "5m")
    kubectl.apply(pipeline("kept", deletionPolicy="Delete"))
    with pytest.raises(HelmError):
        helm.uninstall("cygnet", namespace, "--timeout", "3m")
    said = kubectl.run("logs", "job/cygnet-uninstall")
    assert f"1 Pipeline: {namespace}/kept" in said
    assert find(kubectl, "deployments", "cygnet-operator"), "the release has begun to go"
    helm.upgrade("cygnet", namespace, {**values, "uninstall": {"force": True}})
    helm.uninstall("cygnet", namespace)
    assert find(kubectl, "pipelines", "kept")
    assert find(kubectl, "deployments", "kept-preprocessor"), "its pods went with the release"


def test_a_nats_that_cannot_be_reached_is_told_by_the_pipeline(helm4, kubectl, namespace, values):
    nats = {"enabled": False, "url": f"nats://nowhere.{namespace}.svc:4222"}
    helm4.install("cygnet", namespace, {**values, "nats": nats})
    kubectl.apply(pipeline("lost"))
    found = condition(kubectl, "lost", "StreamsReady")
    assert found["status"] == "False"
    assert "nowhere" in found["message"]
    assert condition(kubectl, "lost", "Ready")["status"] == "False"


def test_a_denied_bucket_is_told_by_the_pipeline(helm4, kubectl, namespace, values):
    helm4.install("cygnet", namespace, values, "--wait", "--timeout", "5m")
    wrong = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "wrong"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wrong"}, "stringData": wrong}
    kubectl.apply(secret, pipeline("denied", storage={"secretName": "wrong"}))
    found = condition(kubectl, "denied", "StorageReady")
    assert (found["status"], found["reason"]) == ("False", "StorageDenied")


def test_the_hook_finds_pipelines_by_the_operators_own_list(cluster, kubectl, namespace):
    """The hook's program itself, with the rights of whoever runs the tests."""
    apply_crd(cluster.kubectl)
    url = "nats://cygnet-nats:4222"
    env = {
        "CYGNET_INSTALLATION": f"{namespace}/cygnet",
        "CYGNET_WATCH_NAMESPACES": namespace,
        "CYGNET_OWN_NATS": "true",
        "NATS_URL": url,
        "KUBECONFIG": str(cluster.kubectl.kubeconfig),
        **dict.fromkeys(IMAGE_VARIABLES.values(), "image:1"),
    }

    def ask():
        command = [sys.executable, "-m", "cygnet_operator.uninstalling"]
        return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=120)

    assert ask().returncode == 0
    kubectl.apply(pipeline("elsewhere", nats={"url": "nats://other:4222"}))
    assert ask().returncode == 0
    kubectl.apply(pipeline("kept"))
    done = ask()
    assert done.returncode == 1
    assert f"1 Pipeline: {namespace}/kept" in done.stderr
