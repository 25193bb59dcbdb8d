"""Each service under its user of the chart's NATS: it may do all that it does, and nothing of the others'."""

import asyncio

import pytest

from cygnet.model.identity import FrameId
from cygnet.transport.connection import close, connect
from cygnet.transport.runs import RUN_KEY
from fixtures.nats_server import nats_server
from fixtures.permissions import PASSWORD, USER_OF, as_user, users
from fixtures.rig import environment, frame, open_rig
from fixtures.service_process import ServiceProcess

FRAMES, RESULTS = "cygnet.local.p.frames.cam", "cygnet.local.p.results.cam"
CHUNKS, NOTICES = "cygnet.local.p.chunks.r.cam.0.a", "cygnet.local.p.notices.cam"
ACCOUNT = "cygnet.local.p.account.r.cam."
OTHERS = {
    "source": [RESULTS, CHUNKS, NOTICES, ACCOUNT + "commit", ACCOUNT + "stored", "$JS.ACK.S.c.1.1.1.1.0"],
    "preprocessor": [FRAMES, CHUNKS, NOTICES, ACCOUNT + "commit", ACCOUNT + "end", "$KV.cyg_local_p.run.r"],
    "aggregator": [FRAMES, RESULTS, ACCOUNT + "stored", ACCOUNT + "begin", "$KV.cyg_local_p.params"],
    "uploader": [FRAMES, RESULTS, CHUNKS, NOTICES, ACCOUNT + "commit", "$KV.cyg_local_p.run.r"],
    "operator": [FRAMES, RESULTS, CHUNKS, NOTICES, ACCOUNT + "stored", "cygnet.local.p.stats.x"],
}
NOBODYS = ["daq/data", "$SYS.REQ.SERVER.PING", "$JS.API.STREAM.DELETE.CYG_local_p_ACCOUNT"]
VIOLATION = "iolation"


@pytest.fixture(scope="module")
def guarded():
    with nats_server(users()) as server:
        yield server


@pytest.fixture
def run(guarded, s3, tmp_path):
    started = []

    def start(name, spec):
        env = {**environment(guarded, s3), **as_user(USER_OF[name])}
        process = ServiceProcess(name, spec, env, tmp_path)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


async def test_every_service_does_all_of_its_work_under_its_user(run, guarded, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "fixtures.rig.environment", lambda *_: {**environment(guarded, s3), **as_user("admin")}
    )
    simulator = {"model": "cygno", "rateHz": 100}
    stages = [{"crop": {"halfWindow": 64}}, {"window": {"min": 80, "max": 120}}]
    spec = {"sources": [{"name": "cam", "simulator": simulator}], "preprocessor": {"stages": stages}}
    before = len(guarded.log)
    async with open_rig(guarded, s3, tmp_path, spec) as rig:
        await rig.values.put(RUN_KEY, {"run": "r", "events": 300})
        services = {name: run(name, rig.path) for name in USER_OF}
        for service in services.values():
            await rig.until(lambda service=service: asyncio.to_thread(service.is_ready), 60)
        broken = frame(0, run="broken", body=b"no image", content_type="image/png", dtype="", shape=())
        await rig.publish(broken)

        async def is_under_way():
            return (await rig.ledger("r")).stored >= 50

        await rig.until(is_under_way, 60)
        for name, service in services.items():  # who comes next takes over: leases, readers, old consumers
            service.kill()
            services[name] = run(name, rig.path)
        assert (await rig.complete("r", 90)).stored == 300
        assert [letter.id for letter in await rig.letters()] == [FrameId("broken", "cam", 0)]
        for service in services.values():
            assert await asyncio.to_thread(service.terminate) == 0
    assert VIOLATION not in guarded.log[before:]


@pytest.mark.parametrize("role", sorted(OTHERS))
async def test_no_user_may_publish_what_another_does(guarded, role):
    for subject in OTHERS[role] + ([] if role == "operator" else NOBODYS):
        assert await refused(guarded, role, subject), subject


async def test_a_user_may_publish_its_own(guarded):
    assert not await refused(guarded, "source", FRAMES)


async def refused(server, role, subject):
    """Whether the server refuses a message of this role."""
    said = []
    nc = await connect(
        server.url, name=role, user=role, password=PASSWORD, on_event=lambda _, text: said.append(text)
    )
    try:
        await nc.publish(subject, b"{}")
        await nc.flush()
    finally:
        await close(nc)
    return any("permissions violation" in text.lower() and subject.lower() in text.lower() for text in said)
