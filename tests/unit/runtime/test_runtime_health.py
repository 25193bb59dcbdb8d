"""Probes tell a hung loop from an outage, and metrics carry their names and units."""

import re

import aiohttp
import pytest

from cygnet.runtime import metrics
from cygnet.runtime.health import Health, HealthServer, Wait


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_loop_that_makes_no_turn_is_stuck_until_it_turns_again():
    clock = Clock()
    health = Health(clock)
    beat = health.loop("pull", within_seconds=5)
    clock.now = 4.9
    assert health.stuck() == {}
    clock.now = 5.1
    assert "pull" in health.stuck()
    beat()
    assert health.stuck() == {}


def test_a_loop_that_ended_as_it_should_is_not_missed():
    clock = Clock()
    health = Health(clock)
    health.loop("run", within_seconds=1)
    health.loop_ended("run")
    clock.now = 100
    assert health.stuck() == {}


async def test_what_is_held_for_long_is_said_until_the_last_one_goes_on():
    clock = Clock()
    health = Health(clock)
    health.ready()
    beat = health.loop("pull", within_seconds=5)
    with Wait(health) as first:
        first.holds("s3-denied", "denied with 403")
        assert await health.unready() == {}  # it may be over before anybody could look
        clock.now = 10
        with Wait(health) as second:
            second.holds("s3-denied", "denied with 403")
        assert await health.unready() == {"s3-denied": "denied with 403"}
        assert beat.age_seconds == 0  # who waits is not dead
        first.holds("s3", "answers 503")
        assert await health.unready() == {}
    clock.now = 20
    assert await health.unready() == {}


async def test_nats_down_makes_a_service_unready_but_not_unhealthy(tmp_path):
    health = Health()
    health.loop("pull", within_seconds=60)
    health.ready()

    async def rtt():
        raise ConnectionError("nats is away")

    health.check("nats", rtt)
    announced = tmp_path / "http"
    async with HealthServer(health, "127.0.0.1", 0, announced) as server, aiohttp.ClientSession() as http:
        assert announced.read_text() == server.address
        async with http.get(f"http://{server.address}/healthz") as answer:
            assert answer.status == 200
        async with http.get(f"http://{server.address}/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["problems"] == {"nats": "ConnectionError: nats is away"}
        async with http.get(f"http://{server.address}/metrics") as answer:
            text = await answer.text()
    assert 'cygnet_loop_beat_age_seconds{loop="pull"}' in text


async def test_service_is_not_ready_before_it_says_so():
    health = Health()
    assert await health.unready() == {"service": "starting"}
    health.ready()
    health.not_ready("lease", "held by another aggregator")
    assert await health.unready() == {"lease": "held by another aggregator"}


async def test_a_taken_port_is_named():
    async with HealthServer(Health(), "127.0.0.1", 0) as first:
        port = int(first.address.rpartition(":")[2])
        with pytest.raises(OSError, match=f"CYGNET_HTTP: 127.0.0.1:{port} can't be listened on"):
            await HealthServer(Health(), "127.0.0.1", port).__aenter__()


def test_every_metric_is_cygnet_s_and_says_what_it_means():
    for family in metrics.REGISTRY.collect():
        if family.name.startswith(("process_", "python_")):
            continue
        assert re.fullmatch(r"cygnet_[a-z0-9_]+", family.name)
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_frames", "_bytes"))
