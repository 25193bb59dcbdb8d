"""A dead letter is kept until somebody replays it, when its cause is gone, or drops it."""

import asyncio
import json

import numpy as np

from cygnet.aggregator import collector, completion
from cygnet.cli import dead as cli_dead
from cygnet.model.frame import ANNOUNCEMENT
from cygnet.model.ledger import ledger, total
from cygnet.runtime.letters import body_of
from cygnet.storage.ledger_files import read_ledger
from cygnet.transport.dead import drop, get_dead, list_dead, replay
from cygnet.transport.runs import late_runs
from fixtures.rig import frame, open_rig
from fixtures.rig_cli import command
from fixtures.s3_server import rclone_s3
from hostile.images import saved

DOWNSTREAM = ("preprocessor", "aggregator", "uploader")
IMAGE = np.arange(24, dtype="u1").reshape(4, 6)


def announced(event, url, **keys):
    body = json.dumps({"url": url, "time": "2024-11-27 14:27:36.5", **keys}).encode()
    return frame(event, body=body, content_type=ANNOUNCEMENT, dtype="", shape=())


async def run_with_dead(rig):
    """A run of which event 3 points at an object that is no image, and event 5 at none."""
    bucket = rig.context.bucket
    await bucket.put("broken", b"this is no image", content_type="image/png")
    await rig.begin("r")
    for event in range(12):
        key = {3: "broken", 5: "missing"}.get(event)
        await rig.publish(announced(event, bucket.sign_get(key)) if key else frame(event, IMAGE))
    await rig.end("r", cam=12)
    return await rig.complete("r")


def generations(rig):
    folder = rig.folder / rig.context.pipeline.prefix / "r" / "index"
    return sorted(path.name for path in folder.glob("generation-*"))


async def test_a_letter_replayed_after_its_cause_is_gone_makes_a_late_chunk_and_a_new_index(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        assert (await run_with_dead(rig)).dead == 2
        assert len(rig.dataset("r")) == 10
        before = generations(rig)
        for key in ("broken", "missing"):
            await rig.context.bucket.put(key, saved(IMAGE, "png"), content_type="image/png")
        for letter in await list_dead(rig.nc, rig.names, "r"):
            await replay(rig.context.window, rig.names, letter.sequence)
        await rig.until(lambda: len(rig.dataset("r")) == 12)
        line = await rig.ledger("r")
        assert (line.stored, line.dead, line.closes) == (12, 0, True)
        stored = rig.dataset("r")
        assert all(np.array_equal(view.image, IMAGE) for view in stored)
        assert str(stored.at(3).time).endswith(":27:36.500000000")
        assert len(generations(rig)) > len(before)
        assert await list_dead(rig.nc, rig.names, "r") == []


async def test_a_letter_replayed_to_a_new_aggregator_is_stored_although_its_run_is_complete(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await run_with_dead(rig)
        [aggregator] = [service for service in rig.running if service.name == "aggregator"]
        await rig.stop(aggregator)
        await rig.start("aggregator")
        await rig.context.bucket.put("broken", saved(IMAGE, "png"), content_type="image/png")
        [letter] = [each for each in await list_dead(rig.nc, rig.names) if each.id.event == 3]
        await replay(rig.context.window, rig.names, letter.sequence)
        await rig.until(lambda: len(rig.dataset("r")) == 11)
        assert (await rig.ledger("r")).stored == 11


async def test_a_letter_replayed_while_its_run_is_finished_is_in_index_and_ledger_after_a_crash(
    nats, s3, tmp_path, monkeypatch
):
    """The aggregator dies between the two: what came late was stored, and nobody finished the run again."""
    marking, mark, died = asyncio.Event(), asyncio.Event(), asyncio.Event()
    set_state = completion.runs.set_run_state

    async def set_slowly(*given, **more):
        marking.set()
        await mark.wait()
        await set_state(*given, **more)

    def die(point):
        if point == "aggregator.completed":
            died.set()
            raise asyncio.CancelledError

    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        with monkeypatch.context() as patch:
            patch.setattr(completion.runs, "set_run_state", set_slowly)
            patch.setattr(collector, "crash_point", die)
            await rig.begin("r")
            for event in range(3):
                await rig.publish(frame(event, **({"body": b"cut"} if event == 1 else {})))
            await rig.end("r", cam=3)
            await asyncio.wait_for(marking.wait(), 20)  # index and ledger are written
            await rig.publish(frame(1), "r/cam/1/frame/replay-1")
            await rig.until(lambda: _stored(rig, 3))
            mark.set()
            await asyncio.wait_for(died.wait(), 20)
            [aggregator] = [service for service in rig.running if service.name == "aggregator"]
            await rig.kill(aggregator)
        await rig.start("aggregator")
        await rig.until(lambda: len(rig.dataset("r")) == 3)
        await rig.until(lambda: _no_late(rig))
        account = await asyncio.to_thread(
            read_ledger, rig.context.bucket.reader, rig.context.pipeline.prefix, "r"
        )
        assert total(ledger(account), "r").stored == 3


async def _stored(rig, events):
    return (await rig.ledger("r")).stored == events


async def _no_late(rig):
    return not await late_runs(rig.values)


async def test_a_letter_replayed_before_its_cause_is_gone_comes_back_as_another_letter(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await run_with_dead(rig)
        first = {each.id.event: each for each in await rig.letters("r")}
        await replay(rig.context.window, rig.names, first[5].sequence)

        async def is_back():
            found = {each.id.event: each for each in await rig.letters("r")}
            return 5 in found and found[5].sequence > first[5].sequence

        await rig.until(is_back)
        again = {each.id.event: each for each in await rig.letters("r")}[5]
        assert (again.reason, again.body, again.headers) == (first[5].reason, first[5].body, first[5].headers)
        assert (await rig.ledger("r")).dead == 2


async def test_a_letter_replayed_twice_is_stored_once(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await run_with_dead(rig)
        await rig.context.bucket.put("missing", saved(IMAGE, "png"), content_type="image/png")
        [letter] = [each for each in await rig.letters("r") if each.id.event == 5]
        for occasion in ("a", "b"):
            await rig.raw("cam", letter.headers, letter.body, f"r/cam/5/frame/{occasion}")
        await rig.until(lambda: len(rig.dataset("r")) == 11)
        await rig.begin("next")
        await rig.publish(frame(0, run="next"))
        await rig.end("next", cam=1)
        await rig.complete("next")  # so the second one has been seen as well
        assert [row["event"] for row in rig.rows("r")].count(5) == 1


async def test_a_letter_shows_why_and_what_and_is_gone_when_dropped(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await run_with_dead(rig)
        letters = {each.id.event: each for each in await list_dead(rig.nc, rig.names, "r")}
        shown = await get_dead(rig.nc, rig.names, letters[3].sequence)
        assert (shown.reason, shown.stage, shown.deliveries) == ("not-an-image", "process", 1)
        assert "url" in json.loads(shown.body), "the announcement, so that a replay fetches anew"
        await drop(rig.nc, rig.names, letters[3].sequence)
        assert {each.id.event for each in await list_dead(rig.nc, rig.names, "r")} == {5}
        assert (await rig.ledger("r")).dead == 2, "what was given up stays so"


async def test_a_frame_that_is_larger_than_the_stream_of_dead_letters_is_kept_shown_and_replayed(
    nats, s3, tmp_path, monkeypatch
):
    """A stream that discards its oldest takes such a message, says so, and has it no more."""
    spec = {"streams": {"deadBytes": 1 << 20}}
    big = np.zeros((1500, 1500), "u1")
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        await rig.begin("r")
        for event in range(3):
            await rig.publish(frame(event, big, **({"encoding": "lz4"} if event else {})))
        await rig.end("r", cam=3)
        assert (await rig.complete("r")).dead == 2
        letters = await command(rig, monkeypatch, cli_dead, "ls")
        assert [letter["bytes"] for letter in letters] == [big.nbytes, big.nbytes]
        await command(rig, monkeypatch, cli_dead, "show", letters[0]["letter"], "-o", tmp_path / "body")
        assert (tmp_path / "body").read_bytes() == big.tobytes()
        assert len(_bodies(rig)) == 2
        await command(rig, monkeypatch, cli_dead, "replay", letters[0]["letter"])
        await rig.until(lambda: _letters_are(rig, {letters[1]["letter"], letters[1]["letter"] + 1}))
        assert len(_bodies(rig)) == 2, "the frame came back, as another letter with a body of its own"
        await command(rig, monkeypatch, cli_dead, "drop", "--all")
        assert _bodies(rig) == []
        assert (await rig.ledger("r")).dead == 2


async def test_what_is_no_frame_and_larger_than_its_letter_may_be_is_kept_whole(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, {"streams": {"deadBytes": 1 << 20}}, DOWNSTREAM) as rig:
        await rig.raw("cam", {}, b"x" * 3_000_000)
        await rig.until(lambda: _letters_are(rig, {1}))
        [letter] = await list_dead(rig.nc, rig.names)
        assert await body_of(rig.context.bucket, letter) == b"x" * 3_000_000


def _bodies(rig):
    return list((rig.folder / rig.context.pipeline.prefix / "r").glob("dead/*/*"))


async def _letters_are(rig, numbers):
    return {letter.sequence for letter in await list_dead(rig.nc, rig.names)} == numbers


async def test_an_outage_of_s3_holds_frames_and_gives_none_up(nats, tmp_path):
    with rclone_s3(tmp_path / "s3") as own:
        spec = {"deadLetters": {"maxDeliver": 1}}
        async with open_rig(nats, own, tmp_path, spec, DOWNSTREAM) as rig:
            await rig.begin("r")
            for event in range(6):
                await rig.context.bucket.put(f"f{event}", saved(IMAGE, "png"), content_type="image/png")
            urls = [rig.context.bucket.sign_get(f"f{event}") for event in range(6)]
            await asyncio.to_thread(own.kill)
            for event, url in enumerate(urls):
                await rig.publish(announced(event, url))
            await rig.end("r", cam=6)
            [worker] = [service for service in rig.running if service.name == "preprocessor"]
            await rig.until(lambda: bool(worker.log.of("waiting")))
            await asyncio.to_thread(own.start)
            line = await rig.complete("r", 60)
            assert (line.stored, line.dead) == (6, 0)


async def test_a_worker_that_stops_in_an_outage_gives_its_frames_to_the_next_at_once(nats, tmp_path):
    with rclone_s3(tmp_path / "s3") as own:
        async with open_rig(nats, own, tmp_path, services=("aggregator", "uploader")) as rig:
            await rig.begin("r")
            await rig.context.bucket.put("f", saved(IMAGE, "png"), content_type="image/png")
            url = rig.context.bucket.sign_get("f")
            await asyncio.to_thread(own.kill)
            worker = await rig.start("preprocessor")
            for event in range(6):
                await rig.publish(announced(event, url))
            await rig.until(lambda: bool(worker.log.of("waiting")))
            await rig.stop(worker, seconds=8)
            await asyncio.to_thread(own.start)
            await rig.start("preprocessor")
            await rig.end("r", cam=6)
            line = await rig.complete("r", 20)  # ack_wait is 30 s: nothing was waited for
            assert (line.stored, line.dead) == (6, 0)
