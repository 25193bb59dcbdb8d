"""Stream administration on a real server."""

import asyncio
import time

import pytest

from cygnet.transport.api import api
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import (
    ApiError,
    ConsumerGoneError,
    NatsOutageError,
    StorageReserveError,
    StreamConflictError,
)
from cygnet.transport.names import Names
from cygnet.transport.streams import (
    PREPROCESSOR,
    UPLOADER,
    StreamSizes,
    aggregator_consumer,
    bucket_stream,
    consumer_state,
    consumers,
    create_aggregator_consumer,
    delete_streams,
    ensure_intake,
    ensure_streams,
    stream_state,
    subjects,
)
from fixtures.nats_server import nats_server

OWNER = {"cygnet.owner": "tests"}


async def test_streams_have_the_form_of_the_design(nc: Client, pipeline: Names) -> None:
    forms = {}
    for stream in (
        pipeline.frames,
        pipeline.results,
        pipeline.chunks,
        pipeline.notices,
        pipeline.account,
        pipeline.dead,
    ):
        config = (await api(nc, f"STREAM.INFO.{stream}"))["config"]
        assert config["metadata"]["cygnet.owner"] == "tests"
        assert config["allow_direct"]
        forms[stream.rpartition("_")[2]] = (config["retention"], config["discard"], config["subjects"][0])
    root = f"cygnet.test.{pipeline.pipeline}"
    assert forms == {
        "FRAMES": ("workqueue", "new", f"{root}.frames.>"),
        "RESULTS": ("workqueue", "new", f"{root}.results.*"),
        "CHUNKS": ("limits", "new", f"{root}.chunks.*.*.*.*"),
        "NOTICES": ("workqueue", "new", f"{root}.notices.*"),
        "ACCOUNT": ("limits", "new", f"{root}.account.*.*.*"),
        "DEAD": ("limits", "old", f"{root}.dead.*.*"),
    }
    bucket = (await api(nc, f"STREAM.INFO.{bucket_stream(pipeline)}"))["config"]
    assert bucket["max_msgs_per_subject"] == 1
    for stream, consumer in ((pipeline.frames, PREPROCESSOR), (pipeline.notices, UPLOADER)):
        config = (await api(nc, f"CONSUMER.INFO.{stream}.{consumer}"))["config"]
        assert config["max_deliver"] == -1
        assert config["ack_policy"] == "explicit"
    assert (await api(nc, f"CONSUMER.INFO.{pipeline.frames}.{PREPROCESSOR}"))["config"][
        "filter_subject"
    ] == f"{root}.frames.*"


async def test_several_processes_may_make_the_streams_at_once(
    nc: Client, names: Names, sizes: StreamSizes
) -> None:
    await asyncio.gather(*(ensure_streams(nc, names, sizes, OWNER) for _ in range(8)))
    assert await consumers(nc, names.frames) == [PREPROCESSOR]


async def test_new_sizes_change_the_streams_in_place(nc: Client, pipeline: Names, sizes: StreamSizes) -> None:
    await nc.request(pipeline.frame_subject("cam"), b"kept")
    larger = StreamSizes(
        frames_bytes=96 << 20,
        results_bytes=64 << 20,
        chunks_bytes=64 << 20,
        dead_bytes=16 << 20,
        ack_wait_seconds=7,
    )
    await ensure_streams(nc, pipeline, larger, OWNER)
    state = await stream_state(nc, pipeline.frames)
    assert (state.max_bytes, state.messages) == (96 << 20, 1)
    config = (await api(nc, f"CONSUMER.INFO.{pipeline.frames}.{PREPROCESSOR}"))["config"]
    assert config["ack_wait"] == 7_000_000_000


async def test_another_retention_says_so_instead_of_losing_messages(
    nc: Client, names: Names, sizes: StreamSizes
) -> None:
    subject = names.frame_subject(">")
    await api(
        nc, f"STREAM.CREATE.{names.frames}", {"name": names.frames, "subjects": [subject], "storage": "file"}
    )
    with pytest.raises(StreamConflictError, match=r"workqueue.*delete it first"):
        await ensure_streams(nc, names, sizes, OWNER)


async def test_bytes_that_the_server_does_not_have_are_named(nc: Client, names: Names) -> None:
    huge = StreamSizes(frames_bytes=1 << 50, results_bytes=1 << 20, chunks_bytes=1 << 20, dead_bytes=1 << 20)
    with pytest.raises(StorageReserveError, match=rf"{names.frames}.*{1 << 50} bytes"):
        await ensure_streams(nc, names, huge, OWNER)


async def test_two_pipelines_share_one_intake_of_the_larger_size(nc: Client) -> None:
    first = await ensure_intake(nc, "daq/data", 2 << 20)
    assert await ensure_intake(nc, "daq/data", 1 << 20) == first
    assert (await stream_state(nc, first)).max_bytes == 2 << 20
    await nc.request("daq/data", b"{}")
    assert (await stream_state(nc, first)).messages == 1


async def test_an_intake_on_a_subject_of_another_stream_is_refused(nc: Client, pipeline: Names) -> None:
    with pytest.raises(StreamConflictError, match="another stream owns"):
        await ensure_intake(nc, pipeline.frame_subject("cam"), 1 << 20)


async def test_age_of_the_oldest_message_is_known_and_none_when_empty(nc: Client, pipeline: Names) -> None:
    assert (await stream_state(nc, pipeline.frames)).first_ts is None
    await nc.request(pipeline.frame_subject("cam"), b"x")
    state = await stream_state(nc, pipeline.frames)
    assert state.first_ts is not None
    assert abs(time.time() - state.first_ts) < 5
    consumer = await consumer_state(nc, pipeline.frames, PREPROCESSOR)
    assert (consumer.pending, consumer.ack_pending, consumer.redelivered) == (1, 0, 0)
    assert await subjects(nc, pipeline.frames, pipeline.frame_subject("*")) == {
        pipeline.frame_subject("cam"): 1
    }


async def test_takeover_removes_the_old_consumer_and_an_overtaken_one_is_told(
    nc: Client, pipeline: Names, sizes: StreamSizes
) -> None:
    await create_aggregator_consumer(nc, pipeline, sizes, 1)
    assert await create_aggregator_consumer(nc, pipeline, sizes, 2) == aggregator_consumer(2)
    assert await consumers(nc, pipeline.results) == [aggregator_consumer(2)]
    with pytest.raises(ConsumerGoneError, match="epoch 2"):
        await create_aggregator_consumer(nc, pipeline, sizes, 1)


async def test_deleting_twice_is_deleting_once(nc: Client, pipeline: Names) -> None:
    await delete_streams(nc, pipeline)
    await delete_streams(nc, pipeline)
    with pytest.raises(ApiError):
        await stream_state(nc, pipeline.frames)


async def test_a_server_without_jetstream_is_an_outage_in_plain_words(
    names: Names, sizes: StreamSizes
) -> None:
    with nats_server({"jetstream": False}) as server:
        nc = await connect(server.url, name="test")
        with pytest.raises((NatsOutageError, ApiError), match=r"JetStream|not enabled"):
            await ensure_streams(nc, names, sizes, OWNER)
        await close(nc)
