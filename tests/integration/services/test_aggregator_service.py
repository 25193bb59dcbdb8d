"""What the aggregator must not lose, block on or do twice, on real streams."""

import asyncio

import numpy as np

from cygnet.aggregator import collector
from cygnet.model.account import End
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.transport.codec import encode_results
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
        await rig.start("aggregator", "uploader")
        await rig.end("r", cam=8)
        assert (await rig.complete("r")).stored == 8


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
