"""How a service begins and ends as a process: exit codes, one clear line, probes, nothing left held."""

import asyncio

import numpy as np
import pytest

from cygnet.model.frame import ANNOUNCEMENT
from cygnet.transport.runs import RUN_KEY
from cygnet.transport.streams import stream_state
from fixtures.nats_server import nats_server
from fixtures.rig import environment, frame, open_rig, write_spec
from fixtures.s3_server import rclone_s3
from fixtures.service_process import ServiceProcess

SERVICES = ("simulator", "preprocessor", "aggregator", "uploader")
DOWNSTREAM = SERVICES[1:]
USERS = {"authorization": {"users": [{"user": "cygnet", "password": "right"}]}}


@pytest.fixture
def run(nats, s3, tmp_path):
    """Starts services with the shared servers; `changes` to their environment."""
    started = []

    def start(name, spec, server=nats, grace=10, **changes):
        process = ServiceProcess(name, spec, {**environment(server, s3), **changes}, tmp_path, grace)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        np.save(folder / f"{number}.npy", np.full((40, 50), number, "u1"))


@pytest.mark.parametrize("name", SERVICES)
async def test_a_wrong_nats_password_is_one_line_and_code_1(run, tmp_path, frames, name):
    with nats_server(USERS) as server:
        spec = write_spec(tmp_path, {}, "refused")
        service = run(name, spec, server, CYGNET_NATS_USER="cygnet", CYGNET_NATS_PASSWORD="not-it")
        assert await asyncio.to_thread(service.wait) == 1
    last = service.lines[-1]
    assert (last["level"], last["message"]) == ("error", "refused")
    assert "user and password" in last["error"]
    assert "exception" not in last
    assert "not-it" not in service.text


async def test_a_wrong_secret_of_the_bucket_is_one_line_and_code_1(run, tmp_path):
    service = run("uploader", write_spec(tmp_path, {}, "secret"), AWS_SECRET_ACCESS_KEY="wrong")
    assert await asyncio.to_thread(service.wait) == 1
    assert "secret access key" in service.lines[-1]["error"]
    assert "exception" not in service.lines[-1]


async def test_a_nats_server_without_room_for_the_streams_is_one_line_and_code_1(run, tmp_path):
    with nats_server() as probe:
        settings = {"jetstream": {"store_dir": str(probe.folder / "small"), "max_file_store": 4 << 20}}
    with nats_server(settings) as server:
        service = run("preprocessor", write_spec(tmp_path, {}, "no-room"), server)
        assert await asyncio.to_thread(service.wait) == 1
    last = service.lines[-1]
    assert last["message"] == "refused"
    assert "exception" not in last


@pytest.mark.parametrize("name", SERVICES)
async def test_a_wrong_spec_is_named_with_its_field_and_code_2(run, tmp_path, name):
    spec = write_spec(tmp_path, {"aggregator": {"chunkSize": 0}}, "wrong")
    service = run(name, spec)
    assert await asyncio.to_thread(service.wait) == 2
    assert "wrong.yaml" in service.text
    assert "chunkSize" in service.text
    assert "Traceback" not in service.text


async def test_a_missing_folder_of_frames_is_one_line_and_code_1(run, tmp_path):
    service = run("simulator", write_spec(tmp_path, {}, "no-folder"))
    assert await asyncio.to_thread(service.wait) == 1
    assert "replay.path" in service.lines[-1]["error"]
    assert "exception" not in service.lines[-1]


async def test_all_services_answer_their_probes_and_end_in_order_in_mid_run(run, nats, s3, tmp_path, frames):
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames", "rateHz": 50}}]}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await rig.values.put(RUN_KEY, {"run": "r", "events": 400})
        services = [run(name, rig.path) for name in SERVICES]
        for service in services:
            await rig.until(lambda service=service: asyncio.to_thread(service.is_ready), 40)

        async def is_stored(events):
            return (await rig.ledger("r")).stored >= events

        await rig.until(lambda: is_stored(20), 40)
        for service, name in zip(services, SERVICES, strict=True):
            assert (await asyncio.to_thread(service.get, "/healthz")).status == 200
            metrics = (await asyncio.to_thread(service.get, "/metrics")).data.decode()
            assert f'service="{name}"' in metrics
            assert "cygnet_frames_total{" in metrics, name
        codes = await asyncio.gather(*(asyncio.to_thread(service.terminate) for service in services))
        assert codes == [0, 0, 0, 0]
        for service in services:
            assert not [line for line in service.lines if line["level"] in ("error", "critical")], (
                service.text
            )
        await rig.start(*SERVICES)
        assert (await rig.complete("r", 40)).stored == 400
        assert [row["event"] for row in rig.rows("r")] == list(range(400))


async def test_a_source_that_a_full_stream_holds_ends_in_order_and_goes_on_later(
    run, nats, s3, tmp_path, frames
):
    spec = {
        "sources": [{"name": "cam", "replay": {"path": "frames"}}],
        "streams": {"framesBytes": 1 << 20},
    }
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await rig.values.put(RUN_KEY, {"run": "r", "events": 2000})
        service = run("simulator", rig.path, grace=4)

        async def is_full():
            metrics = (await asyncio.to_thread(service.get, "/metrics")).data if service.is_ready() else b""
            return b"cygnet_publish_blocked 1.0" in metrics

        await rig.until(is_full, 40)
        assert await asyncio.to_thread(service.terminate) == 0, service.text
        await rig.start(*SERVICES)
        assert (await rig.complete("r", 60)).stored == 2000


async def test_a_worker_that_a_full_stream_holds_ends_in_order_and_gives_back(nats, s3, tmp_path):
    spec = {"streams": {"resultsBytes": 1 << 20, "framesBytes": 16 << 20}}
    async with open_rig(nats, s3, tmp_path, spec, grace=2) as rig:
        worker = await rig.start("preprocessor")
        await rig.begin("r")
        for event in range(30):
            await rig.publish(frame(event, np.full((300, 400), event, "u1")))

        async def is_full():
            return (await stream_state(rig.nc, rig.names.results)).bytes > 800_000

        await rig.until(is_full)
        await rig.stop(worker, seconds=5)
        await rig.start(*DOWNSTREAM)
        await rig.end("r", cam=30)
        assert (await rig.complete("r", 20)).stored == 30  # ack_wait is 30 s: nothing was waited for


async def test_a_run_longer_than_a_beat_leaves_the_source_healthy(nats, s3, tmp_path, frames):
    """The source beat once for each run, so that every run longer than a minute was unhealthy."""
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames", "rateHz": 20}}]}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        source = await rig.start("simulator")

        async def is_on(events):
            value = await rig.values.get("control.run")
            run = value.data["run"] if value else ""
            cursor = await rig.values.get(f"cursor.{run}.cam") if run else None
            return cursor is not None and cursor.data["next"] >= events

        await rig.until(lambda: is_on(50))  # 2.5 s of a run that goes on
        assert source.health.beat_ages()["runs"] < 2


async def test_workers_that_wait_for_s3_are_not_ill(nats, tmp_path):
    with rclone_s3(tmp_path / "s3") as own:
        async with open_rig(nats, own, tmp_path, services=("preprocessor", "aggregator", "uploader")) as rig:
            await rig.context.bucket.put("f", b"x", content_type="image/png")
            url = rig.context.bucket.sign_get("f")
            await asyncio.to_thread(own.kill)
            await rig.begin("r")
            worker, _, uploader = rig.running
            body = b'{"url":"%b","time":"2024-11-27 14:27:36"}' % url.encode()
            for event in range(60):
                await rig.publish(frame(event))
            for event in range(60, 260):
                given = {"content_type": ANNOUNCEMENT, "dtype": "", "shape": ()}
                await rig.publish(frame(event, body=body, **given))
            begun = asyncio.get_running_loop().time()
            await rig.until(lambda: bool(worker.log.of("waiting")) and bool(uploader.log.of("waiting")), 30)
            await rig.until(lambda: asyncio.get_running_loop().time() > begun + 4)
            assert worker.health.beat_ages()["pull"] < 2.5
            assert uploader.health.beat_ages()["notices"] < 2.5


async def test_the_end_of_a_run_is_heard_after_an_outage_of_nats(s3, tmp_path, frames):
    """The look-out for it died with the first request that was not answered."""
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames", "rateHz": 20}}]}
    with nats_server() as server:
        async with open_rig(server, s3, tmp_path, spec, SERVICES) as rig:

            async def run_id():
                value = await rig.values.get(RUN_KEY)
                return value.data["run"] if value else ""

            async def has(events):
                cursor = await rig.values.get(f"cursor.{await run_id()}.cam")
                return cursor is not None and cursor.data["next"] >= events

            await rig.until(lambda: has(5))
            await asyncio.to_thread(server.pause)
            await asyncio.sleep(6)  # longer than the server may take to answer
            await asyncio.to_thread(server.resume)
            before = (await rig.values.get(f"cursor.{await run_id()}.cam")).data["next"]
            await rig.until(lambda: has(before + 20), 30)
            await rig.values.put("control.end", {"run": await run_id()})
            line = await rig.complete(await run_id(), 30)
            assert line.stored == line.announced > 5
