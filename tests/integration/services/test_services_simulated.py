"""A simulated detector through all services: what is stored is what its truth says, whatever dies."""

import asyncio

import numpy as np
import pytest

from cygnet.simulator.cygno import Detector, detector_seed
from cygnet.transport.runs import BEAM_KEY, RUN_KEY
from fixtures.rig import environment, open_rig
from fixtures.service_process import ServiceProcess

DOWNSTREAM = ("preprocessor", "aggregator", "uploader")
ALL = ("simulator", *DOWNSTREAM)
HALF = 32
CROPPED = {"stages": [{"crop": {"halfWindow": HALF}}]}


def simulated(name="cam", **fields):
    return {"name": name, "simulator": {"model": "cygno", "spectrum": "school", "seed": 3, **fields}}


def spec_of(*sources, **more):
    return {"sources": list(sources), "preprocessor": CROPPED, **more}


async def ask(rig, run, events=None):
    await rig.values.put(RUN_KEY, {"run": run, "events": events})


def check_stored(rig, run, events, name="cam"):
    """Compare pixels and truth of all stored events with the model's own."""
    model = Detector("sosc", spectrum="school", seed=detector_seed(3, name))
    stored = rig.dataset(run, name)
    assert stored.events.tolist() == list(events)
    table = stored.truth()
    assert table.column("event").to_pylist() == list(events)
    assert table.column("time_ns").to_numpy().tolist() == stored.times.astype(np.int64).tolist()
    for view, row in zip(stored, table.to_pylist(), strict=True):
        primary = model.primary(view.event, 0.5)
        image = model.image(view.event, primary)[288 - HALF : 288 + HALF, 288 - HALF : 288 + HALF]
        assert np.array_equal(view.image, image), view.event
        truth = view.truth
        assert (truth.recoil, truth.energy_kev, truth.z_mm) == (
            primary.recoil,
            primary.energy_kev,
            primary.z_mm,
        )
        assert truth.direction == tuple(primary.direction)
        assert (row["recoil"], row["energy_kev"]) == (truth.recoil, truth.energy_kev)
        assert set(view.attrs) <= {"filename"}  # by reference a frame has a name, made of its content


async def test_what_is_stored_of_an_event_is_what_its_truth_says(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, spec_of(simulated())) as rig:
        await ask(rig, "joined", 45)
        await rig.start(*ALL)
        assert (await rig.complete("joined")).stored == 45
        check_stored(rig, "joined", range(45))
        assert rig.dataset("joined").truth_of(45) is None


async def test_several_detectors_see_different_events_at_the_same_times(nats, s3, tmp_path):
    spec = spec_of(simulated("left", rateHz=100), simulated("right", rateHz=100, arrivals="fixed"))
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "two", 20)
        await rig.start(*ALL)
        assert (await rig.complete("two")).stored == 40
        for name in ("left", "right"):
            check_stored(rig, "two", range(20), name)
        left, right = (rig.dataset("two", name) for name in ("left", "right"))
        assert (left.times == right.times).all()
        assert not np.array_equal(left.images(), right.images())


@pytest.mark.parametrize(
    ("point", "transport"),
    [
        ("simulator.truth-written", "auto"),
        ("simulator.stored:2", "reference"),
        ("simulator.published:2", "auto"),
        ("simulator.all-published", "auto"),
    ],
)
async def test_a_source_that_is_killed_goes_on_with_the_same_events_and_truth(
    nats, s3, tmp_path, point, transport
):
    fields = {"rateHz": 2000, "arrivals": "poisson", "timeScale": 1000}
    spec = spec_of(simulated(**fields), transport={"mode": transport})
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "killed", 150)
        await rig.start(*DOWNSTREAM)
        process = ServiceProcess(
            "simulator", rig.path, {**environment(nats, s3), "CYGNET_CRASH_AT": point}, tmp_path
        )
        try:
            await rig.until(lambda: process.process.poll() is not None, 60)
        finally:
            process.kill()
        assert process.process.returncode == -9, process.text
        start = await rig.values.get("base.killed.=")
        await rig.start("simulator")
        assert (await rig.complete("killed", 60)).stored == 150
        check_stored(rig, "killed", range(150))
        assert (await rig.values.get("base.killed.=")).revision == start.revision
        assert len(list((rig.folder / rig.context.pipeline.prefix / "killed" / "truth").iterdir())) == 1


async def test_simulated_time_goes_faster_than_the_clock_and_is_what_is_stored(nats, s3, tmp_path):
    spec = spec_of(simulated(rateHz=0.5, timeScale=100))
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "fast", 30)
        await rig.start(*ALL)
        await rig.complete("fast")
        assert (np.diff(rig.dataset("fast").times) == np.timedelta64(2, "s")).all()


async def test_the_beam_goes_off_between_bursts_and_at_the_end(nats, s3, tmp_path):
    spec = spec_of(simulated(rateHz=20, burst={"onSeconds": 0.5, "offSeconds": 1}))
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        seen = []

        async def has_changed(times):
            value = await rig.values.get(BEAM_KEY)
            if value and (not seen or seen[-1] != value.data["active"]):
                seen.append(value.data["active"])
            return len(seen) >= times

        await ask(rig, "beam", 25)  # ten in each burst
        await rig.start(*ALL)
        await rig.until(lambda: has_changed(6))
        await rig.complete("beam")
        assert seen == [True, False] * 3
        gaps = np.diff(rig.dataset("beam").times)
        assert np.flatnonzero(gaps > np.timedelta64(1, "s")).tolist() == [9, 19]


async def test_a_source_that_is_held_counts_it_and_its_times_stay_those_of_the_schedule(nats, s3, tmp_path):
    spec = spec_of(simulated(rateHz=200, encoding="identity"), streams={"framesBytes": 4 << 20})
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "held", 60)
        await rig.start("simulator")  # 12 frames fill the stream
        began = asyncio.get_running_loop().time()
        await rig.until(lambda: asyncio.get_running_loop().time() > began + 2)
        await rig.start(*DOWNSTREAM)
        await rig.complete("held", 60)
        cursor = await rig.values.get("cursor.held.cam")
        assert cursor.data["held_seconds"] > 1
        assert (np.diff(rig.dataset("held").times) == np.timedelta64(5, "ms")).all()


async def test_a_dead_frame_has_its_truth(nats, s3, tmp_path):
    spec = spec_of(simulated(), transport={"mode": "reference"})
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "dead", 12)
        await rig.start("simulator")
        frames = rig.folder / rig.context.pipeline.prefix / "dead" / "frames" / "cam"
        await rig.until(lambda: frames.is_dir() and len(list(frames.glob("*.png"))) == 12)
        (frames / "000000005.png").write_bytes(b"this was a frame")
        await rig.start(*DOWNSTREAM)
        line = await rig.complete("dead", 60)
        assert (line.stored, line.dead) == (11, 1)
        check_stored(rig, "dead", [event for event in range(12) if event != 5])
        assert rig.dataset("dead").truth_of(5).event == 5
        assert rig.dataset("dead").truth_of(12) is None


async def test_a_run_that_was_not_simulated_has_no_truth(nats, s3, tmp_path):
    (tmp_path / "frames").mkdir()
    np.save(tmp_path / "frames" / "0.npy", np.zeros((80, 80), "u1"))
    async with open_rig(nats, s3, tmp_path) as rig:
        await ask(rig, "replayed", 3)
        await rig.start(*ALL)
        await rig.complete("replayed")
        stored = rig.dataset("replayed")
        assert stored[0].truth is None
        with pytest.raises(LookupError, match="has no truth: not simulated"):
            stored.truth()
