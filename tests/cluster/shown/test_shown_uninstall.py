"""An operator goes and comes again: Pipelines run on; of what is deleted, what was wanted is left."""

from collections.abc import Iterator

import pytest

from cluster.conftest import new_namespaces
from cluster.helm import helm_4
from cluster.installation import RELEASE, Installation
from cluster.kubectl import until
from cluster.report import Measured
from cluster.streams import stream
from cygnet.transport.api import api
from cygnet.transport.client import Client

pytestmark = pytest.mark.timeout(1200)
SECOND = "cygnet-two"


@pytest.fixture
def second(installation: Installation) -> Iterator[Installation]:
    """Another installation, in namespaces of its own, on the NATS and the S3 of the first."""
    cluster, first = installation.cluster, installation.home.namespace
    helm = helm_4(cluster.kubectl)
    with new_namespaces(cluster) as make:
        home, pipelines = cluster.kubectl.within(make()), cluster.kubectl.within(make())
        for name in ("nats", "s3"):
            data = installation.home.get("secret", f"{RELEASE}-{name}")["data"]
            home.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
        values = {
            "images": installation.values["images"],
            "watchNamespaces": [pipelines.namespace],
            "nats": {
                "enabled": False,
                "url": f"nats://{RELEASE}-nats.{first}.svc:4222",
                "existingSecret": "nats",
            },
            "s3": {"endpoint": f"http://{RELEASE}-s3.{first}.svc:9000", "existingSecret": "s3"},
        }
        two = Installation(
            cluster=cluster,
            helm=helm,
            home=home,
            pipelines=pipelines,
            values=values,
            release=SECOND,
            servers=installation,
        )
        try:
            two.install()
            yield two
        finally:
            pipelines.run("delete", "pipelines", "--all", seconds=120)
            helm.clean()


async def stream_names(nc: Client) -> set[str]:
    found: set[str] = set()
    while True:
        page = (await api(nc, "STREAM.NAMES", {"offset": len(found)})).get("streams") or []
        found |= set(page)
        if not page:
            return found


def test_pipelines_run_on_without_an_operator_and_are_picked_up_again(
    installation: Installation, second: Installation, measured: Measured
) -> None:
    installation.apply(stream("neighbour", None, runs="endless"))
    second.apply(stream("stays", None, runs="endless", deletionPolicy="Retain"))
    second.apply(stream("goes", None, runs="endless"))
    installation.says("neighbour", "Ready", seconds=120)
    for name in ("stays", "goes"):
        second.says(name, "Ready", seconds=120)
    before = {pod["metadata"]["uid"] for pod in second.pods("stays", "aggregator")}

    second.helm.uninstall(SECOND, second.home.namespace, "--wait")
    at_once = second.books("stays").stored
    until("events are stored without an operator", lambda: second.books("stays").stored > at_once + 100, 120)
    second.install()
    second.wants("stays", "Paused")
    second.says("stays", "Paused", seconds=120)
    second.wants("stays", "Running")
    second.says("stays", "Ready", seconds=120)
    assert {pod["metadata"]["uid"] for pod in second.pods("stays", "aggregator")} == before
    measured("uninstalled: frames were stored all the while; reinstalled: picked up with the same pods")

    there = installation.ask(stream_names)
    assert any(f"CYG_{installation.pipelines.namespace}_neighbour_" in name for name in there)
    second.pipelines.run("delete", "pipeline", "goes", "stays", seconds=120)

    def swept() -> set[str] | None:
        names = installation.ask(stream_names)
        return None if of("goes", names) else names

    def of(name: str, names: set[str]) -> set[str]:
        mine = f"{second.pipelines.namespace}_{name}"
        return {each for each in names if each.startswith(f"CYG_{mine}_") or each == f"KV_cyg_{mine}"}

    left = until("the streams of what is deleted are gone", swept, 300, every=5.0)
    assert of("stays", left) == of("stays", there) != set()
    assert there - left == of("goes", there)
    measured(f"deletionPolicy Delete: {len(there - left)} streams gone, every other one is there")
