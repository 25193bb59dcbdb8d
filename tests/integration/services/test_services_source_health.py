"""A source that hangs is seen; one that is held from outside is not taken for it, and says so."""

import asyncio

import numpy as np
import pytest

from cygnet.simulator.replay import Replay
from cygnet.transport.runs import RUN_KEY
from fixtures.nats_server import nats_server
from fixtures.rig import open_rig

SPEC = {"sources": [{"name": "cam", "replay": {"path": "frames"}}]}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("cygnet.simulator.feeder._TURN_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr("cygnet.simulator.feeder._LOOK_SECONDS", 0.05)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "frames").mkdir()
    np.save(tmp_path / "frames" / "0.npy", np.zeros((300, 300), "u1"))
    return tmp_path


async def begun(rig):
    await rig.values.put(RUN_KEY, {"run": "r", "events": None})
    return await rig.start("simulator")


async def test_a_source_whose_frames_do_not_come_is_stuck(nats, s3, folder, monkeypatch):
    async def hang(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(Replay, "take", hang)
    async with open_rig(nats, s3, folder, SPEC, grace=2) as rig:
        source = await begun(rig)
        await rig.until(lambda: "feed cam" in source.health.stuck())


async def test_a_source_that_a_full_stream_holds_is_well(nats, s3, folder):
    async with open_rig(nats, s3, folder, SPEC, grace=2) as rig:
        source = await begun(rig)

        async def is_held():
            value = await rig.values.get("cursor.r.cam")
            assert source.health.stuck() == {}
            return value is not None and source.health.beat_ages().keys() >= {"feed cam"}

        await rig.until(is_held)
        since = asyncio.get_running_loop().time()

        def is_long_held():
            assert source.health.stuck() == {}
            return asyncio.get_running_loop().time() - since > 1.5

        await rig.until(is_long_held)


async def test_a_source_whose_messages_nobody_acknowledges_says_so_and_goes_on(s3, folder, monkeypatch):
    async def answers():
        return

    monkeypatch.setattr("cygnet.runtime.health.HELD_SECONDS", 0.0)
    with nats_server() as server:
        async with open_rig(server, s3, folder, SPEC, grace=2) as rig:
            source = await begun(rig)
            source.health.check("nats", answers)  # as a server with a full disk does
            await rig.until(lambda: "feed cam" in source.health.beat_ages())
            server.pause()
            try:
                silent = "publishes are not acknowledged; they are sent again until they are"
                await rig.until(lambda: bool(source.log.of(silent)))
                assert "does not acknowledge" in (await source.health.unready())["nats"]
            finally:
                server.resume()
            again = "no publish waits for an acknowledgement any more"
            await rig.until(lambda: bool(source.log.of(again)))
            assert "nats" not in await source.health.unready()
