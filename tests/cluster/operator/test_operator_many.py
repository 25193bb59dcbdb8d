"""What 200 Pipelines cost an operator that sees all namespaces: it prints its figures."""

import json
import time
from collections.abc import Callable

from cluster.api_server import ApiServer
from cluster.operator.operator_process import OperatorProcess, a_pipeline, until
from cluster.operator.world import World

COUNT, NAMESPACES = 200, 4
SMALL = {"framesBytes": 1 << 20, "resultsBytes": 1 << 20, "chunksBytes": 1 << 20, "deadBytes": 1 << 20}
IDLE_SECONDS = 60.0


def measured(operator: OperatorProcess, name: str) -> float:
    """Return the sum of a metric."""
    lines = operator.get("/metrics")[1].splitlines()
    return sum(float(each.rsplit(" ", 1)[1]) for each in lines if each.split("{")[0].split(" ")[0] == name)


def accepted(world: World, namespaces: list[str]) -> int:
    found = [each for namespace in namespaces
             for each in world.server.get("pipelines", "--namespace", namespace)["items"]]  # fmt: skip
    told = [each.get("status", {}).get("conditions", []) for each in found]
    well = {("Accepted", "True"), ("StreamsReady", "True")}
    return sum(well <= {(each["type"], each["status"]) for each in conditions} for conditions in told)


def test_two_hundred_pipelines(api_server: ApiServer, make_world: Callable[..., World]) -> None:
    namespaces = [api_server.namespace() for _ in range(NAMESPACES)]
    world = make_world(api_server, namespaces[0], everywhere=True)
    text = "\n---\n".join(
        json.dumps(
            a_pipeline(f"p{place}", namespaces[place % NAMESPACES], streams=SMALL,
                       aggregator={"maxBytes": 1 << 16}, uploader={"prefix": f"{namespaces[0]}/p{place}"})
        )
        for place in range(COUNT)
    )  # fmt: skip
    world.server.must("apply", "--server-side", "--filename", "-", text=text)
    begun = time.monotonic()
    world.operator.start()
    until("all are accepted", lambda: accepted(world, namespaces) == COUNT, 300)
    print(f"\n{COUNT} Pipelines were accepted and had streams after {time.monotonic() - begun:.0f} s")
    time.sleep(40)  # their first numbers are written
    seconds, calls = (measured(world.operator, name) for name in
                      ("process_cpu_seconds_total", "cygnet_operator_api_requests_total"))  # fmt: skip
    writes = sum(world.operator.requests("apply").values())
    time.sleep(IDLE_SECONDS)
    cpu = (measured(world.operator, "process_cpu_seconds_total") - seconds) / IDLE_SECONDS
    calls = measured(world.operator, "cygnet_operator_api_requests_total") - calls
    memory = measured(world.operator, "process_resident_memory_bytes") / (1 << 20)
    print(
        f"idle: {1000 * cpu / COUNT:.2f} ms of CPU a second for each, {calls / COUNT / IDLE_SECONDS * 60:.3f}"
        f" API calls a minute for each, {memory:.0f} MiB in all"
    )
    assert sum(world.operator.requests("apply").values()) == writes, "an idle Pipeline costs no writes"
    assert world.operator.get("/healthz")[0] == 200
