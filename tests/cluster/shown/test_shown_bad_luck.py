"""While frames stream, something dies, goes away or is changed: every event is stored once, and only once."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from cluster.installation import RELEASE, Installation
from cluster.kubectl import Kubectl, KubectlError, until
from cluster.report import Measured
from cluster.stored import check_stored
from cluster.streams import RATE, stream
from cygnet.spec.loader import loads

SECOND_TAG = "test-next"
ON_RIG = pytest.mark.rig("the node without disks is known by its name")
pytestmark = pytest.mark.timeout(1200)


def delete_now(kubectl: Kubectl, pod: str) -> None:
    """Kill a pod's processes, as the loss of its node would."""
    with suppress(KubectlError):
        kubectl.run("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")


def rolled_out(installation: Installation, what: str) -> None:
    """Wait until the pods of the release's Deployment or StatefulSet are new and ready."""
    installation.home.run("rollout", "status", what, "--timeout=120s", seconds=130)


def kill_workers(installation: Installation, name: str, times: int) -> str:
    """Kill one preprocessor after the other."""
    dice, killed = random.Random(1), 0
    while killed < times:
        running = [
            pod["metadata"]["name"]
            for pod in installation.pods(name, "preprocessor")
            if pod["status"]["phase"] == "Running"
        ]
        if running:
            delete_now(installation.pipelines, dice.choice(running))
            killed += 1
        time.sleep(1.0)  # the load: a worker a second
    return f"{killed} workers killed with grace 0"


def delete_aggregator(installation: Installation, name: str, times: int) -> str:
    """Delete the aggregator's pod each time that it runs."""
    gone: set[str] = set()

    def another() -> str | None:
        running = [
            pod["metadata"]["name"]
            for pod in installation.pods(name, "aggregator")
            if pod["status"]["phase"] == "Running"
        ]
        return running[0] if running and running[0] not in gone else None

    for _ in range(times):
        pod = until("another aggregator runs", another, 90)
        gone.add(pod)
        time.sleep(1.5)  # so that some take the lease over and some do not come so far
        installation.pipelines.run("delete", "pod", pod, "--wait=false")
    return f"{times} aggregators deleted"


def drain_node(installation: Installation, name: str, times: int) -> str:
    """Drain the node that has no disks, and give it back."""
    kubectl = installation.cluster.kubectl
    selector = "--pod-selector=app.kubernetes.io/part-of=cygnet"
    try:
        kubectl.run("drain", "node-1", "--delete-emptydir-data", "--timeout=180s", selector, seconds=200)

        def elsewhere() -> bool:
            pods = installation.pods(name, "preprocessor")
            return {pod["spec"].get("nodeName") for pod in pods} == {"node-0"}

        until("all workers run elsewhere", elsewhere, 90)
    finally:
        kubectl.run("uncordon", "node-1")
    return "node-1 drained and given back"


def roll_image(installation: Installation, name: str, times: int) -> str:
    """Upgrade the release to images of another tag: every role of the Pipeline rolls."""
    installation.cluster.load(("simulator", "preprocessor", "aggregator", "uploader"), SECOND_TAG)
    before = installation.values["images"]
    roles = ("simulator", "preprocessor", "aggregator", "uploader")
    images = {**before, **{role: {**before[role], "tag": SECOND_TAG} for role in roles}}
    installation.values["images"] = images
    installation.helm.upgrade(RELEASE, installation.home.namespace, installation.values, "--wait")

    def all_new() -> bool:
        components = ("source", "preprocessor", "aggregator", "uploader")
        found = [pod for role in components for pod in installation.pods(name, role)]
        tags = {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in found}
        return tags == {SECOND_TAG} and all(pod["status"]["phase"] == "Running" for pod in found)

    until("every pod is of the new image", all_new, 180)
    return f"images rolled to :{SECOND_TAG}"


def upgrade_operator(installation: Installation, name: str, times: int) -> str:
    """Upgrade the operator alone: no pod of a Pipeline may change."""
    before = {pod["metadata"]["uid"] for pod in installation.pods(name, "aggregator")}
    installation.cluster.load(("operator",), SECOND_TAG)
    images = installation.values["images"]
    installation.values["images"] = {**images, "operator": {**images["operator"], "tag": SECOND_TAG}}
    installation.helm.upgrade(RELEASE, installation.home.namespace, installation.values, "--wait")
    rolled_out(installation, f"deployment/{RELEASE}-operator")
    assert {pod["metadata"]["uid"] for pod in installation.pods(name, "aggregator")} == before
    return f"the operator upgraded to :{SECOND_TAG}"


def take_operator_away(installation: Installation, name: str, seconds: int) -> str:
    """Let a Pipeline go and another come while nobody looks."""
    going, coming = f"{name}-going", f"{name}-coming"
    installation.apply(stream(going, 100_000))
    installation.says(going, "Ready", seconds=90)
    installation.home.run("scale", f"deployment/{RELEASE}-operator", "--replicas=0")
    until("the operator is gone", lambda: not _operators(installation), 60)
    installation.pipelines.delete("pipeline", going)
    installation.apply(stream(coming, 200))
    time.sleep(seconds)  # the outage
    assert not installation.pods(coming, "source")
    installation.home.run("scale", f"deployment/{RELEASE}-operator", "--replicas=1")
    installation.until_complete(coming, 240)
    until(
        "no pod is left of what was deleted",
        lambda: not installation.pipelines.items("pods", f"--selector=app.kubernetes.io/instance={going}"),
        120,
    )
    installation.pipelines.delete("pipeline", coming)
    return f"no operator for {seconds} s, one Pipeline deleted and one created meanwhile"


def _operators(installation: Installation) -> list[Any]:
    return installation.home.items("pods", "--selector=app.kubernetes.io/component=operator")


def kill_nats(installation: Installation, name: str, times: int) -> str:
    """Kill the NATS server's pod; its disk stays."""
    delete_now(installation.home, f"{RELEASE}-nats-0")
    rolled_out(installation, f"statefulset/{RELEASE}-nats")
    return "NATS killed with grace 0"


def take_s3_away(installation: Installation, name: str, seconds: int) -> str:
    """Let there be no S3 for a while; its disk stays."""
    installation.home.run("scale", f"statefulset/{RELEASE}-s3", "--replicas=0")
    time.sleep(seconds)  # the outage
    installation.home.run("scale", f"statefulset/{RELEASE}-s3", "--replicas=1")
    rolled_out(installation, f"statefulset/{RELEASE}-s3")
    return f"S3 away for {seconds} s"


@pytest.fixture
def cleared(installation: Installation, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a Pipeline that is deleted after the test."""
    name = request.node.callspec.id.replace("_", "-")
    yield name
    installation.pipelines.run("delete", "pipeline", name, "--ignore-not-found", seconds=120)


@pytest.mark.parametrize(
    ("strike", "short", "full", "seconds"),
    [
        pytest.param(kill_workers, 10, 50, 60, id="workers"),
        pytest.param(delete_aggregator, 4, 20, 60, id="aggregator"),
        pytest.param(kill_nats, 1, 1, 40, id="nats"),
        pytest.param(take_s3_away, 20, 60, 40, id="s3"),
        pytest.param(drain_node, 1, 1, 40, id="drain", marks=ON_RIG),
        pytest.param(roll_image, 1, 1, 40, id="images"),
        pytest.param(upgrade_operator, 1, 1, 40, id="operator-upgrade"),
        pytest.param(take_operator_away, 15, 120, 60, id="operator-away"),
    ],
)
def test_every_event_is_stored_once_whatever_happens(
    installation: Installation,
    cleared: str,
    strike: Callable[[Installation, str, int], str],
    short: int,
    full: int,
    seconds: int,
    pytestconfig: pytest.Config,
    measured: Measured,
) -> None:
    """`short`, `full`: how much of it; `seconds`: for how long frames stream at least, by their number."""
    name, how_much = cleared, full if pytestconfig.getoption("full") else short
    events = RATE * (seconds + 2 * how_much)
    document = stream(name, events)
    installation.apply(document)
    installation.says(name, "Ready", seconds=120)
    until("frames are stored", lambda: installation.books(name).stored > 0, 120, every=1.0)
    told = strike(installation, name, how_much)
    at_once = until("NATS can be asked", lambda: installation.books(name), 60).lines
    books = installation.until_complete(name, 420)
    [(run, line)] = books.lines.items()
    [pipeline] = loads(json.dumps(document))
    with installation.bucket("luck") as bucket:
        seen = check_stored(bucket, pipeline, run, events)
    measured(f"{name}: {told}, while {sum(each.stored for each in at_once.values())} of {events} were stored")
    measured(f"  {line.equation()}\n  {seen}")
    assert (line.announced, line.stored, line.dead) == (events, events, 0)
    assert set(books.waiting.values()) == {0}
