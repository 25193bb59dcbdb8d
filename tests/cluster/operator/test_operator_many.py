"""What many Pipelines cost an operator that sees all namespaces: as much for each, however many they are."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.api_server import ApiServer, running_api_server
from cluster.fake_nodes import fake_nodes
from cluster.kubectl import until
from cluster.operator.operator_process import a_pipeline
from cluster.operator.world import World
from cluster.report import Measured
from cygnet.spec.crd import crd_yaml
from fixtures.nats_server import NatsServer, nats_server

COUNT, NAMESPACES = 200, 4
SMALL = {"framesBytes": 1 << 20, "resultsBytes": 1 << 20, "chunksBytes": 1 << 20, "deadBytes": 1 << 20}
SETTLED_SECONDS, IDLE_SECONDS = 40.0, 60.0
CPU, CALLS, MEMORY = (
    "process_cpu_seconds_total",
    "cygnet_operator_api_requests_total",
    "process_resident_memory_bytes",
)


@pytest.fixture
def api_server(tmp_path: Path) -> Iterator[ApiServer]:
    """One without the Pipelines of other tests."""
    folder = tmp_path / "api-server"
    folder.mkdir()
    with running_api_server(folder) as server:
        server.install(crd_yaml())
        yield server


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    """One without the streams of other tests."""
    with nats_server() as server:
        yield server


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operator spends on so many Pipelines that have nothing to do."""

    count: int
    cpu_ms: float
    """A second, for each."""
    calls: float
    """A minute, for each."""
    memory: float
    """MiB in all."""

    def __str__(self) -> str:
        return (
            f"{self.count} idle Pipelines: {self.cpu_ms:.2f} ms of CPU a second for each,"
            f" {self.calls:.3f} API calls a minute for each, {self.memory:.0f} MiB in all"
        )


def pipelines(namespaces: list[str], places: range) -> str:
    """Return Pipelines with streams of the least size, spread over namespaces."""
    return "\n---\n".join(
        json.dumps(
            a_pipeline(f"p{place}", namespaces[place % len(namespaces)], streams=SMALL,
                       aggregator={"maxBytes": 1 << 16}, uploader={"prefix": f"{namespaces[0]}/p{place}"})
        )
        for place in places
    )  # fmt: skip


def told(world: World, namespaces: list[str], *conditions: str) -> int:
    """Return of how many Pipelines all these conditions are True."""
    found = [each for namespace in namespaces
             for each in world.server.get("pipelines", "--namespace", namespace)["items"]]  # fmt: skip
    statuses = [each.get("status", {}).get("conditions", []) for each in found]
    true = [{each["type"] for each in status if each["status"] == "True"} for status in statuses]
    return sum(set(conditions) <= each for each in true)


def idle(world: World, count: int) -> Cost:
    """Return what the operator costs while nothing happens. Raises AssertionError if it writes."""
    operator = world.operator
    time.sleep(SETTLED_SECONDS)  # the first numbers of the last ones are written
    seconds, calls, writes = operator.metric(CPU), operator.metric(CALLS), operator.writes()
    time.sleep(IDLE_SECONDS)
    assert operator.writes() == writes, "an idle Pipeline costs no writes"
    return Cost(
        count,
        1000 * (operator.metric(CPU) - seconds) / IDLE_SECONDS / count,
        60 * (operator.metric(CALLS) - calls) / IDLE_SECONDS / count,
        operator.metric(MEMORY) / (1 << 20),
    )


def test_two_hundred_pipelines(
    api_server: ApiServer, make_world: Callable[..., World], measured: Measured
) -> None:
    namespaces = [api_server.namespace() for _ in range(NAMESPACES)]
    world = make_world(api_server, namespaces[0], everywhere=True)
    world.server.must("apply", "--server-side", "--filename", "-", text=pipelines(namespaces, range(COUNT)))
    begun = time.monotonic()
    world.operator.start()
    until("all are accepted", lambda: told(world, namespaces, "Accepted", "StreamsReady") == COUNT, 300)
    measured(f"{COUNT} Pipelines were accepted and had streams after {time.monotonic() - begun:.0f} s")
    measured(str(idle(world, COUNT)))
    assert world.operator.get("/healthz")[0] == 200


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_each_of_many_pipelines_costs_the_same(
    api_server: ApiServer, make_world: Callable[..., World], tmp_path: Path, measured: Measured
) -> None:
    """With pods that are ready on nodes that are not there: each Pipeline is well, and idle."""
    namespaces = [api_server.namespace() for _ in range(NAMESPACES)]
    world = make_world(api_server, namespaces[0], everywhere=True)
    costs: list[Cost] = []
    with fake_nodes(api_server, tmp_path, 4):
        world.operator.start()
        for before, count in ((0, 50), (50, 100), (100, COUNT)):
            calls, begun = world.operator.metric(CALLS), time.monotonic()
            text = pipelines(namespaces, range(before, count))
            world.server.must("apply", "--server-side", "--filename", "-", text=text)
            until("all are ready", lambda count=count: told(world, namespaces, "Ready") == count, 300)
            took = time.monotonic() - begun
            made = (world.operator.metric(CALLS) - calls) / (count - before)
            measured(f"{before} → {count} Pipelines: ready after {took:.0f} s, {made:.1f} API calls for each")
            costs.append(idle(world, count))
            measured(str(costs[-1]))
    few, _, many = costs
    assert many.cpu_ms < 1.5 * few.cpu_ms
    assert many.calls <= few.calls
    assert many.memory - few.memory < 1.0 * (many.count - few.count)
    assert world.operator.get("/healthz")[0] == 200
