"""Pause, resume and drain at random moments: nothing is lost, and `Drained` means that nothing waits."""

import json
import random
import time

import pytest

from cluster.installation import Installation
from cluster.report import Measured
from cluster.stored import check_stored
from cluster.streams import stream
from cygnet.spec.loader import loads

pytestmark = pytest.mark.timeout(7200)
NAME = "tides"


def replicas(installation: Installation) -> dict[str, int]:
    found = installation.pipelines.items("deployments", f"--selector=app.kubernetes.io/instance={NAME}")
    return {each["metadata"]["name"].removeprefix(f"{NAME}-"): each["spec"]["replicas"] for each in found}


def test_pauses_and_drains_at_random_moments_lose_nothing(
    installation: Installation, pytestconfig: pytest.Config, measured: Measured
) -> None:
    times, dice = 20 if pytestconfig.getoption("full") else 2, random.Random(11)
    document = stream(NAME, None, bucket="tides", runs="endless")
    installation.apply(document)
    installation.says(NAME, "Ready", seconds=120)
    for _ in range(times):
        time.sleep(dice.uniform(0.0, 8.0))
        installation.wants(NAME, "Paused")
        installation.says(NAME, "Paused", seconds=120)
        assert set(installation.books(NAME).waiting.values()) == {0}
        assert replicas(installation)["source"] == 0
        assert replicas(installation)["aggregator"] == 1
        installation.wants(NAME, "Running")
        if dice.random() < 0.5:
            installation.says(NAME, "Ready", seconds=120)
        time.sleep(dice.uniform(0.0, 8.0))
        installation.wants(NAME, "Drained")
        installation.says(NAME, "Drained", seconds=180)
        books = installation.books(NAME)
        assert set(books.waiting.values()) == {0}
        assert books.is_complete
        assert not [line.equation() for line in books.lines.values() if not line.closes]
        assert set(replicas(installation).values()) == {0}
        installation.wants(NAME, "Running")
        installation.says(NAME, "Ready", seconds=120)
    installation.wants(NAME, "Drained")
    installation.says(NAME, "Drained", seconds=180)
    books = installation.books(NAME)
    assert len(books.lines) >= times
    [pipeline] = loads(json.dumps(document))
    with installation.bucket("tides") as bucket:
        for run, line in books.lines.items():
            assert line.closes, line.equation()
            assert line.dead == 0
            if line.announced:
                check_stored(bucket, pipeline, run, line.announced)
    told = f"{len(books.lines)} runs, {books.stored} events stored once"
    measured(f"{times} pauses, resumes and drains: {told}")
