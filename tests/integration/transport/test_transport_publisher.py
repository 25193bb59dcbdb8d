"""The publishing window against a real server: killed, full, fenced, frozen."""

import asyncio

import pytest

from cygnet.transport.api import api
from cygnet.transport.client import Client
from cygnet.transport.connection import inline_limit
from cygnet.transport.errors import (
    MessageTooLargeError,
    NatsClosedError,
    PublishRefusedError,
    WrongLastSequenceError,
)
from cygnet.transport.names import Names
from cygnet.transport.publisher import PubAck, PublishWindow
from cygnet.transport.streams import StreamSizes, delete_streams, ensure_streams, stream_state
from fixtures.nats_server import NatsServer
from fixtures.waiting import until

BODY = b"x" * 1000


async def test_every_message_is_acked_in_order_and_stored_once(nc: Client, pipeline: Names) -> None:
    window = PublishWindow(nc)
    subject = pipeline.frame_subject("cam")
    futures = [await window.submit(subject, BODY, {"A": "b"}, msg_id=f"m{i}") for i in range(2000)]
    acks = await asyncio.gather(*futures)
    assert [ack.sequence for ack in acks] == list(range(1, 2001))
    assert acks[0] == PubAck(stream=pipeline.frames, sequence=1)
    assert window.in_flight_bytes == 0
    await window.close()


async def test_server_killed_in_mid_window_loses_nothing_and_resolves_every_future(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    window = PublishWindow(own_nc, max_bytes=1 << 20)
    subject = own_pipeline.frame_subject("cam")
    futures: list[asyncio.Future[PubAck]] = []

    async def produce() -> None:
        for number in range(3000):
            future = await window.submit(subject, BODY, msg_id=f"m{number}")
            futures.append(future)

    producer = asyncio.create_task(produce())
    for step in (500, 1500):
        await until(lambda step=step: len(futures) > step)
        own_server.kill()
        await asyncio.to_thread(own_server.start)
    async with asyncio.timeout(20):
        await producer
        acks = await asyncio.gather(*futures)
    assert len({ack.sequence for ack in acks}) == 3000
    assert (await stream_state(own_nc, own_pipeline.frames)).messages == 3000
    assert window.resent > 0
    await window.close()


async def test_unanswered_messages_are_sent_again_when_a_frozen_server_wakes(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    told: list[tuple[int, int, float]] = []
    window = PublishWindow(own_nc, ack_timeout=0.2, on_silence=lambda *what: told.append(what))
    own_server.pause()
    future = await window.submit(own_pipeline.frame_subject("cam"), BODY, msg_id="one")
    await until(lambda: len(told) > 1)
    own_server.resume()
    await asyncio.wait_for(future, 10)
    await window.flush()
    assert [what[:2] for what in told] == [(1, 1)] * (len(told) - 1) + [(0, 0)]
    assert [what[2] for what in told] == sorted(what[2] for what in told)
    assert window.resent == len(told) - 1
    assert (await stream_state(own_nc, own_pipeline.frames)).messages == 1
    await window.close()


async def test_full_stream_holds_the_source_and_lets_it_go_on_with_nothing_lost(
    nc: Client, names: Names
) -> None:
    small = StreamSizes(
        frames_bytes=64 << 10, results_bytes=1 << 20, chunks_bytes=1 << 20, dead_bytes=1 << 20
    )
    await ensure_streams(nc, names, small, {})
    told: list[bool] = []
    window = PublishWindow(nc, max_bytes=200 << 10, on_backpressure=told.append)
    subject = names.frame_subject("cam")
    futures: list[asyncio.Future[PubAck]] = []

    async def produce() -> None:
        for number in range(150):
            body = str(number).encode().ljust(1000)
            future = await window.submit(subject, body, msg_id=f"m{number}")
            futures.append(future)

    producer = asyncio.create_task(produce())
    await until(lambda: window.is_blocked)
    assert window.blocked_since is not None
    stored = (await stream_state(nc, names.frames)).messages
    assert 0 < stored < 150
    assert not producer.done()
    order: list[int] = []
    while len(order) < 150:
        state = await stream_state(nc, names.frames)
        for sequence in range(state.first_seq, state.last_seq + 1):
            found = await nc.jetstream().get_msg(names.frames, sequence)
            order.append(int(found.data or b""))
        await api(nc, f"STREAM.PURGE.{names.frames}", {"seq": state.last_seq + 1})
    await asyncio.wait_for(window.flush(), 10)
    assert sorted(order) == list(range(150))
    assert order[:stored] == list(range(stored))
    assert told == [True, False]
    assert not window.is_blocked
    assert window.held_seconds > 0
    await window.close()


async def test_a_duplicate_is_acked_as_such_even_when_the_stream_is_full(nc: Client, pipeline: Names) -> None:
    window = PublishWindow(nc)
    first = await window.publish(pipeline.frame_subject("cam"), BODY, msg_id="same")
    again = await window.publish(pipeline.frame_subject("cam"), BODY, msg_id="same")
    assert not first.duplicate
    assert again.duplicate
    assert again.sequence == first.sequence
    await window.close()


async def test_of_two_writers_with_the_same_expectation_only_one_commits(nc: Client, pipeline: Names) -> None:
    subject = pipeline.account_subject("r", "cam", "commit")
    old, new = PublishWindow(nc), PublishWindow(nc)
    first = await old.publish(subject, b"0", expected_last_subject_sequence=0)
    taken = await new.publish(subject, b"epoch", expected_last_subject_sequence=first.sequence)
    with pytest.raises(WrongLastSequenceError) as caught:
        await old.publish(subject, b"late", expected_last_subject_sequence=first.sequence)
    assert caught.value.last_sequence == taken.sequence
    await old.close()
    await new.close()


async def test_an_absent_stream_is_an_outage_until_it_is_made(
    nc: Client, names: Names, sizes: StreamSizes
) -> None:
    window = PublishWindow(nc)
    future = await window.submit(names.frame_subject("cam"), BODY)
    await until(lambda: window.resent > 1)
    assert not window.is_blocked
    await ensure_streams(nc, names, sizes, {})
    assert (await asyncio.wait_for(future, 10)).sequence == 1
    await window.close()
    await delete_streams(nc, names)


async def test_a_message_above_the_limit_is_refused_before_it_can_close_the_connection(
    nc: Client, pipeline: Names
) -> None:
    window = PublishWindow(nc)
    with pytest.raises(MessageTooLargeError, match="accepted: up to"):
        await window.submit(pipeline.frame_subject("cam"), bytes(inline_limit(nc) + 1))
    assert (await window.publish(pipeline.frame_subject("cam"), bytes(inline_limit(nc)))).sequence == 1
    await window.close()


async def test_a_refusal_that_no_waiting_mends_is_raised_and_the_next_goes_on(
    nc: Client, names: Names
) -> None:
    config = {"name": "TINY", "subjects": ["tiny"], "max_msg_size": 2000, "storage": "file"}
    await api(nc, "STREAM.CREATE.TINY", config)
    window = PublishWindow(nc)
    with pytest.raises(PublishRefusedError, match="size exceeds"):
        await window.publish("tiny", bytes(4000))
    assert (await window.publish("tiny", b"small")).sequence == 1
    await window.close()


async def test_a_value_with_line_breaks_cannot_add_a_header(nc: Client, pipeline: Names) -> None:
    window = PublishWindow(nc)
    ack = await window.publish(pipeline.frame_subject("cam"), b"", {"A": "b\r\nEvil: yes"})
    found = await nc.jetstream().get_msg(pipeline.frames, ack.sequence)
    assert found.headers is not None
    assert found.headers["A"] == "b  Evil: yes"
    assert "Evil" not in found.headers
    await window.close()


async def test_closing_ends_those_who_wait_for_room_and_for_acks(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    told: list[tuple[int, int, float]] = []
    window = PublishWindow(
        own_nc, max_bytes=4000, ack_timeout=0.2, on_silence=lambda *what: told.append(what)
    )
    own_server.pause()
    subject = own_pipeline.frame_subject("cam")
    future = await window.submit(subject, BODY)
    await until(lambda: bool(told))
    waiting = asyncio.create_task(window.submit(subject, BODY))
    idle = asyncio.create_task(window.flush())
    await asyncio.sleep(0)
    await window.close()
    for each in (future, waiting):
        with pytest.raises(NatsClosedError):
            await each
    await asyncio.wait_for(idle, 1)
    assert told[-1][:2] == (0, 0), "nobody waits for an answer any more"
    with pytest.raises(NatsClosedError):
        await window.submit(subject, BODY)
    own_server.resume()


async def test_a_cancelled_wait_for_room_gives_the_room_to_the_next(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    window = PublishWindow(own_nc, max_bytes=4000)
    own_server.pause()
    subject = own_pipeline.frame_subject("cam")
    first = await window.submit(subject, BODY)
    second, third = (asyncio.create_task(window.submit(subject, BODY)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    own_server.resume()
    await asyncio.wait_for(first, 10)
    assert (await (await asyncio.wait_for(third, 10))).sequence == 2
    await window.flush()
    assert window.in_flight_bytes == 0
    await window.close()
