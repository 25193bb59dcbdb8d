"""Pause, resume and drain with real services, at random moments: nothing is lost, nothing is twice."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api_server import ApiServer
from cluster.kubectl import until
from cluster.operator.host_pods import HostPods
from cluster.operator.operator_process import a_pipeline
from cluster.operator.world import World
from cluster.report import Measured
from cygnet.model.ledger import fold, ledger, total
from cygnet.transport.account import read_account
from cygnet.transport.connection import close, connect
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, RUN_KEY, run_state
from cygnet.transport.streams import stream_state
from cygnet.transport.values import Values
from fixtures.s3_server import RcloneS3, rclone_s3

TIMES = int(os.environ.get("CYGNET_LIFECYCLE_TIMES", "4"))
"""Pauses and drains in a row."""


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneS3]:
    with rclone_s3(tmp_path_factory.mktemp("s3") / "buckets") as server:
        yield server


@pytest.fixture
def running(
    api_server: ApiServer, namespace: str, make_world: Callable[..., World], s3: RcloneS3, tmp_path: Path
) -> Iterator[World]:
    """An operator whose Deployments run."""
    world = make_world(api_server, namespace)
    world.operator.start()
    with HostPods(api_server, namespace, tmp_path / "pods") as pods:
        yield world
        assert pods.error is None


def beam(namespace: str, s3: RcloneS3, **spec: Any) -> dict[str, Any]:
    """Return a Pipeline of endless small frames."""
    more: dict[str, Any] = {
        "sources": [{"name": "cam", "simulator": {"model": "cygno", "rateHz": 20}}],
        "runs": "endless",
        "preprocessor": {"stages": [{"crop": {"halfWindow": 32}}], "scaling": {"maxReplicas": 2}},
        "aggregator": {"chunkSize": 50, "maxAgeSeconds": 3},
        "uploader": {"bucket": "lifecycle", "prefix": namespace},
        "storage": {"endpoint": s3.endpoint},
    }
    return a_pipeline("lime", namespace, **(more | spec))


def books(url: str, namespace: str) -> tuple[dict[str, Any], str, dict[str, int]]:
    """Return the ledger of each run, the state of the present run, and what waits in the streams."""

    async def read() -> tuple[dict[str, Any], str, dict[str, int]]:
        nc = await connect(url, name="test")
        try:
            names = Names(namespace, "lime")
            values = Values(nc, names)
            runs = [key.removeprefix(RUN) for key in await values.keys(RUN)]
            found = {}
            for run in runs:
                account = fold(run, (record for _, record in await read_account(nc, names, run)))
                found[run] = total(ledger(account), run)
            asked = await values.get(RUN_KEY)
            state = await run_state(values, asked.data["run"]) if asked else None
            streams = {name: getattr(names, name) for name in ("frames", "results", "chunks", "notices")}
            waiting = {name: (await stream_state(nc, stream)).messages for name, stream in streams.items()}
            return found, state or "", waiting
        finally:
            await close(nc)

    return asyncio.run(read())


def wants(world: World, namespace: str, lifecycle: str, s3: RcloneS3) -> None:
    world.apply(beam(namespace, s3, lifecycle=lifecycle))


def replicas(world: World, namespace: str) -> dict[str, int]:
    found = world.server.get("deployments", "--namespace", namespace)["items"]
    return {each["metadata"]["name"].removeprefix("lime-"): each["spec"]["replicas"] for each in found}


def test_pauses_and_drains_at_random_moments_lose_nothing(
    running: World, namespace: str, s3: RcloneS3, measured: Measured
) -> None:
    world, dice = running, random.Random(7)
    s3.bucket_folder("lifecycle")
    wants(world, namespace, "Running", s3)
    world.says(namespace, "lime", "Ready", "True", 120)
    for _ in range(TIMES):
        time.sleep(dice.uniform(0.0, 6.0))
        wants(world, namespace, "Paused", s3)
        world.says(namespace, "lime", "Paused", "True", 90)
        _, _, waiting = books(world.nats.url, namespace)
        assert set(waiting.values()) == {0}
        assert replicas(world, namespace)["source"] == 0
        assert replicas(world, namespace)["aggregator"] == 1
        wants(world, namespace, "Running", s3)
        if dice.random() < 0.5:
            world.says(namespace, "lime", "Paused", "False", 30)
            world.says(namespace, "lime", "Ready", "True", 90)
        time.sleep(dice.uniform(0.0, 6.0))
        wants(world, namespace, "Drained", s3)
        world.says(namespace, "lime", "Drained", "True", 120)
        found, state, waiting = books(world.nats.url, namespace)
        assert set(waiting.values()) == {0}
        assert state in ("complete", "")
        for run, line in found.items():
            assert line.closes, f"{run}: {line.equation()}"
        assert set(replicas(world, namespace).values()) == {0}
        wants(world, namespace, "Running", s3)
        world.says(namespace, "lime", "Ready", "True", 120)
    found, _, _ = books(world.nats.url, namespace)
    stored = sum(each.stored for each in found.values())
    measured(f"{TIMES} pauses and drains: {len(found)} runs, {stored} events stored")
    assert len(found) >= TIMES
    assert stored > 0


def test_a_drain_without_nats_goes_on_when_it_is_back(running: World, namespace: str, s3: RcloneS3) -> None:
    world = running
    s3.bucket_folder("lifecycle")
    wants(world, namespace, "Running", s3)
    world.says(namespace, "lime", "Ready", "True", 120)
    world.nats.kill()
    wants(world, namespace, "Drained", s3)
    world.says(namespace, "lime", "Draining", "True", 60)
    assert replicas(world, namespace)["aggregator"] == 1
    world.nats.start()
    world.says(namespace, "lime", "Drained", "True", 180)
    world.nats.kill()
    world.operator.stop()
    world.operator.start()
    until("it has visited it twice", lambda: world.operator.visits() >= 2, 60)
    assert set(replicas(world, namespace).values()) == {0}, "what rests does not wake up without news"
    world.nats.start()
    found, _, _ = books(world.nats.url, namespace)
    assert all(line.closes for line in found.values())
