"""What a newcomer does first: install, send one frame, apply the examples, and read the ledger."""

import json
import time
from pathlib import Path

import pytest

from cluster.installation import RELEASE, Installation
from cluster.kubectl import until
from cluster.report import Measured
from cluster.stored import check_stored
from cygnet.spec.loader import load

EXAMPLES = Path(__file__).parents[3] / "examples" / "pipelines"
READY_SECONDS = 60
pytestmark = pytest.mark.timeout(900)


def test_one_frame_is_stored_as_it_was_sent(installation: Installation) -> None:
    said = installation.helm.test(RELEASE, installation.home.namespace, "--logs", "--timeout", "5m")
    assert "each as it was sent" in said


@pytest.mark.parametrize(("name", "events"), [("sosc", 5000), ("lime", 200)])
def test_an_example_runs_as_it_is(
    installation: Installation, name: str, events: int, measured: Measured
) -> None:
    file = EXAMPLES / f"{name}.yaml"
    [pipeline] = load(file)
    labels = installation.pipelines.get("namespace", installation.pipelines.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    begun = time.monotonic()
    installation.pipelines.run("apply", "--filename", str(file))
    installation.says(name, "Ready", seconds=READY_SECONDS)
    ready = time.monotonic() - begun
    books = installation.until_complete(name, 400)
    took = time.monotonic() - begun
    [(run, line)] = books.lines.items()
    with installation.bucket(pipeline.spec.uploader.bucket) as bucket:
        seen = check_stored(bucket, pipeline, run, events)
    told = until(
        f"the status of {name} tells {events} stored events",
        lambda: installation.pipeline(name)["status"].get("storedEvents") == events,
        90,
    )
    measured(f"{name}: Ready after {ready:.1f} s, complete after {took:.0f} s; {line.equation()}\n  {seen}")
    measured(installation.pipelines.run("get", "pl", name))
    assert told
    assert (line.announced, line.stored) == (events, events)
    assert json.loads(installation.pipelines.run("get", "pl", name, "--output=json"))["status"]["run"] == run
