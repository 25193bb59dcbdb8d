"""A simulated frame is a function of seed, name and number: in any order, after any restart, in any run."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from cygnet.imaging import DecodeLimits, decode, decompress
from cygnet.simulator.simulated import Simulated, nuclear_share
from cygnet.spec.simulated import Modulation, SimulatedSource
from cygnet.storage.bucket import open_folder
from cygnet.storage.truth import TruthReader

LIMITS = DecodeLimits(max_bytes=64 << 20, max_pixels=64 << 20)


class Documents:
    """The key-value bucket, as far as a simulated detector uses it."""

    def __init__(self):
        self.documents = {}

    async def get(self, key):
        data = self.documents.get(key)
        return None if data is None else SimpleNamespace(data=data)

    async def create(self, key, data):
        self.documents[key] = data


@pytest.fixture
def place(tmp_path):
    async def patiently(action):
        return await action()

    return SimpleNamespace(
        values=Documents(),
        bucket=open_folder(tmp_path),
        pipeline=SimpleNamespace(prefix="p"),
        patiently=patiently,
    )


async def frames(place, *asked, name="cam", run="r", events=None, **spec):
    """Return the frames of a detector that is opened at the first number asked for, by event."""
    source = Simulated(name, SimulatedSource(model="cygno", **spec), place)
    await source.open(run, asked[0][0], events)
    taken = {}
    try:
        for first, most in asked:
            while most > 0:
                batch = await source.take(first, most)
                taken |= {frame.id.event: frame for frame in batch.frames}
                most -= batch.next_event - first
                first = batch.next_event
    finally:
        await source.close()
    return taken


async def test_a_frame_is_the_same_wherever_one_begins_and_however_many_are_asked_for(place):
    whole = await frames(place, (0, 30), rateHz=10, arrivals="poisson")
    again = await frames(place, (13, 1), (14, 9), (23, 7), rateHz=10, arrivals="poisson")
    assert list(again) == list(range(13, 30))
    for event, frame in again.items():
        assert frame == whole[event]


async def test_the_start_of_a_run_outlives_its_source(place):
    before = (await frames(place, (0, 1)))[0].time_ns
    assert (await frames(place, (0, 1)))[0].time_ns == before
    assert (await frames(place, (0, 1), run="another"))[0].time_ns > before


async def test_detectors_of_other_names_see_other_events_and_the_same_start(place):
    left, right = [(await frames(place, (0, 2), name=name))[1] for name in ("left", "right")]
    assert left.body != right.body
    assert left.time_ns == right.time_ns


async def test_what_an_event_is_does_not_show_before_its_pixels_do(place):
    both = await frames(place, (0, 8), spectrum="school", encoding="identity")
    assert {event: (frame.attrs, len(frame.body)) for event, frame in both.items()} == {
        event: ({}, 576 * 576) for event in range(8)
    }


@pytest.mark.parametrize("encoding", ["png", "identity", "zstd", "lz4", "bslz4", "blosc2"])
@pytest.mark.parametrize("preset", ["sosc", "lime"])
async def test_every_lossless_encoding_holds_the_same_pixels(place, preset, encoding):
    frame = (await frames(place, (5, 1), preset=preset, encoding=encoding))[5]
    [plain] = (await frames(place, (5, 1), preset=preset, encoding="identity")).values()
    wanted = np.frombuffer(plain.body, plain.dtype).reshape(plain.shape)
    if encoding == "png":
        found = decode(frame.body, limits=LIMITS)
    else:
        found = decompress(frame.body, frame.encoding, frame.dtype, frame.shape, LIMITS)
    assert wanted.dtype == {"sosc": np.uint8, "lime": np.uint16}[preset]
    assert np.array_equal(found, wanted)


async def test_a_jpeg_is_smaller_the_lower_its_quality(place):
    sizes = [
        len((await frames(place, (0, 1), encoding="jpeg", **quality))[0].body)
        for quality in ({"jpegQuality": 20}, {}, {"jpegQuality": 95})
    ]
    assert sizes == sorted(sizes)


async def test_large_frames_come_few_at_a_time(place):
    source = Simulated("cam", SimulatedSource(model="cygno", preset="lime", encoding="identity"), place)
    await source.open("r", 0, None)
    try:
        assert (await source.take(0, 64)).next_event == 1
    finally:
        await source.close()


@pytest.mark.parametrize(
    ("events", "segments"),
    [(1500, ["0-999", "1000-1499"]), (1000, ["0-999"]), (None, ["0-999", "1000-1999"])],
)
async def test_truth_is_written_in_segments_up_to_the_end_of_the_run(place, tmp_path, events, segments):
    source = Simulated("cam", SimulatedSource(model="cygno", rateHz=1), place)
    await source.open("r", 0, events)
    await source._truth.cover(min(1200, events or 1200))
    files = sorted(path.name for path in (tmp_path / "p" / "r" / "truth").iterdir())
    wanted = [
        f"cam-{int(first):09d}-{int(last):09d}.parquet" for first, last in (s.split("-") for s in segments)
    ]
    assert files == wanted
    await source.close()


async def test_truth_is_there_before_the_frames_are_and_tells_their_times(place, tmp_path):
    source = Simulated("cam", SimulatedSource(model="cygno", rateHz=3, arrivals="poisson"), place)
    await source.open("r", 1700, None)
    batch = await source.take(1700, 5)
    truth = TruthReader(open_folder(tmp_path).reader, "p", "r", "cam")
    assert [truth.at(frame.id.event).time_ns for frame in batch.frames] == [x.time_ns for x in batch.frames]
    assert truth.at(999) is None
    assert truth.at(1000) is not None
    await source.close()


def test_the_share_swings_between_its_bounds():
    swing = Modulation(amplitude=0.05, periodSeconds=60, phase=0)
    spec = SimulatedSource(model="cygno", rateHz=100, nuclearShare=0.05, modulation=swing)
    at = [round(nuclear_share(spec, seconds), 9) for seconds in (0, 15, 30, 45, 60)]
    assert at == [0.1, 0.15, 0.1, 0.05, 0.1]
    assert nuclear_share(SimulatedSource(model="cygno", nuclearShare=0.3), 1e9) == 0.3


async def test_the_share_of_nuclear_recoils_follows_the_modulation(place, tmp_path):
    swing = {"amplitude": 0.5, "periodSeconds": 1}
    spec = SimulatedSource(model="cygno", rateHz=1000, nuclearShare=0, modulation=Modulation(**swing))
    source = Simulated("cam", spec, place)
    await source.open("r", 0, 1000)
    await source._truth.cover(1000)
    await source.close()
    table = TruthReader(open_folder(tmp_path).reader, "p", "r", "cam").table(range(1000))
    nuclear = np.array(table.column("recoil").to_pylist()) == "nuclear"
    assert nuclear[150:350].mean() > 0.9
    assert nuclear[650:850].mean() < 0.1


async def test_a_stopped_source_leaves_no_thread_at_work(place):
    source = Simulated("cam", SimulatedSource(model="cygno"), place)
    await source.open("r", 0, None)
    asking = asyncio.create_task(source.take(0, 32))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await source.close()
    await source.open("r", 0, None)  # as the next run does
    assert [frame.id.event for frame in (await source.take(0, 1)).frames] == [0]
    await source.close()
