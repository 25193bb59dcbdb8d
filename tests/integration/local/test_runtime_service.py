"""A service waits for NATS, refuses to go on with a wrong password, drains on SIGTERM, says how it ended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from fixtures.nats_server import NatsServer, free_port, nats_server
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, rclone_s3

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: dummy}
spec:
  sources: [{name: lime, replay: {path: frames}}]
  uploader: {bucket: dummy-bucket}
"""
PROGRAM = """
import asyncio, sys, threading
from cygnet.runtime.service import run_service

async def waits(context):
    context.health.ready()
    await context.values.put("seen", {"by": context.settings.instance})
    print("body runs", flush=True)
    await context.stop.wait()
    print("body drains", flush=True)

async def dies(context):
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait())
        group.create_task(breaks())

async def breaks():
    raise RuntimeError("this loop broke")

async def hangs(context):
    print("body runs", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def blocks(context):
    print("body runs", flush=True)
    await context.stop.wait()
    threading.Event().wait()

sys.exit(run_service("dummy", globals()[sys.argv[1]], sys.argv[2]))
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with rclone_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def nats():
    with nats_server() as server:
        yield server


@pytest.fixture
def start(tmp_path, s3):
    spec = tmp_path / "dummy.yaml"
    spec.write_text(SPEC)
    started = []

    def start_one(body, nats_url, **more):
        env = {
            "NATS_URL": nats_url,
            "AWS_ENDPOINT_URL": s3.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "CYGNET_HTTP": "127.0.0.1:0",
            "CYGNET_HTTP_FILE": str(tmp_path / "http"),
            "CYGNET_INSTANCE": "dummy-0",
            "CYGNET_GRACE_SECONDS": "5",
        }
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, body, str(more.pop("spec", spec))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env | more,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def log_of(stderr):
    return [json.loads(line) for line in stderr.decode().splitlines()]


def ready(tmp_path):
    address = tmp_path / "http"
    answer = urllib3.request("GET", f"http://{address.read_text()}/readyz", retries=False)
    return answer.status == 200, answer.json()["problems"]


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sigterm_drains_and_exits_0(start, nats, s3, tmp_path):
    service = start("waits", nats.url)
    assert service.stdout.readline() == b"body runs\n"
    assert ready(tmp_path) == (True, {})
    assert (s3.folder / "dummy-bucket").is_dir()
    service.send_signal(signal.SIGTERM)
    out, err = service.communicate(timeout=20)
    assert out == b"body drains\n"
    assert service.returncode == 0
    messages = [line["message"] for line in log_of(err)]
    assert messages[-1] == "service ended"
    assert {line["service"] for line in log_of(err)} == {"dummy"}


def test_a_loop_that_dies_ends_the_process_with_a_traceback_and_code_1(start, nats):
    _, err = (service := start("dies", nats.url)).communicate(timeout=20)
    assert service.returncode == 1
    last = log_of(err)[-1]
    assert last["error"] == "RuntimeError: this loop broke"
    assert "in breaks" in last["exception"]


def test_work_that_outlives_the_grace_period_ends_hard(start, nats):
    service = start("hangs", nats.url, CYGNET_GRACE_SECONDS="0.5")
    service.stdout.readline()
    service.send_signal(signal.SIGTERM)
    service.wait(20)
    assert service.returncode == 1


def test_a_blocked_loop_cannot_outlive_the_grace_period_either(start, nats):
    service = start("blocks", nats.url, CYGNET_GRACE_SECONDS="0.5")
    service.stdout.readline()
    service.send_signal(signal.SIGTERM)
    service.wait(20)
    assert service.returncode == 1


def test_a_second_signal_ends_at_once(start, nats):
    service = start("hangs", nats.url, CYGNET_GRACE_SECONDS="600")
    service.stdout.readline()
    service.send_signal(signal.SIGTERM)
    while json.loads(service.stderr.readline())["message"] != "stopping":
        assert service.poll() is None
    service.send_signal(signal.SIGTERM)
    assert service.wait(20) == 1


def test_nats_that_comes_later_is_waited_for_and_nobody_is_unhealthy(start, tmp_path):
    server = NatsServer(tmp_path / "nats")
    service = start("waits", server.url)
    wait_for((tmp_path / "http").exists)
    address = (tmp_path / "http").read_text()
    assert urllib3.request("GET", f"http://{address}/healthz").status == 200
    assert ready(tmp_path)[0] is False
    server.start()
    try:
        assert service.stdout.readline() == b"body runs\n"
        server.kill()
        wait_for(lambda: "nats" in ready(tmp_path)[1])
        assert urllib3.request("GET", f"http://{address}/healthz").status == 200
        server.start()
        wait_for(lambda: ready(tmp_path)[0])
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=20)
        assert service.returncode == 0
    finally:
        server.stop()


def test_stopping_while_nats_is_away_exits_0(start, tmp_path):
    service = start("waits", f"nats://127.0.0.1:{free_port()}")
    wait_for((tmp_path / "http").exists)
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=20)
    assert service.returncode == 0


def test_a_wrong_password_is_one_clear_line_and_code_1(start):
    users = {"authorization": {"users": [{"user": "cygnet", "password": "right"}]}}
    with nats_server(users) as server:
        service = start("waits", server.url, CYGNET_NATS_USER="cygnet", CYGNET_NATS_PASSWORD="wrong")
        _, err = service.communicate(timeout=20)
    assert service.returncode == 1
    last = log_of(err)[-1]
    assert last["message"] == "refused"
    assert "Check user and password" in last["error"]
    assert "wrong" not in err.decode()
    assert "exception" not in last


def test_a_wrong_secret_of_the_bucket_is_one_clear_line_and_code_1(start, nats):
    service = start("waits", nats.url, AWS_SECRET_ACCESS_KEY="wrong-secret")
    _, err = service.communicate(timeout=20)
    assert service.returncode == 1
    last = log_of(err)[-1]
    assert last["message"] == "refused"
    assert "check the secret access key" in last["error"]


def test_a_bucket_that_is_away_does_not_hold_up_the_service(start, nats):
    service = start("waits", nats.url, AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    assert service.stdout.readline() == b"body runs\n"
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=20)
    assert service.returncode == 0


def test_a_bad_spec_names_file_and_field_and_exits_2(start, nats, tmp_path):
    spec = Path(tmp_path / "bad.yaml")
    spec.write_text(SPEC.replace("bucket:", "bukcet:"))
    service = start("waits", nats.url, spec=spec)
    _, err = service.communicate(timeout=20)
    assert service.returncode == 2
    assert "bad.yaml" in err.decode()
    assert "bukcet" in err.decode()


def test_a_missing_variable_exits_2(start, nats):
    service = start("waits", "")
    _, err = service.communicate(timeout=20)
    assert service.returncode == 2
    assert err.decode().startswith("cygnet dummy: NATS_URL")


def test_an_orphan_dies_with_its_supervisor(start, nats):
    service = start("waits", nats.url, CYGNET_PARENT_PID=str(os.getpid() + 1_000_000))
    service.communicate(timeout=20)
    assert service.returncode == -signal.SIGKILL
