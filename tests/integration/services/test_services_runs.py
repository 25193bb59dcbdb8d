"""Whole runs through all four services, from files to what an analyst reads back."""

import asyncio
import json

import numpy as np
import pytest
import urllib3
from PIL import Image

from cygnet.cli import runs as cli_runs
from cygnet.storage.keys import CYGNO_TEMPLATE
from cygnet.transport.connection import close, connect
from cygnet.transport.runs import RUN_KEY, note_late
from cygnet.transport.streams import stream_state
from fixtures.nats_server import nats_server
from fixtures.rig import frame, open_rig
from fixtures.rig_cli import command
from fixtures.waiting import until

DOWNSTREAM = ("preprocessor", "aggregator", "uploader")
ALL = ("simulator", *DOWNSTREAM)


def image_of(number, shape=(12, 16), dtype="u1"):
    limit = np.iinfo(dtype).max
    return (np.arange(np.prod(shape)) * (number + 1) % limit).astype(dtype).reshape(shape)


async def ask(rig, run, events=None):
    await rig.values.put(RUN_KEY, {"run": run, "events": events})


@pytest.fixture
def frames(tmp_path):
    """A folder of every kind of file; PNG, TIFF and npy keep their pixels."""
    folder = tmp_path / "frames"
    folder.mkdir()
    Image.fromarray(image_of(0)).save(folder / "0.png")
    Image.fromarray(image_of(1, dtype="u2")).save(folder / "1.tiff")
    np.save(folder / "2.npy", image_of(2, dtype="u2"))
    np.save(folder / "3.npy", image_of(3, (2, 12, 16)))
    np.save(folder / "4.npy", image_of(4, dtype=">u2"))
    np.save(folder / "5.npy", np.asfortranarray(image_of(5)))
    Image.fromarray(image_of(6)).save(folder / "6.JPG", "jpeg")
    return folder


async def test_a_folder_of_all_kinds_of_files_comes_back_pixel_by_pixel(nats, s3, tmp_path, frames):
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames"}}]}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "mixed", 14)  # twice through the folder
        await rig.start(*ALL)
        assert (await rig.complete("mixed")).stored == 14
        stored = rig.dataset("mixed")
        for event in range(14):
            number, view = event % 7, stored.at(event)
            if number == 6:
                assert view.image.shape == (12, 16)
                assert np.abs(view.image.astype(int) - np.asarray(Image.open(frames / "6.JPG"))).max() <= 1
                continue
            dtype = {1: "u2", 2: "u2", 4: ">u2"}.get(number, "u1")
            wanted = image_of(number, (2, 12, 16) if number == 3 else (12, 16), dtype)
            assert np.array_equal(view.image, wanted), number
            assert view.attrs["file"].startswith(str(number))
        assert stored.at(3).row.axes == "panel,y,x"


async def test_a_folder_is_replayed_once_and_the_run_ends_by_itself(nats, s3, tmp_path, frames):
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames", "loop": False}}]}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "once")
        await rig.start(*ALL)
        assert (await rig.complete("once")).announced == 7


async def test_files_that_are_no_frames_cost_one_frame_each(nats, s3, tmp_path, frames):
    (frames / "1b.npy").write_bytes(b"\x93NUMPY this is none")
    (frames / "1c.png").write_bytes(b"")
    np.save(frames / "1d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(frames / "1e.npy", np.zeros((0, 5), "u1"))
    np.save(frames / "1f.npy", np.zeros((2, 2), [("a", "u1"), ("b", "u2")]))
    np.save(frames / "1g.npy", np.zeros((2, 2), "M8[ns]"))
    np.save(frames / "1h.npy", np.zeros((2, 2), complex))
    np.save(frames / "1i.npy", np.zeros((2, 2, 2, 2, 2), "u1"))
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames", "loop": False}}]}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "bad")
        await rig.start(*ALL)
        line = await rig.complete("bad")
        assert (line.stored, line.dead) == (7, 8), line.dead_reasons
        files = {letter.headers.get("Cygnet-Attrs", "") for letter in await rig.letters("bad")}
        assert len(files) == 8


async def test_several_sources_of_one_pipeline_share_a_run_and_keep_apart(nats, s3, tmp_path, frames):
    spec = {
        "sources": [
            {"name": "left", "replay": {"path": "frames", "eventsPerRun": 5}},
            {"name": "right", "replay": {"path": "frames", "eventsPerRun": 12}},
        ]
    }
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "two")
        await rig.start(*ALL)
        assert (await rig.complete("two")).stored == 17
        account = await rig.account("two")
        assert {name: len(each.stored) for name, each in account.detectors.items()} == {
            "left": 5,
            "right": 12,
        }
        assert len(rig.dataset("two", "left")) == 5
        assert [row["event"] for row in rig.rows("two") if row["detector"] == "right"] == list(range(12))


async def test_a_run_that_is_not_saved_is_consumed_and_its_ledger_closes(nats, s3, tmp_path, frames):
    async with open_rig(nats, s3, tmp_path, {"store": False}) as rig:
        await ask(rig, "unsaved", 30)
        await rig.start(*ALL)
        line = await rig.complete("unsaved")
        assert (line.consumed, line.stored) == (30, 0)
        assert rig.rows("unsaved") == []


async def test_old_listeners_hear_every_frame_and_can_fetch_it(nats, s3, tmp_path, frames):
    spec = {
        "sources": [
            {"name": "cam", "replay": {"path": "frames"}, "mirrorSubjects": ["old/data", "old/data/me"]}
        ]
    }
    heard = {"old/data": [], "old/data/me": []}
    listener = await connect(nats.url, name="old")
    try:
        async with open_rig(nats, s3, tmp_path, spec) as rig:
            for subject, messages in heard.items():
                await listener.subscribe(subject, cb=_keep(messages))
            await listener.flush()
            await ask(rig, "heard", 7)
            await rig.start(*ALL)
            assert (await rig.complete("heard")).stored == 7
            await rig.until(lambda: all(len(messages) == 7 for messages in heard.values()))
    finally:
        await close(listener)
    assert heard["old/data"] == heard["old/data/me"]
    for event, body in enumerate(heard["old/data"]):
        announcement = json.loads(body)
        assert {"url", "time", "filename"} <= set(announcement)
        assert (announcement["run"], announcement["event"]) == ("heard", event)
        fetched = await asyncio.to_thread(urllib3.request, "GET", announcement["url"], retries=False)
        assert fetched.status == 200
        if event == 0:
            assert fetched.data == (frames / "0.png").read_bytes()


async def test_frames_by_reference_are_stored_with_their_time_and_form(nats, s3, tmp_path, frames):
    spec = {"transport": {"mode": "reference"}}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await ask(rig, "far", 7)
        await rig.start(*ALL)
        assert (await rig.complete("far")).stored == 7
        stored = rig.dataset("far")
        assert np.array_equal(stored.at(2).image, image_of(2, dtype="u2"))
        assert np.array_equal(stored.at(3).image, image_of(3, (2, 12, 16)))
        assert stored.at(3).row.axes == "panel,y,x"
        assert len(list((rig.folder / rig.context.pipeline.prefix / "far" / "frames" / "cam").iterdir())) == 7


async def test_a_server_of_the_usual_size_carries_frames_packs_results_and_chunks(s3, tmp_path):
    """nats-server takes 1 MiB if nobody says otherwise: large things go by reference, small ones in packs."""
    folder = tmp_path / "frames"
    folder.mkdir()
    shapes = [(128, 128)] * 40 + [(1200, 1000)] * 2  # packs of 16 KiB frames; results of 4.8 MB
    for number, shape in enumerate(shapes):
        np.save(folder / f"{number:03}.npy", image_of(number, shape))
    spec = {
        "preprocessor": {"stages": [{"window": {"min": 0, "max": 255}}]},
        "aggregator": {"chunkSize": 50, "maxBytes": 16 << 20},
        "streams": {"chunksBytes": 32 << 20},
    }
    with nats_server({"max_payload": 1 << 20}) as server:
        async with open_rig(server, s3, tmp_path, spec) as rig:
            await ask(rig, "usual", len(shapes))
            await rig.start(*ALL)
            assert (await rig.complete("usual")).stored == len(shapes)
            stored = rig.dataset("usual")
            for number, shape in enumerate(shapes):
                wanted = image_of(number, shape).astype("f4") / np.float32(255)
                assert np.allclose(stored.at(number).image, wanted, atol=1e-6)
            left = rig.folder / rig.context.pipeline.prefix / "usual" / "results"
            assert not [path for path in left.rglob("*") if path.is_file()], "what travelled is cleaned up"


@pytest.mark.parametrize("format_name", ["npz", "hdf5"])
async def test_both_formats_are_read_back_by_number(nats, s3, tmp_path, format_name):
    spec = {"aggregator": {"chunkSize": 4, "format": format_name}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        await rig.begin("r")
        for event in range(11):
            await rig.publish(frame(event))
        await rig.end("r", cam=11)
        await rig.complete("r")
        stored = rig.dataset("r")
        assert [int(view.event) for view in stored] == list(range(11))
        for view in stored:
            assert (view.image == view.event).all()
            assert view.provenance["software"]["name"] == "cygnet"
        assert len({row["object"] for row in rig.rows("r")}) == 3


async def test_runs_whose_keys_are_the_same_do_not_write_over_one_another(nats, s3, tmp_path):
    spec = {"aggregator": {"chunkSize": 5, "keyTemplate": "{prefix}/data-chunk-{last_time}.npz"}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        for run in ("one", "two"):
            await rig.begin(run, "cam", "top")
            for event in range(5):
                await rig.publish(frame(event, run=run))
                await rig.publish(frame(event, run=run, detector="top"))
            await rig.end(run, cam=5, top=5)
            await rig.complete(run)
        objects = {row["object"] for run in ("one", "two") for row in rig.rows(run)}
        assert len(objects) == 4
        assert len([name for name in objects if "_" in name]) == 3


async def test_a_removed_run_leaves_nothing_wherever_its_template_has_put_its_chunks(
    nats, s3, tmp_path, monkeypatch
):
    spec = {"aggregator": {"chunkSize": 5, "keyTemplate": CYGNO_TEMPLATE}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        for run in ("one", "two"):
            await rig.begin(run)
            for event in range(12):
                await rig.publish(frame(event, run=run))
            await rig.end(run, cam=12)
            await rig.complete(run)
        await note_late(rig.values, "one")
        await rig.values.put("attempt.one.cam.3", {"attempts": 1})
        chunks = [path.name for path in (rig.folder / rig.context.pipeline.prefix).glob("*.npz")]
        assert len(chunks) == 6
        removed = await command(rig, monkeypatch, cli_runs, "rm", "one", "--objects", "--yes")
        assert removed["objects"] > 3
        left = [path for path in rig.folder.rglob("*") if path.is_file()]
        assert len([path for path in left if path.suffix == ".npz"]) == 3
        assert not [path for path in left if "one" in path.relative_to(rig.folder).parts]
        assert not [key for key in await rig.values.keys() if "one" in key.split(".")]
        assert len(rig.dataset("two")) == 12
        assert all((view.image == view.event).all() for view in rig.dataset("two"))


async def test_another_size_in_mid_run_is_another_layout_and_all_are_stored(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await rig.begin("r")
        for event in range(20):
            shape = (3, 5) if 8 <= event < 13 else (4, 6)
            await rig.publish(frame(event, np.full(shape, event, "u1")))
        await rig.end("r", cam=20)
        assert (await rig.complete("r")).stored == 20
        stored = rig.dataset("r")
        assert all((view.image == view.event).all() for view in stored)
        assert {view.image.shape for view in stored} == {(3, 5), (4, 6)}
        assert len({row["object"] for row in rig.rows("r")}) == 4


async def test_another_size_in_mid_run_that_a_crop_does_not_fit_costs_those_frames(nats, s3, tmp_path):
    spec = {"preprocessor": {"stages": [{"crop": {"halfWindow": 2}}]}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        await rig.begin("r")
        for event in range(10):
            shape = {3: (3, 3), 4: (40, 60), 5: (1, 1)}.get(event, (4, 6))
            await rig.publish(frame(event, np.full(shape, event, "u1")))
        await rig.end("r", cam=10)
        line = await rig.complete("r")
        assert (line.stored, line.dead) == (8, 2)
        assert rig.dataset("r").at(4).image.shape == (4, 4)
        assert all("half" in letter.message for letter in await rig.letters("r"))


def _keep(messages):
    async def keep(message):
        messages.append(message.data)

    return keep


async def test_a_source_that_is_stopped_before_a_full_stream_does_not_sit_out_its_grace(nats, s3, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    np.save(folder / "0.npy", np.zeros((512, 512), "u2"))
    spec = {"sources": [{"name": "cam", "replay": {"path": "frames"}}], "streams": {"framesBytes": 4 << 20}}
    async with open_rig(nats, s3, tmp_path, spec, grace=600) as rig:
        await ask(rig, "full")
        source = await rig.start("simulator")

        async def is_full():
            return (await stream_state(rig.nc, rig.names.frames)).bytes > (7 << 19)

        await until(is_full, 30)
        await rig.stop(source, seconds=30)
        assert await rig.values.get("cursor.full.cam")
