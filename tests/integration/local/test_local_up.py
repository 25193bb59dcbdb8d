"""`cygnet up` as a user runs it: real servers, real services, killed and ended in every way."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from fixtures.nats_server import free_port, nats_server
from fixtures.s3_gate import ACCESS_DENIED, Gate, on
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, rclone_s3

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  sources:
    - name: lime
      replay: {{path: {frames}{rate}}}
      mirrorSubjects: [{mirror}]
  preprocessor:
    stages:
      - crop: {{halfWindow: 16}}
      - window: {{min: 80, max: 120}}
  aggregator: {{chunkSize: 10, maxAgeSeconds: 1}}
  uploader: {{bucket: {name}}}
  streams: {{ackWaitSeconds: 5, maxProcessingSeconds: 2}}
  local:
    nats: {{listen: "127.0.0.1:0"}}
    s3: {{listen: "127.0.0.1:0"}}
"""

SIMULATED = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: lime}
spec:
  sources:
    - name: lime
      simulator: {model: cygno, spectrum: school, encoding: jpeg}
  preprocessor:
    stages:
      - crop: {halfWindow: 48}
  aggregator: {chunkSize: 20, maxAgeSeconds: 1}
  uploader: {bucket: lime}
  local:
    nats: {listen: "127.0.0.1:0"}
    s3: {listen: "127.0.0.1:0"}
"""


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    random = np.random.default_rng(1)
    for number in range(4):
        image = random.integers(60, 140, (64, 64), np.uint8)
        Image.fromarray(image).save(folder / f"frame-{number}.png")
    return folder


def write_simulated(folder):
    file = folder / "lime.yaml"
    file.write_text(SIMULATED)
    return file


def write_spec(folder, frames, name="lime", rate_hz=None):
    rate = f", rateHz: {rate_hz}" if rate_hz else ""
    file = folder / f"{name}.yaml"
    file.write_text(SPEC.format(name=name, frames=frames, rate=rate, mirror=f"daq/{name}"))
    return file


class Up:
    """A `cygnet up` under way; its JSON lines are read as they come."""

    def __init__(self, data, *words):
        self.data = data
        self.views = []
        self.last = None
        command = [sys.executable, "-m", "cygnet", "up", *map(str, words), "--data", str(data), "--json"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def until(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        for line in self.process.stdout:
            document = json.loads(line)
            if "pipeline" not in document:
                self.last = document
                break
            self.views.append(document)
            if condition(document):
                return document
            assert time.monotonic() < deadline, f"not seen in {seconds} s; last: {document}"
        raise AssertionError(f"ended: {self.last} {self.process.stderr.read().decode()}")

    def until_stored(self, count, seconds=60):
        return self.until(lambda view: view["counts"]["stored"] >= count, seconds)

    def end(self, seconds=60):
        with self.process:
            lines = [json.loads(line) for line in self.process.stdout]  # `until` has buffered some of it
            err = self.process.stderr.read()
            self.process.wait(seconds)
        self.last = next((line for line in lines if "closes" in line), self.last)
        return self.process.returncode, err.decode()

    def children(self):
        return psutil.Process(self.process.pid).children()

    def child(self, word):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for each in self.children():
                with contextlib.suppress(psutil.Error):  # it has just died
                    if word in " ".join(each.cmdline()):
                        return each
        raise AssertionError(f"no process of {word}")


@pytest.fixture
def start():
    started = []

    def start_one(data, *words):
        started.append(Up(data, *words))
        return started[-1]

    yield start_one
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
        with contextlib.suppress(ValueError):
            up.process.communicate()


def cygnet(data, *words):
    command = [sys.executable, "-m", "cygnet", *map(str, words), "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def answer(data, *words):
    done = cygnet(data, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def gone(processes):
    return not [each for each in psutil.wait_procs(processes, timeout=10)[1] if each.is_running()]


@pytest.fixture(scope="module")
def finished(frames, tmp_path_factory):
    """Data folder and last words of a run of 45 events that has ended, with nothing running."""
    folder = tmp_path_factory.mktemp("finished")
    up = Up(folder / "data", write_spec(folder, frames), "--events", 45)
    code, err = up.end(90)
    assert code == 0, err
    return folder / "data", up.last


def test_a_run_of_n_events_ends_by_itself_and_its_ledger_closes(finished):
    _, last = finished
    assert last["closes"]
    (line,) = last["runs"]["lime"]["ledger"]
    assert line["equation"] == "announced 45 = stored 45 + consumed 0 + dead 0 + in flight 0"


def test_what_a_run_left_can_be_read_without_anything_running(finished):
    data, last = finished
    run = last["runs"]["lime"]["run"]
    assert answer(data, "ledger", run)["closes"]
    assert answer(data, "ledger")["from"] == "bucket"
    chunks = answer(data, "chunks", "ls")
    assert sum(chunk["count"] for chunk in chunks) == 45
    assert {chunk["content_type"] for chunk in chunks} == {"application/x-npz"}
    assert chunks[0]["arrays"]["image"] == {"dtype": "<f4", "shape": [32, 32]}
    assert answer(data, "chunks", "verify", "--full")["findings"] == []
    assert answer(data, "runs", "ls")[0]["closes"]
    assert answer(data, "show", run, 44)["event"] == 44


def test_a_fetched_chunk_is_a_plain_npz(finished, tmp_path):
    data, _ = finished
    key = answer(data, "chunks", "ls")[0]["key"]
    answer(data, "chunks", "get", key, "-o", tmp_path / "chunk.npz")
    with np.load(tmp_path / "chunk.npz", allow_pickle=False) as chunk:
        assert chunk["image"].shape[1:] == (32, 32)


def test_an_event_that_never_was_is_said_to_be_so(finished):
    data, last = finished
    done = cygnet(data, "show", last["runs"]["lime"]["run"], 45)
    assert done.returncode == 1
    assert "never announced" in done.stderr
    assert cygnet(data, "ledger", "no-such-run").returncode == 1


def test_a_chunk_that_is_lost_is_found_by_verify(finished, tmp_path):
    data, _ = finished
    key = answer(data, "chunks", "ls")[-1]["key"]
    lost = data / "s3" / "lime" / key
    body = lost.read_bytes()
    lost.unlink()
    try:
        done = cygnet(data, "chunks", "verify")
        assert done.returncode == 1
        assert "object-lost" in done.stdout
    finally:
        lost.write_bytes(body)


def test_people_can_look_in_change_the_window_and_end_the_run(start, frames, tmp_path):
    up = start(tmp_path / "data", write_spec(tmp_path, frames, rate_hz=20))
    up.until_stored(10)
    data = up.data

    exports = dict(shlex.split(line)[1].split("=", 1) for line in cygnet(data, "env").stdout.splitlines())
    assert exports["CYGNET_BUCKET"] == "lime"
    assert exports["NATS_URL"].startswith("nats://127.0.0.1:")
    assert cygnet(data, "status").returncode == 0
    assert len(answer(data, "status")["services"]) == 4

    watching = subprocess.Popen(
        [sys.executable, "-m", "cygnet", "params", "watch", "--data", str(data), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert json.loads(watching.stdout.readline())["revision"] == 0

    heard = answer(data, "listen", "daq/lime", "--count", 1)
    assert heard["body"]["url"].startswith(exports["AWS_ENDPOINT_URL"])
    silent = cygnet(data, "listen", "daq.lime", "--seconds", 1)
    assert silent.returncode == 1
    assert "did you mean 'daq/lime'?" in silent.stderr

    assert answer(data, "params", "get")["revision"] == 0
    changed = answer(data, "params", "set", "min=70")
    assert changed["window"] == {"min": 70.0, "max": 120.0}
    assert json.loads(watching.stdout.readline()) == changed
    watching.send_signal(signal.SIGINT)
    assert watching.wait(20) == 0
    watching.stdout.close()
    assert answer(data, "params", "suggest-window")["frames"] == 4
    assert answer(data, "scaling", "explain")["lime"][-1]["inputs"]["desired"] >= 1
    for wrong in ("min=three", "min=nan", "min=130", "mid=3"):
        assert cygnet(data, "params", "set", wrong).returncode == 2
    assert answer(data, "params", "get")["revision"] == changed["revision"]

    second = cygnet(data, "up", tmp_path / "lime.yaml")
    assert second.returncode == 1
    assert f"process {up.process.pid}, since" in second.stderr

    assert cygnet(data, "ledger").returncode == 1  # it is open
    answer(data, "runs", "end")
    code, err = up.end()
    assert (code, up.last["closes"]) == (0, True), err
    run = up.last["runs"]["lime"]["run"]
    revisions = {
        answer(data, "show", run, event)["revision"]
        for event in (0, up.last["runs"]["lime"]["ledger"][0]["stored"] - 1)
    }
    assert revisions == {0, changed["revision"]}


def test_every_service_and_server_that_is_killed_comes_back_and_nothing_is_lost(start, frames, tmp_path):
    up = start(tmp_path / "data", write_spec(tmp_path, frames, rate_hz=40))
    up.until_stored(10)
    for number, service in enumerate(("simulator", "preprocessor", "aggregator", "uploader"), start=1):
        up.child(f"service {service}").kill()
        up.until(lambda view, number=number: view["restarts"] >= number)
    up.child("nats-server").kill()
    up.child("rclone").kill()
    stored = up.views[-1]["counts"]["stored"]
    up.until_stored(stored + 80)
    up.process.send_signal(signal.SIGINT)
    code, err = up.end()
    assert (code, up.last["closes"]) == (0, True), err


def test_a_killed_up_leaves_no_process_and_the_next_one_goes_on_with_the_run(start, frames, tmp_path):
    spec = write_spec(tmp_path, frames, rate_hz=40)
    first = start(tmp_path / "data", spec)
    view = first.until_stored(10)
    children = first.children()
    assert len(children) == 6
    first.process.kill()
    assert gone(children)
    assert cygnet(first.data, "env").returncode == 1

    second = start(tmp_path / "data", spec)
    again = second.until(lambda view: view["counts"]["stored"] > 20)
    assert again["run"] == view["run"]
    children = second.children()
    second.process.send_signal(signal.SIGTERM)  # stops, and does not end the run
    code, _ = second.end()
    assert code == 1
    assert gone(children)

    third = start(tmp_path / "data", spec)
    stored = third.until(lambda view: view["counts"]["stored"] > 30)
    assert stored["run"] == view["run"]
    third.process.send_signal(signal.SIGINT)
    code, err = third.end()
    assert (code, third.last["closes"]) == (0, True), err


def test_an_unfinished_run_is_not_split_over_two_buckets_and_can_be_ended_in_its_own(start, frames, tmp_path):
    data, spec = tmp_path / "data", write_spec(tmp_path, frames, rate_hz=40)
    first = start(data, spec)
    run = first.until_stored(10)["run"]
    first.process.send_signal(signal.SIGTERM)
    first.end()
    spec.write_text(spec.read_text().replace("uploader: {bucket: lime}", "uploader: {bucket: other}"))

    code, err = start(data, spec).end()
    assert code == 1
    assert f"run {run} was left unfinished" in err
    assert "uploader.bucket was 'lime' and is 'other'" in err
    old_spec = data.resolve() / "specs" / "lime.yaml"
    assert f"up {old_spec} --events 1 --data {data.resolve()}`" in err

    ending = start(data, old_spec, "--events", 1)
    code, err = ending.end()
    assert (code, ending.last["closes"]) == (0, True), err
    assert ending.last["runs"]["lime"]["run"] == run
    assert answer(data, "chunks", "verify")["findings"] == []

    fresh = start(data, spec, "--events", 5)
    code, err = fresh.end()
    assert (code, fresh.last["closes"]) == (0, True), err
    assert fresh.last["runs"]["lime"]["run"] != run
    assert not (data / "s3" / "other" / "lime" / run).exists()


def test_a_second_ctrl_c_stops_at_once(start, frames, tmp_path):
    up = start(tmp_path / "data", write_spec(tmp_path, frames, rate_hz=5))
    up.until_stored(1)
    children = up.children()
    psutil.Process(up.child("service aggregator").pid).suspend()  # draining can't come to an end
    up.process.send_signal(signal.SIGINT)
    up.until(lambda view: view["phase"].startswith("draining"))
    up.process.send_signal(signal.SIGINT)
    up.child("service aggregator").resume()
    code, _ = up.end()
    assert code == 1
    assert gone(children)


def test_ctrl_c_while_starting_leaves_nothing(start, frames, tmp_path):
    up = start(tmp_path / "data", write_spec(tmp_path, frames))
    deadline = time.monotonic() + 20
    while not (tmp_path / "data" / "logs" / "nats.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    children = up.children()
    up.process.send_signal(signal.SIGINT)
    code, _ = up.end()
    assert code in (0, 1)
    assert gone(children)


def test_a_frame_that_is_no_image_is_a_dead_letter_that_can_be_looked_at(start, frames, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "frame-0.png").write_bytes((frames / "frame-0.png").read_bytes())
    (mixed / "frame-1.png").write_bytes((frames / "frame-1.png").read_bytes()[:200])
    up = start(tmp_path / "data", write_spec(tmp_path, mixed, rate_hz=20))
    view = up.until(lambda view: view["counts"]["dead"] and view["counts"]["stored"])
    told = cygnet(up.data, "show", view["run"], 1)
    assert (told.returncode, "it is dead (" in told.stderr) == (1, True), told.stderr
    letters = answer(up.data, "dead", "ls")
    letter = letters[0]
    assert (letter["detector"], letter["event"] % 2) == ("lime", 1)
    assert letter["reason"]
    assert cygnet(up.data, "dead", "show", letter["letter"]).returncode == 0
    assert cygnet(up.data, "dead", "replay").returncode == 2
    assert answer(up.data, "dead", "replay", letter["letter"])[0]["error"] is None
    answer(up.data, "dead", "drop", "--all")
    assert cygnet(up.data, "dead", "show", letter["letter"]).returncode == 1
    up.process.send_signal(signal.SIGINT)
    code, err = up.end()
    assert (code, up.last["closes"]) == (0, True), err
    assert up.last["runs"]["lime"]["ledger"][0]["dead"] >= 1


def test_two_pipelines_share_the_servers_and_close_their_own_ledgers(start, frames, tmp_path):
    one, other = write_spec(tmp_path, frames, "one"), write_spec(tmp_path, frames, "other")
    up = start(tmp_path / "data", one, other, "--events", 20)
    code, err = up.end(90)
    assert (code, set(up.last["runs"])) == (0, {"one", "other"}), err
    assert answer(up.data, "ledger", "--pipeline", "other")["closes"]
    assert cygnet(up.data, "ledger").returncode == 2
    assert "--pipeline one or other" in cygnet(up.data, "ledger").stderr


def test_a_nats_server_that_refuses_or_is_not_there_is_one_clear_line(frames, tmp_path):
    spec = write_spec(tmp_path, frames)
    users = {"authorization": {"users": [{"user": "cygnet", "password": "right"}]}}
    with nats_server(users) as server:
        url = server.url.replace("nats://", "nats://cygnet:wrong@")
        done = cygnet(tmp_path / "data", "up", spec, "--nats", url)
    assert done.returncode == 1
    assert "Check user and password" in done.stderr
    assert "'" not in done.stderr
    assert "wrong" not in done.stderr
    done = cygnet(tmp_path / "data", "up", spec, "--nats", f"nats://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_bucket_that_denies_is_said_and_all_is_held_until_it_does_not(
    start, frames, tmp_path, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    spec = write_spec(tmp_path, frames, rate_hz=20)
    with rclone_s3(tmp_path / "s3") as s3:
        async with Gate(s3).opened() as gate:
            up = start(tmp_path / "data", spec, "--s3", gate.endpoint)
            before = await asyncio.to_thread(up.until_stored, 10)
            gate.fault = on(ACCESS_DENIED, "PUT")
            view = await asyncio.to_thread(up.until, lambda view: "AccessDenied" in view["trouble"])
            assert "held: S3 http://127.0.0.1" in view["trouble"]
            up.process.send_signal(signal.SIGINT)
            await asyncio.to_thread(up.until, lambda view: view["phase"].startswith("draining"))
            up.process.send_signal(signal.SIGINT)
            code, _ = await asyncio.to_thread(up.end)
            assert code == 1
            assert "AccessDenied" in up.last["runs"]["lime"]["trouble"]

            gate.fault = None
            again = start(tmp_path / "data", spec, "--s3", gate.endpoint)
            view = await asyncio.to_thread(again.until_stored, 20)
            assert view["run"] == before["run"]
            again.process.send_signal(signal.SIGINT)
            code, err = await asyncio.to_thread(again.end)
            assert (code, again.last["closes"]) == (0, True), err


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """Data folder and JSON lines of a run of 20 simulated events whose uploader died at a crash point."""
    folder = tmp_path_factory.mktemp("crashed")
    command = [sys.executable, "-m", "cygnet", "up", str(write_simulated(folder)), "--events", "20"]
    done = subprocess.run(
        [*command, "--data", str(folder / "data"), "--json"],
        env=os.environ | {"CYGNET_CRASH_AT": "uploader.acked"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return folder / "data", [json.loads(line) for line in done.stdout.splitlines()]


def test_a_crash_point_kills_the_first_start_only(crashed):
    _, lines = crashed
    assert lines[-1]["closes"]
    assert lines[-2]["restarts"] == 1


def test_runs_can_be_removed_with_their_objects_but_not_while_they_are_on(start, crashed, frames, tmp_path):
    data, lines = crashed
    run = lines[-1]["runs"]["lime"]["run"]
    up = start(data, write_spec(tmp_path, frames, rate_hz=20))
    now = up.until_stored(1)["run"]
    assert now != run
    assert cygnet(data, "runs", "rm", now, "--yes").returncode == 1
    removed = answer(data, "runs", "rm", run, "--objects", "--yes")
    assert removed["objects"] > 2
    left = (data / "s3" / "lime" / "lime" / run).rglob("*")
    assert not [path for path in left if path.is_file()]  # its truth is gone as well
    assert [row["run"] for row in answer(data, "runs", "ls")] == [now]
    up.child("nats-server").kill()  # a server that was killed brings back what was deleted with its history
    up.until_stored(up.views[-1]["counts"]["stored"] + 20)
    assert [row["run"] for row in answer(data, "runs", "ls")] == [now]
    asked = cygnet(data, "runs", "rm", "nope")
    assert (asked.returncode, "Remove" in asked.stdout) == (1, False), asked.stdout
    up.process.send_signal(signal.SIGINT)
    assert up.end()[0] == 0


def test_ctrl_c_ends_endless_runs_too(start, frames, tmp_path):
    spec = write_spec(tmp_path, frames, rate_hz=40)
    spec.write_text(spec.read_text().replace("spec:\n", "spec:\n  runs: endless\n", 1))
    up = start(tmp_path / "data", spec)
    first = up.until_stored(10)["run"]
    answer(up.data, "runs", "end")
    up.until(lambda view: view["run"] != first and view["counts"]["stored"] >= 10)
    up.process.send_signal(signal.SIGINT)
    code, err = up.end()
    assert (code, up.last["closes"]) == (0, True), err
    assert up.last["runs"]["lime"]["run"] != first
    assert first in [each["run"] for each in up.last["runs"]["lime"]["earlier"]]


def test_a_simulated_run_is_shown_with_its_truth(start, tmp_path):
    up = start(tmp_path / "data", write_simulated(tmp_path), "--events", 40)
    code, err = up.end(120)
    assert (code, up.last["closes"]) == (0, True), err
    data, run = up.data, up.last["runs"]["lime"]["run"]
    shown = answer(data, "show", run, 7, "--out", tmp_path / "event.png")
    assert shown["truth"]["event"] == 7
    assert shown["truth"]["energy_kev"] in (1, 3, 6, 10, 20, 30)
    gallery = answer(data, "show", "--out", tmp_path / "gallery.png")
    assert [each["truth"]["recoil"] for each in gallery["events"]] == ["nuclear"] * 5 + ["electronic"] * 5
    for drawn in (shown["drawn"], gallery["drawn"]):
        with Image.open(drawn) as image:
            assert image.size[0] > 500
    assert f"{shown['truth']['recoil']} recoil, " in cygnet(data, "show", run, 7).stdout
    refused = cygnet(data, "show", run, 7, "--out", tmp_path / "event.xyz")
    assert (refused.returncode, "accepted: .png" in refused.stderr) == (2, True)


def test_an_unfinished_run_ends_at_the_limit_that_the_next_up_gives(start, frames, tmp_path):
    spec = write_spec(tmp_path, frames, rate_hz=40)
    first = start(tmp_path / "data", spec)
    run = first.until_stored(10)["run"]
    first.process.kill()
    first.process.wait()
    second = start(tmp_path / "data", spec, "--events", 150)
    code, err = second.end()
    assert (code, second.last["runs"]["lime"]["run"]) == (0, run), err
    assert second.last["runs"]["lime"]["ledger"][0]["announced"] == 150
    assert "it ends after 150 events" in err


def test_status_fails_for_a_service_that_is_dead_or_hangs(start, frames, tmp_path):
    up = start(tmp_path / "data", write_spec(tmp_path, frames, rate_hz=5))
    up.until_stored(1)
    assert len(answer(up.data, "status")["services"]) == 4
    up.child("service aggregator").suspend()
    done = cygnet(up.data, "status", "--json")
    assert done.returncode == 1
    (bad,) = [each for each in json.loads(done.stdout)["services"] if not each["ready"]]
    assert bad["service"] == "lime-aggregator-0"
    assert "it does not answer" in bad["problem"]
    up.until(lambda view: view["restarts"] == 1, 120)  # nobody but us has resumed it
    up.until_stored(up.views[-1]["counts"]["stored"] + 1)
    up.process.send_signal(signal.SIGINT)
    code, err = up.end()
    assert (code, up.last["closes"]) == (0, True), err
    assert "it was hung (no answer) and is started again" in err


def test_dead_letters_of_an_ended_run_can_be_replayed_and_are_stored(start, frames, tmp_path):
    spec = write_spec(tmp_path, frames)
    good = spec.read_text()
    spec.write_text(good.replace("mirrorSubjects:", "expect: {shape: [9, 9]}\n      mirrorSubjects:"))
    first = start(tmp_path / "data", spec, "--events", 3)
    assert first.end()[0] == 0
    assert first.last["runs"]["lime"]["ledger"][0]["dead"] == 3

    spec.write_text(good)
    second = start(tmp_path / "data", spec, "--no-run")
    second.until(lambda view: view["ready"] >= 1)
    letters = answer(second.data, "dead", "replay", "--all")
    assert [letter["error"] for letter in letters] == [None] * 3
    second.until_stored(3)
    second.process.send_signal(signal.SIGINT)
    code, err = second.end()
    (line,) = second.last["runs"]["lime"]["ledger"]
    assert (code, line["equation"]) == (
        0,
        "announced 3 = stored 3 + consumed 0 + dead 0 + in flight 0",
    ), err
    assert second.last["runs"]["lime"]["run"] == first.last["runs"]["lime"]["run"]
    ledger = answer(second.data, "ledger")
    assert (ledger["from"], ledger["ledger"][0]["stored"]) == ("bucket", 3)


def test_a_reader_that_has_seen_enough_ends_up_without_a_traceback(frames, tmp_path):
    command = [sys.executable, "-m", "cygnet", "up", str(write_spec(tmp_path, frames, rate_hz=20))]
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path / "data"), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in complaints


def test_a_letter_that_can_t_be_written_where_it_should_is_one_clear_line(start, frames, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "0.png").write_bytes(b"no image")
    up = start(tmp_path / "data", write_spec(tmp_path, mixed, rate_hz=5))
    up.until(lambda view: view["counts"]["dead"] >= 1)
    letter = answer(up.data, "dead", "ls")[0]["letter"]
    done = cygnet(up.data, "dead", "show", letter, "-o", tmp_path / "none" / "x")
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert "Traceback" not in done.stderr
