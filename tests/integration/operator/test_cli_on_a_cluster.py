"""Commands with --namespace: what they say of Pipelines on a cluster, and of what keeps them from it."""

import asyncio
import json

import pytest

from cygnet.cli.main import run
from cygnet.model.account import Begin, Commit, End, Stored
from cygnet.transport.account import append
from cygnet.transport.connection import close, connect
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.runs import RUN_KEY, set_run_state
from cygnet.transport.streams import StreamSizes, ensure_streams
from cygnet.transport.values import Values
from fixtures.fake_cluster import fake_cluster
from fixtures.nats_server import nats_server

SIZES = StreamSizes(frames_bytes=1 << 20, results_bytes=1 << 20, chunks_bytes=1 << 20, dead_bytes=1 << 20)
MOMENT = "2026-11-25T10:00:00Z"
STEP = {"time": MOMENT, "from": 1, "to": 4, "reason": "DemandAboveCapacity", "dryRun": False}
HOLD = {"time": "2026-11-25T10:00:15Z", "from": 4, "to": 4, "reason": "WithinTolerance", "dryRun": False}


def condition(kind, status, reason="Because", message="for a reason"):
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 2}


def pipeline(name="lime", namespace="beam", **status):
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": name, "namespace": namespace, "uid": "u", "generation": 2},
        "spec": {
            "sources": [{"name": "cam", "announcements": {"subjects": ["daq/data"]}}],
            "preprocessor": {"stages": [{"window": {"min": 80, "max": 120}}], "scaling": {"mode": "auto"}},
            "uploader": {"bucket": "cygno", "prefix": name},
        },
        "status": status,
    }


def event(name="lime", **more):
    annotation = STEP | {"time": 1795600800.0, "inputs": {"arrival_hz": 50.0, "demand_pods": 3.9, "x": None}}
    return {
        "metadata": {"namespace": "beam", "annotations": {"cygnet.dev/decision": json.dumps(annotation)}},
        "regarding": {"kind": "Pipeline", "name": name},
        "eventTime": "2026-11-25T10:00:00.000000Z",
        "reason": "DemandAboveCapacity",
        "note": "1 → 4: the load needs 3.9 pods",
    } | more


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    with fake_cluster(tmp_path) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        for name in ("NATS_URL", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        cluster.pipelines = [pipeline()]
        yield cluster


@pytest.fixture(scope="module")
def nats():
    with nats_server() as server:
        asyncio.run(fill(server.url))
        yield server


async def fill(url):
    """A run of which everything is stored, and one that is on."""
    nc, names = await connect(url, name="test"), Names("beam", "lime")
    await ensure_streams(nc, names, SIZES, {})
    window, values = PublishWindow(nc), Values(nc, names)
    chunk = {"detector": "cam", "chunk": "0", "attempt": "a", "key": "k", "manifest_key": "m", "size": 1}
    commit = Commit(
        run="r1", epoch=1, content_type="x", sha256="00", events=[(0, 9)], slices=[],
        manifest_size=1, manifest_sha256="00", manifest_slices=[], **chunk,
    )  # fmt: skip
    for record in (
        Begin(run="r1", detectors=["cam"], time_ns=1),
        commit,
        Stored(run="r1", events=[(0, 9)], **chunk),
        End(run="r1", announced={"cam": 10}, time_ns=2),
        Begin(run="r2", detectors=["cam"], time_ns=3),
    ):
        await append(window, names, record)
    await set_run_state(values, "r1", "complete")
    await set_run_state(values, "r2", "running")
    await values.put(RUN_KEY, {"run": "r2", "events": None})
    await values.put("cursor.r2.cam", {"next": 7})
    await window.close()
    await close(nc)


def said(capsys, *words, code=0):
    """Run a command and return what it printed."""
    with pytest.raises(SystemExit) as end:
        run([str(word) for word in words])
    out, err = capsys.readouterr()
    assert (end.value.code or 0) == code, out + err
    return out + err


def test_explain_tells_each_decision_once_with_the_numbers_of_its_event(cluster, capsys):
    step = STEP | {"message": "the load needs 3.9 pods", "inputs": {"arrival_hz": 50.0}}
    cluster.pipelines = [
        pipeline(
            decisions=[step, HOLD | {"message": "the load needs 3.8 pods", "inputs": {}}],
            conditions=[condition("ScalingLimited", "False", "Unlimited", "nothing limits")],
        )
    ]
    cluster.events = [event(), event(name="other"), event(metadata={"namespace": "beam"})]
    text = said(capsys, "scaling", "explain", "lime", "-n", "beam")
    assert "looked at: status and Events of Pipelines in namespace beam of cluster here" in text
    assert text.count("1 → 4") == 1
    assert "2026-11-25 10:00:00Z" in text
    assert "demand_pods" in text, "only the Event has it"
    assert "WithinTolerance" in text
    assert "ScalingLimited False, Unlimited: nothing limits" in text
    document = json.loads(said(capsys, "scaling", "explain", "lime", "-n", "beam", "--json"))
    assert [each["to"] for each in document["lime"]["decisions"]] == [4, 4]


def test_explain_looks_at_the_cluster_when_no_up_ever_ran_here_and_says_so(cluster, capsys):
    text = said(capsys, "scaling", "explain")
    assert "in namespace beam of cluster here" in text
    assert "no decision about scaling yet" in text


def test_explain_without_up_and_cluster_says_what_was_looked_at(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert "cygnet-data holds no decision about scaling" in said(capsys, "scaling", "explain", code=1)


def test_status_says_what_is_not_well_and_why(cluster, capsys):
    well = [condition("Ready", "True"), condition("Stalled", "False")]
    ill = [condition("Ready", "False", "Stalled"), condition("Stalled", "True", "NothingFinished", "5 wait")]
    numbers = {"rateHz": 12.5, "backlog": 3, "run": "r2", "desiredReplicas": 2, "readyReplicas": 1}
    cluster.pipelines = [pipeline(conditions=well, **numbers)]
    text = said(capsys, "status", "-n", "beam")
    assert "lime: ready; 1 of 2 workers ready, run r2; 12.5 frames/s, 3 frames wait" in text
    assert "Stalled" not in text
    cluster.pipelines += [pipeline("ill", conditions=ill), pipeline("new")]
    text = said(capsys, "status", "-n", "beam", code=1)
    assert "Stalled True, NothingFinished: 5 wait" in text
    assert "new: no operator has looked at it yet" in text
    assert "ill" not in said(capsys, "status", "-n", "beam", "-p", "lime")
    stale = condition("Ready", "True") | {"observedGeneration": 1}
    cluster.pipelines = [pipeline(conditions=[stale])]
    assert "not ready" in said(capsys, "status", "-n", "beam", code=1)


def test_ledger_runs_params_and_dead_letters_are_read_on_the_clusters_nats(
    cluster, capsys, nats, monkeypatch
):
    monkeypatch.setenv("NATS_URL", nats.url)
    text = said(capsys, "ledger", "r1", "-n", "beam", "-p", "lime")
    assert "announced 10 = stored 10 + consumed 0 + dead 0 + in flight 0" in text
    assert "the ledger closes" in text
    assert "in flight 7" in said(capsys, "ledger", "--context", "here", code=1)
    rows = json.loads(said(capsys, "runs", "ls", "-n", "beam", "--json"))
    assert [(row["run"], row["state"], row["announced"]) for row in rows] == [
        ("r1", "complete", 10),
        ("r2", "running", 7),
    ]
    assert "120" in said(capsys, "params", "get", "-n", "beam")
    said(capsys, "params", "set", "max=130", "-n", "beam")
    assert json.loads(said(capsys, "params", "get", "-n", "beam", "--json"))["window"]["max"] == 130
    assert "no dead letters" in said(capsys, "dead", "ls", "-n", "beam")
    assert "r2 was asked to end" in said(capsys, "runs", "end", "-n", "beam")
    text = said(capsys, "runs", "rm", "r1", "--yes", "-n", "beam", code=1)
    assert "set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-n", "empty"], "there is no Pipeline in namespace empty of cluster here"),
        (["-n", "beam", "-p", "nim"], "no Pipeline 'nim' in namespace beam of cluster here; accepted: lime"),
        (["--context", "no"], "--context no: accepted: here, other"),
        (["-n", "beam"], "kubectl -n NAMESPACE-OF-THE-OPERATOR port-forward"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_said_with_what_helps(cluster, capsys, words, expected):
    assert expected in said(capsys, "params", "get", *words, code=1)


def test_a_nats_that_is_not_reached_from_here_is_said_to_need_a_way(cluster, capsys, monkeypatch):
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:1")
    text = said(capsys, "ledger", "-n", "beam", code=1)
    assert "cannot be reached" in text
    assert "port-forward" in text
    monkeypatch.setenv("NATS_URL", "http://here")
    assert "NATS_URL: accepted: nats://" in said(capsys, "ledger", "-n", "beam", code=1)


def test_several_pipelines_must_be_told_apart(cluster, capsys):
    cluster.pipelines += [pipeline("other")]
    assert "say which: --pipeline lime, other" in said(capsys, "params", "get", "-n", "beam", code=1)


def test_a_refusal_of_the_api_server_is_passed_on(cluster, capsys):
    cluster.refusal = (403, 'pipelines.cygnet.dev is forbidden: User "eve"')
    assert 'User "eve"' in said(capsys, "status", "-n", "beam", code=1)
    cluster.refusal = (404, "404 page not found")
    assert "install the chart, with its CRD" in said(capsys, "status", "-n", "beam", code=1)


def test_without_a_kubeconfig_or_an_answer_it_is_said_what_to_set(cluster, capsys, monkeypatch, tmp_path):
    text = cluster.kubeconfig.read_text()
    dead = tmp_path / "dead"
    dead.write_text(text.replace("http://127.0.0.1:", "http://127.0.0.1:1#"))
    monkeypatch.setenv("KUBECONFIG", str(dead))
    assert "does not answer" in said(capsys, "status", "-n", "beam", code=1)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert "set KUBECONFIG" in said(capsys, "status", "-n", "beam", code=1)
