"""Workers come and go with the load as the simulator predicts, and only then; what holds them says so."""

import json
import math
import time
from collections.abc import Iterator

import pytest

from cluster.fleet import (
    annotate,
    asked,
    changes,
    decisions,
    first_frame,
    frames,
    holding,
    says_why,
    slow,
    woken,
    workers,
)
from cluster.installation import RELEASE, Installation
from cluster.kubectl import until
from cluster.loads import (
    DETECTOR,
    MAX_PODS,
    Load,
    announcement,
    check_stored,
    figures,
    is_listening,
    measure,
)
from cluster.replicas import followed
from cluster.report import Measured
from cluster.scaling_figure import draw, keep, kept
from cluster.streams import RATE
from cygnet.cli.main import run
from cygnet.scaling.limits import COOLDOWN_SECONDS, DOWN_FRACTION, UP_FACTOR, UP_PERIOD_SECONDS, UP_PODS
from cygnet.spec.pods import amount
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.runs import request_next_run
from cygnet.transport.values import Values

pytestmark = pytest.mark.timeout(1500)
TIMES, TIMES_IN_SHORT = 10, 40
"""How many times as fast an hour of a load goes by: in six minutes, in 90 s."""
FULL = pytest.mark.full


@pytest.fixture
def cleared(installation: Installation) -> Iterator[None]:
    """Let the Pipelines of a test go with it."""
    yield
    installation.pipelines.run("delete", "pipelines", "--all", "--wait=true", seconds=180)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("constant", marks=FULL),
        "step",
        pytest.param("beam", marks=FULL),
        pytest.param("noisy", marks=FULL),
    ],
)
def test_a_load_is_followed_as_the_simulator_predicts(
    installation: Installation, cleared: None, name: str, pytestconfig: pytest.Config, measured: Measured
) -> None:
    is_full = pytestconfig.getoption("full")
    load = Load(name, TIMES if is_full else TIMES_IN_SHORT)
    frame = announcement(installation)
    installation.apply(load.pipeline())
    installation.says(name, "Ready", seconds=120)
    until("the source listens", lambda: is_listening(installation, name), 60, every=1.0)
    with followed(installation.pipelines, f"{name}-preprocessor") as replicas:
        lived = measure(installation, load, frame, replicas)
    told = installation.pipeline(name)["status"]
    books = installation.until_complete(name, 600)
    [(run_id, line)] = books.lines.items()
    seen = check_stored(installation, load, run_id)
    predicted = load.predicted()
    measured(f"{load.trace.title}, {load.times} times as fast: {len(lived.seconds)} s")
    measured(f"  measured   {figures(lived)}\n  predicted  {figures(predicted)}")
    measured(f"  steps: {replicas.steps}; predicted: {[step[1:] for step in predicted.steps]}")
    measured(f"  {line.equation()}; {seen}")
    measured(f"  events/s of a busy pod: {told['lastDecision']['inputs'].get('mu_hz')}")
    if is_full:
        keep(load, lived)
        draw(kept())
    assert (line.announced, line.stored, line.dead) == (load.events, load.events, 0)
    assert len(replicas.steps) > 0
    for before, after in replicas.steps:
        assert 1 <= after <= MAX_PODS
        assert after <= max(UP_FACTOR * before, before + UP_PODS)
        assert after >= before - max(1, math.floor(DOWN_FRACTION * before))
    assert lived.reversals <= predicted.reversals + 4


def test_a_run_that_begins_gets_its_first_worker(
    installation: Installation, cleared: None, measured: Measured
) -> None:
    installation.apply(slow("sleeper", 100, 0.05, {"minReplicas": 0}, lifecycle="Paused"))
    installation.says("sleeper", "Paused", seconds=90)
    with followed(installation.pipelines, "sleeper-preprocessor") as replicas:
        assert replicas.asked == 0
        installation.wants("sleeper", "Running")
        came = first_frame(installation, "sleeper")
        measured(f"from zero, after the first frame: {woken(replicas, came)}")
    assert "WakeUp" in [each["reason"] for each in decisions(installation, "sleeper")]
    assert installation.until_complete("sleeper", 120).stored == 100


@FULL
def test_the_last_worker_goes_only_when_nothing_is_left_to_do(
    installation: Installation, cleared: None, measured: Measured
) -> None:
    """Beside one that has nothing to do: a run without frames, and a frame without a run that is on."""
    scaling = {"minReplicas": 0, "maxReplicas": 2}
    silent = [{"name": DETECTOR, "announcements": {"subjects": ["loads/silence"]}}]
    busy = COOLDOWN_SECONDS + 240
    installation.apply(
        slow("idle", 20, 0.05, scaling),
        slow("silent", None, 0.05, scaling, sources=silent),
        slow("busy", 1, busy, scaling, streams={"ackWaitSeconds": 60}),
    )
    installation.says("idle", "Ready", seconds=120)
    installation.until_complete("idle", 180)
    begun = time.monotonic()
    until("each has a worker", lambda: {asked(installation, each) for each in ("silent", "busy")} == {1}, 90)
    until(
        "the idle one has none", lambda: asked(installation, "idle") == 0, COOLDOWN_SECONDS + 120, every=2.0
    )
    took = time.monotonic() - begun
    time.sleep(20)  # the others have been as quiet for as long
    assert {each: asked(installation, each) for each in ("silent", "busy")} == {"silent": 1, "busy": 1}
    assert installation.books("busy").waiting["frames"] == 1
    assert set(installation.books("busy").states.values()) == {"ended"}
    assert set(installation.books("silent").states.values()) == {"running"}
    assert decisions(installation, "idle")[-1]["reason"] in ("Idle", "Asleep")
    measured(f"to zero {took:.0f} s after the run was stored; a run without frames keeps its worker,")
    measured("and so does a frame whose run has ended")
    before = frames(installation, "idle").last_seq
    with followed(installation.pipelines, "idle-preprocessor") as replicas:
        begin_next(installation, "idle")
        came = first_frame(installation, "idle", before)
        measured(f"from zero, after the first frame of the next run: {woken(replicas, came)}")
    until("both runs are stored", lambda: installation.books("idle").stored == 40, 120, every=2.0)


def begin_next(installation: Installation, name: str) -> None:
    """Ask for the run that follows the only one."""
    [run_id] = installation.books(name).lines

    async def ask(nc: Client) -> None:
        await request_next_run(Values(nc, Names(installation.pipelines.namespace, name)), run_id)

    installation.ask(ask)


def test_pods_that_no_node_takes_stop_growth_and_are_told_of(
    installation: Installation, cleared: None, measured: Measured
) -> None:
    nodes = installation.cluster.kubectl.items("nodes")
    least = min(amount(node["status"]["allocatable"]["cpu"]) for node in nodes)
    large = {"resources": {"requests": {"cpu": f"{int(400 * least)}m", "memory": "96Mi"}}}
    document = slow("crowd", None, 0.25, {"maxReplicas": MAX_PODS})
    document["spec"]["pods"]["preprocessor"] = large
    installation.apply(document)
    said = says_why(installation, "crowd", "Unschedulable", 180)
    with followed(installation.pipelines, "crowd-preprocessor") as replicas:
        time.sleep(2 * UP_PERIOD_SECONDS)  # the load would have it grow in each of them
        assert not replicas.steps
        count, ready = replicas.asked, replicas.ready
    pending = [
        pod for pod in installation.pods("crowd", "preprocessor") if pod["status"]["phase"] == "Pending"
    ]
    assert pending
    assert ready + len(pending) == count
    says_why(installation, "crowd", "Unschedulable")
    measured(f"{said}: held at {count} workers, {ready} ready, for {2 * UP_PERIOD_SECONDS:.0f} s")


@FULL
def test_a_dry_run_decides_and_an_annotation_holds_one_direction(
    installation: Installation, cleared: None, measured: Measured
) -> None:
    scaling = {"maxReplicas": 4, "scaleDownWindowSeconds": 10}
    trial = slow("trial", None, 0.25, {**scaling, "dryRun": True})
    trial["spec"]["sources"][0]["simulator"]["rateHz"] = RATE / 3
    held = slow("held", 60 * RATE, 0.1, scaling)
    held["metadata"]["annotations"] = {"cygnet.dev/pause-scale-out": "true"}
    installation.apply(trial, held)
    measured(f"scale-out paused: {says_why(installation, 'held', 'ScaleOutPaused', 150)}")
    would = until("the dry run decides", lambda: changes(installation, "trial"), 120)
    assert {each["dryRun"] for each in would} == {True}
    assert (asked(installation, "held"), asked(installation, "trial")) == (1, 1)
    measured(
        f"dry run: {[(each['from'], each['to'], each['reason']) for each in would]}, 1 worker all the while"
    )
    installation.pipelines.delete("pipeline", "trial")

    annotate(installation, "held", "cygnet.dev/pause-scale-out-", "cygnet.dev/pause-scale-in=true")
    until("it grows", lambda: asked(installation, "held") > 1, 60)
    installation.until_complete("held", 300)
    hold = until("the hold is told", lambda: holding(installation, "held", "ScaleInPaused"), 180, every=1.0)
    count = asked(installation, "held")
    assert count > 1
    annotate(installation, "held", "cygnet.dev/pause-scale-in-")
    until("it shrinks", lambda: asked(installation, "held") < count, 90)
    measured(
        f"scale-in paused at {count} workers: {hold['message']}; {asked(installation, 'held')} without it"
    )


@FULL
def test_a_persons_wish_holds_for_one_cooldown_and_over_a_restart(
    installation: Installation,
    cleared: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
) -> None:
    name, wish = "wished", 4
    installation.apply(
        slow(name, None, 0.01, {"maxReplicas": 6, "scaleDownWindowSeconds": 10}, runs="endless")
    )
    installation.says(name, "Ready", seconds=120)
    installation.says(name, "MetricsAvailable", seconds=60)
    installation.pipelines.run("scale", "pl", name, f"--replicas={wish}")
    begun = time.monotonic()
    until(
        "as many are ready", lambda: workers(installation, name)["status"].get("readyReplicas") == wish, 120
    )
    before = workers(installation, name)["metadata"]["generation"]
    pods = {pod["metadata"]["uid"] for pod in installation.pods(name, "preprocessor")}

    installation.home.run("rollout", "restart", f"deployment/{RELEASE}-operator")
    installation.home.run(
        "rollout", "status", f"deployment/{RELEASE}-operator", "--timeout=120s", seconds=130
    )
    with followed(installation.pipelines, f"{name}-preprocessor") as replicas:
        time.sleep(max(0.0, begun + COOLDOWN_SECONDS - 20 - time.monotonic()))
        assert not replicas.steps
        assert workers(installation, name)["metadata"]["generation"] == before
        assert {pod["metadata"]["uid"] for pod in installation.pods(name, "preprocessor")} == pods
        until("the cooldown is over", lambda: replicas.asked < wish, 120)
        held = time.monotonic() - begun
    monkeypatch.setenv("KUBECONFIG", str(installation.pipelines.kubeconfig))
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(["scaling", "explain", name, "--namespace", installation.pipelines.namespace])
    told = capsys.readouterr().out
    measured(f"{wish} workers by hand, the same pods over a restart, and for {held:.0f} s\n{told}")
    assert f"→ {wish}" in told
    assert "ManualScale" in told
    assert "arrival_hz" in told
    assert json.loads(told_as_json(installation, name, capsys))[name]["decisions"]


def told_as_json(installation: Installation, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        run(["scaling", "explain", name, "--namespace", installation.pipelines.namespace, "--json"])
    return capsys.readouterr().out
