"""What the aggregator must not lose, block on or do twice, on real streams."""

import asyncio

import numpy as np
import pytest

from cygnet.aggregator import accession, collector, committer, completion
from cygnet.aggregator.accession import fence, slices_now, sweep
from cygnet.aggregator.takeover import FencedError, SliceSubject
from cygnet.model.account import Commit, End, Epoch
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.storage.errors import StorageError
from cygnet.storage.index import list_manifests, segments_cover, write_segment
from cygnet.storage.keys import segment_key
from cygnet.transport.account import append, last_commit
from cygnet.transport.codec import encode_results
from cygnet.transport.errors import WrongLastSequenceError
from cygnet.transport.reference import reference_folder, reference_key
from cygnet.transport.slices import publish_slices
from cygnet.transport.stored import stored_message
from cygnet.transport.streams import consumers, stream_state
from cygnet.transport.values import Values
from fixtures.rig import frame, open_rig

DOWNSTREAM = ("preprocessor", "aggregator", "uploader")


async def test_the_end_of_a_run_that_comes_while_its_account_is_read_is_not_lost(
    nats, s3, tmp_path, monkeypatch
):
    reading, passed = asyncio.Event(), asyncio.Event()
    read = collector.read_run

    async def read_slowly(context, run):
        records = await read(context, run)
        reading.set()
        await passed.wait()
        return records

    class Watched(collector.Follower):
        saw_end = False

        async def next(self, timeout):
            if self.saw_end:
                passed.set()
            records = await super().next(timeout)
            self.saw_end = self.saw_end or any(isinstance(record, End) for _, record in records)
            return records

    monkeypatch.setattr(collector, "read_run", read_slowly)
    monkeypatch.setattr(collector, "Follower", Watched)
    async with open_rig(nats, s3, tmp_path) as rig:
        await rig.begin("r")  # before the aggregator, which therefore learns of it by its first result
        await rig.start(*DOWNSTREAM)
        await rig.until(lambda: _follows(rig))
        for event in range(3):
            await rig.publish(frame(event))
        await asyncio.wait_for(reading.wait(), 10)
        await rig.end("r", cam=3)
        assert (await rig.complete("r")).stored == 3


async def test_what_is_no_result_costs_one_message(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await rig.begin("r")
        subject = rig.names.result_subject("cam")
        window = rig.context.window
        await window.publish(subject, b"garbage")
        await window.publish(subject, b"garbage", {"Content-Type": "application/vnd.cygnet.results"})
        await window.publish(subject, b"{", {"Content-Type": "application/vnd.cygnet.reference+json"})
        for event in range(3):
            await rig.publish(frame(event))
        await rig.end("r", cam=3)
        assert (await rig.complete("r")).stored == 3
        assert {letter.stage for letter in await rig.letters()} == {"aggregate"}
        assert len(await rig.letters()) == 3
        await rig.until(lambda: _is_empty(rig, rig.names.results))


async def test_a_pack_of_results_that_cannot_be_read_leaves_no_number_in_flight(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await rig.begin("r")
        results = [
            Result(
                id=FrameId("r", "cam", event),
                time_ns=1,
                arrays={"image": np.zeros((2, 2))},
                axes={"image": "y,x"},
            )
            for event in (0, 1, 5)
        ]
        headers, body = encode_results(results)
        await rig.context.window.publish(rig.names.result_subject("cam"), b"\xff" + body[1:], headers)
        for event in (2, 3, 4):
            await rig.publish(frame(event))
        await rig.end("r", cam=6)
        line = await rig.complete("r")
        assert (line.stored, line.dead, line.in_flight) == (3, 3, 0)
        assert {letter.id.event for letter in await rig.letters("r")} == {0, 1, 5}


async def test_a_result_by_reference_that_comes_again_after_its_commit_blocks_nothing(nats, s3, tmp_path):
    """Its object is gone by then: an aggregator that asked for it died again and again."""
    spec = {"streams": {"resultsBytes": 32 << 20, "chunksBytes": 32 << 20}}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await rig.begin("r")
        worker = await rig.start("preprocessor")
        big = frame(0, np.full((2600, 3300), 7, "u1"))  # larger than a message
        await rig.context.bucket.put("r0", bytes(big.body), content_type="application/octet-stream")
        body = (
            b'{"url":"%b","time":"2024-01-01 00:00:00","dtype":"|u1","shape":[2600,3300]}'
            % rig.context.bucket.sign_get("r0").encode()
        )
        announced = frame(
            0, body=body, content_type="application/vnd.cygnet.announcement+json", dtype="", shape=()
        )
        await rig.publish(announced)
        await rig.until(lambda: _holds(rig, rig.names.results, 1))
        await rig.stop(worker)
        message = await stored_message(rig.nc, rig.names.results, 1)
        assert len(message.data) < 2000
        await rig.start(*DOWNSTREAM)
        await rig.end("r", cam=1)
        await rig.complete("r")
        await rig.context.window.publish(
            rig.names.result_subject("cam"), message.data, {"Content-Type": message.headers["Content-Type"]}
        )
        await rig.until(lambda: _is_empty(rig, rig.names.results))
        await rig.begin("next")
        await rig.publish(frame(0, run="next"))
        await rig.end("next", cam=1)
        assert (await rig.complete("next")).stored == 1
        assert (await rig.ledger("r")).stored == 1


async def test_an_aggregator_that_follows_another_finishes_its_run(nats, s3, tmp_path):
    spec = {"aggregator": {"chunkSize": 5}}
    async with open_rig(nats, s3, tmp_path, spec, ("preprocessor", "uploader")) as rig:
        await Values(rig.nc, rig.names).put("run.r", {"state": "running"})
        await rig.begin("r")
        for event in range(13):
            await rig.publish(frame(event))
        for _ in range(2):
            aggregator = await rig.start("aggregator")
            await rig.until(lambda: _stored(rig, "r", 10))
            await rig.kill(aggregator)
        await rig.start("aggregator")
        await rig.end("r", cam=13)
        assert (await rig.complete("r")).stored == 13
        assert len(rig.rows("r")) == 13


async def test_two_aggregators_take_turns_and_commit_each_event_once(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, services=("preprocessor", "uploader")) as rig:
        await rig.begin("r")
        first = await rig.start("aggregator")
        await rig.start("aggregator")
        for event in range(25):
            await rig.publish(frame(event))
        await rig.until(lambda: _stored(rig, "r", 20))
        await rig.stop(first)
        await rig.end("r", cam=25)
        assert (await rig.complete("r", 40)).stored == 25
        assert len(rig.rows("r")) == 25


async def test_stopping_while_chunks_are_full_ends_in_order_and_the_next_one_commits(nats, s3, tmp_path):
    """Nobody uploads, so CHUNKS fills: the grace period must not run out over a commit that cannot end."""
    spec = {
        "streams": {"chunksBytes": 1 << 20, "framesBytes": 16 << 20, "resultsBytes": 16 << 20},
        "aggregator": {"chunkSize": 1, "maxBytes": 512 << 10},
    }
    async with open_rig(nats, s3, tmp_path, spec, ("preprocessor",), grace=2) as rig:
        await rig.begin("r")
        for event in range(8):
            await rig.publish(frame(event, np.full((500, 500), event, "u1")))
        aggregator = await rig.start("aggregator")
        await rig.until(lambda: _holds(rig, rig.names.notices, 3))
        await rig.stop(aggregator, seconds=4)
        committed = {commit.attempt for commit in (await rig.account("r")).detector("cam").commits.values()}
        assert {each.attempt for each in await slices_now(rig.context)} == committed, "it left half a chunk"
        await rig.start("aggregator", "uploader")
        await rig.end("r", cam=8)
        assert (await rig.complete("r")).stored == 8


async def test_objects_of_results_that_a_killed_aggregator_left_go_with_the_end_of_their_run(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        bucket, prefix = rig.context.bucket, rig.context.pipeline.prefix
        left = [reference_key(prefix, FrameId("r", "cam", event), f"{event:064x}") for event in (1, 7)]
        others = f"{reference_folder(prefix, 'r')}/cam/notes"
        for key in (*left, others):
            await bucket.put(key, b"x", content_type="application/octet-stream")
        await rig.begin("r")
        for event in range(3):
            await rig.publish(frame(event))
        await rig.end("r", cam=3)
        await rig.complete("r")
        found = {each.key async for each in bucket.list(reference_folder(prefix, "r"))}
        assert found == {left[1], others}, "event 7 is not settled"


async def test_an_index_segment_that_somebody_else_wrote_stops_a_run_for_one_try_only(
    nats, s3, tmp_path, monkeypatch
):
    monkeypatch.setattr(completion, "SEGMENT_CHUNKS", 2)
    spec = {"aggregator": {"chunkSize": 1}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        bucket, prefix = rig.context.bucket, rig.context.pipeline.prefix
        await rig.begin("r")
        for event in range(2):
            await rig.publish(frame(event))
        await rig.until(lambda: _stored(rig, "r", 2))
        ours = completion.Completion(rig.context)
        await ours.extend_index(await rig.account("r"))
        for event in range(2, 6):
            await rig.publish(frame(event))
        await rig.until(lambda: _stored(rig, "r", 6))
        await rig.kill(next(service for service in rig.running if service.name == "aggregator"))
        last = list_manifests(bucket.reader, prefix, "r")[-1]
        await bucket.delete([segment_key(prefix, "r", 1)])  # the aggregator's own, if it was as quick
        await write_segment(bucket, prefix, "r", 1, [last])
        monkeypatch.setattr(type(bucket), "put", _honouring(type(bucket).put))
        with pytest.raises(StorageError, match="holds other manifests"):
            await ours.extend_index(await rig.account("r"))
        await ours.extend_index(await rig.account("r"))
        assert segments_cover(bucket.reader, prefix, "r")[0] == 3


def _honouring(put):
    """S3 honours `If-None-Match`; the server of these tests does not."""

    async def conditional(self, key, body, *, only_if_absent=False, **more):
        if only_if_absent and await self.head(key):
            return False
        return await put(self, key, body, only_if_absent=only_if_absent, **more)

    return conditional


async def test_what_is_known_of_a_run_that_is_complete_is_dropped(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path) as rig:
        known = committer.Committer(rig.context, 1)
        known.learn({("r", "cam"): 7, ("s", "cam"): 9}, {"r": ["a"], "s": ["b"]})
        known.forget("r")
        assert (known._sequences, known._keys) == ({("s", "cam"): 9}, {"s": {"b"}})


SMALL_CHUNKS = {
    "aggregator": {"maxAgeSeconds": 1, "maxBytes": 1 << 19, "chunkSize": 1000},
    "streams": {"chunksBytes": 1 << 20},
}


async def test_slices_that_came_too_late_to_be_purged_do_not_hold_chunks_full_for_ever(
    nats, s3, tmp_path, monkeypatch
):
    """What a paused aggregator still had in its socket comes after its successor has looked."""
    monkeypatch.setattr(committer, "_SWEEP_SECONDS", 0.5)
    async with open_rig(nats, s3, tmp_path, SMALL_CHUNKS, DOWNSTREAM) as rig:
        await rig.begin("r")
        for run in ("r", "gone"):
            subject = rig.names.chunk_subject(run, "cam", "000000000-000000009", f"late-{run}")
            body = memoryview(bytes(510_000))  # beside the two there is room for one event
            await publish_slices(rig.context.window, rig.nc, subject, f"late-{run}", body, "object")
        for event in range(64):
            await rig.publish(frame(event, np.full((128, 128), event, "u1")))
        await rig.end("r", cam=64)
        assert (await rig.complete("r")).stored == 64
        await rig.until(lambda: _is_empty(rig, rig.names.chunks))


async def test_a_sweep_fences_whoever_might_still_commit_what_it_purges(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path) as rig:
        await rig.begin("r")
        old, ours = SliceSubject("r", "cam", "0-9", "old"), SliceSubject("r", "cam", "0-9", "ours")
        sequences = {}
        for each in (old, ours):
            subject = rig.names.chunk_subject(each.run, each.detector, each.chunk, each.attempt)
            sequences[each] = await publish_slices(
                rig.context.window, rig.nc, subject, each.attempt, memoryview(b"x"), "object"
            )
        fenced = await sweep(rig.context, 2, ours)
        with pytest.raises(WrongLastSequenceError):
            await append(rig.context.window, rig.names, _commit(old, sequences[old]), expected=0)
        await append(rig.context.window, rig.names, _commit(ours, [1]), expected=fenced["r", "cam"])
        assert await slices_now(rig.context) == [ours]
        assert await sweep(rig.context, 3, SliceSubject("r", "cam", "x", "y")) == {}
        assert await slices_now(rig.context) == [ours], "a commit names it"


async def test_a_fenced_aggregator_keeps_the_slices_of_a_commit_that_was_its_own(nats, s3, tmp_path):
    """The PubAck was lost and the server's memory of ids over: what is sent again is refused."""
    async with open_rig(nats, s3, tmp_path) as rig:
        await rig.begin("r")
        window = rig.context.window
        for attempt, appended in (("mine", True), ("lost", False)):
            slices = SliceSubject("r", "cam", "0-9", attempt)
            subject = rig.names.chunk_subject("r", "cam", "0-9", attempt)
            numbers = await publish_slices(window, rig.nc, subject, attempt, memoryview(b"x"), "object")
            record = _commit(slices, numbers)
            before = await last_commit(rig.nc, rig.names, "r", "cam")
            if appended:
                await append(window, rig.names, record, expected=before[0])
            await fence(rig.context, ("r", "cam"), 5 if appended else 6)
            fenced = committer.Committer(rig.context, 1)
            fenced.learn({("r", "cam"): before[0]})
            with pytest.raises(FencedError):
                await fenced._append(record)
        assert [each.attempt for each in await slices_now(rig.context)] == ["mine"]


async def test_an_account_that_is_read_from_a_server_behind_is_read_again(nats, s3, tmp_path, monkeypatch):
    """Without a commit that its predecessor made, the successor would store those events twice."""
    read, behind = accession.read_account, []

    async def read_behind(*given):
        records = await read(*given)
        if len(behind) < 2 and any(isinstance(record, Epoch) for _, record in records):
            behind.append(len(records))
            return records[:-2]
        return records

    async with open_rig(nats, s3, tmp_path, services=DOWNSTREAM) as rig:
        await rig.values.put("run.r", {"state": "running"})
        await rig.begin("r")
        for event in range(12):
            await rig.publish(frame(event))
        await rig.until(lambda: _stored(rig, "r", 10))
        [aggregator] = [service for service in rig.running if service.name == "aggregator"]
        await rig.kill(aggregator)
        monkeypatch.setattr(accession, "read_account", read_behind)
        await rig.start("aggregator")
        await rig.end("r", cam=12)
        assert (await rig.complete("r")).stored == 12
        assert len(behind) == 2


async def test_results_that_are_mostly_attributes_do_not_fill_their_stream_until_the_age_of_a_chunk(
    nats, s3, tmp_path
):
    spec = {
        "aggregator": {"maxAgeSeconds": 600, "chunkSize": 100_000},
        "streams": {"resultsBytes": 1 << 20},
    }
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        await rig.begin("r")
        for event in range(400):
            await rig.publish(frame(event, attrs={"label": "x" * 3500}))
        await rig.until(lambda: _stored(rig, "r", 100))
        await rig.end("r", cam=400)
        assert (await rig.complete("r")).stored == 400


def _commit(slices, numbers):
    return Commit(
        run=slices.run, detector=slices.detector, chunk=slices.chunk, attempt=slices.attempt, epoch=1,
        key="k", content_type="x", size=1, sha256="s", events=[(0, 9)], slices=numbers, manifest_key="m",
        manifest_size=0, manifest_sha256="", manifest_slices=[],
    )  # fmt: skip


async def _follows(rig):
    """Whether the aggregator follows the account: it has made its consumer there."""
    return bool(await consumers(rig.nc, rig.names.results)) and bool(
        await consumers(rig.nc, rig.names.account)
    )


async def _stored(rig, run, events):
    return (await rig.ledger(run)).stored >= events


async def _holds(rig, stream, messages):
    return (await stream_state(rig.nc, stream)).messages >= messages


async def _is_empty(rig, stream):
    return (await stream_state(rig.nc, stream)).messages == 0


async def test_a_complete_run_leaves_no_attempt_that_a_killed_nats_forgot(nats, s3, tmp_path):
    """Its count of deliveries was lost, so that the frame was never tried alone again, and stored."""
    async with open_rig(nats, s3, tmp_path) as rig:
        await rig.begin("r")
        await rig.values.put("attempt.r.cam.1", {"attempts": 1})
        await rig.values.put("attempt.other.cam.1", {"attempts": 1})
        await rig.start(*DOWNSTREAM)
        for event in range(3):
            await rig.publish(frame(event))
        await rig.end("r", cam=3)
        assert (await rig.complete("r")).stored == 3
        assert await rig.values.keys("attempt.") == ["attempt.other.cam.1"]
