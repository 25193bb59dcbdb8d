"""The pull loop against a real server: restarted, deleted under it, too large, slow, stopped."""

import asyncio
import time
from typing import Any

import pytest

from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.delivery import Delivery, Keeper
from cygnet.transport.errors import ConsumerGoneError, NatsClosedError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.puller import Puller
from cygnet.transport.streams import (
    PREPROCESSOR,
    StreamSizes,
    consumer_state,
    delete_consumer,
    ensure_streams,
    stream_state,
)
from fixtures.nats_server import NatsServer
from fixtures.waiting import until


async def fill(nc: Client, names: Names, bodies: list[bytes]) -> None:
    window = PublishWindow(nc)
    for number, body in enumerate(bodies):
        await window.submit(names.frame_subject("cam"), body, {"Number": str(number)}, msg_id=f"m{number}")
    await window.flush()
    await window.close()


def puller_of(nc: Client, names: Names, *, batch: int = 10, max_bytes: int = 1 << 20, **more: Any) -> Puller:
    return Puller(nc, names.frames, PREPROCESSOR, batch=batch, max_bytes=max_bytes, **more)


async def take(puller: Puller, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    async with asyncio.timeout(15):
        while len(taken) < count:
            for delivery in await puller.next(1):
                taken.append(delivery)
                await delivery.ack()
    return taken


async def test_every_message_comes_once_with_its_headers_and_counts(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [b"%d" % n for n in range(500)])
    puller = puller_of(nc, pipeline, batch=64)
    await puller.start()
    taken = await take(puller, 500)
    assert [delivery.data for delivery in taken] == [b"%d" % n for n in range(500)]
    first = taken[0]
    assert first.headers is not None
    assert first.headers["Number"] == "0"
    assert (first.subject, first.stream_sequence, first.delivered, first.pending) == (
        pipeline.frame_subject("cam"),
        1,
        1,
        499,
    )
    assert abs(first.time_ns / 1e9 - time.time()) < 10
    await until(lambda: _is_empty(nc, pipeline))
    assert await puller.next(0.05) == []
    await puller.stop()


async def _is_empty(nc: Client, names: Names) -> bool:
    return (await stream_state(nc, names.frames)).messages == 0


async def test_a_puller_that_waits_hears_of_a_message_at_once(nc: Client, pipeline: Names) -> None:
    puller = puller_of(nc, pipeline, batch=1)
    await puller.start()
    for _ in range(3):
        waiting = asyncio.create_task(puller.next(5))
        await asyncio.sleep(0)
        await nc.request(pipeline.frame_subject("cam"), b"now")
        (delivery,) = await asyncio.wait_for(waiting, 2)
        await delivery.ack()
    await until(lambda: _is_empty(nc, pipeline))
    await puller.stop()


async def test_prefetch_is_bounded_by_batch_and_bytes(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [bytes(10_000)] * 100)
    puller = puller_of(nc, pipeline, batch=10)
    await puller.start()
    await until(lambda: len(puller._ready) == 10)
    state = await consumer_state(nc, pipeline.frames, PREPROCESSOR)
    assert state.ack_pending <= 20
    await puller.stop()
    small = puller_of(nc, pipeline, batch=100, max_bytes=50_000)
    await small.start()
    await until(lambda: len(small._ready) > 3)
    await nc.rtt()
    assert small._ready_bytes <= 2 * 50_000
    assert len(await take(small, 100)) == 100
    await small.stop()


async def test_a_message_larger_than_max_bytes_still_arrives(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [b"a", bytes(3 << 20), b"b", bytes(2 << 20), bytes(3 << 20), b"c"])
    puller = puller_of(nc, pipeline, max_bytes=1 << 20)
    await puller.start()
    taken = await take(puller, 6)
    assert sorted(len(each.data) for each in taken) == [1, 1, 1, 2 << 20, 3 << 20, 3 << 20]
    await puller.stop()


async def test_server_killed_while_pulling_goes_on_where_it_was(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    await fill(own_nc, own_pipeline, [b"%d" % n for n in range(300)])
    puller = puller_of(own_nc, own_pipeline, batch=20)
    await puller.start()
    seen = {delivery.data for delivery in await take(puller, 100)}
    own_server.kill()
    assert await puller.next(0.05) is not None
    await asyncio.to_thread(own_server.start)
    async with asyncio.timeout(45):
        while len(seen) < 300:
            for delivery in await puller.next(1):
                seen.add(delivery.data)
                await delivery.ack()
    await puller.stop()


async def test_server_killed_while_waiting_for_the_first_message_never_hangs(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    puller = puller_of(own_nc, own_pipeline)
    await puller.start()
    waiting = asyncio.create_task(puller.next(20))
    own_server.kill()
    await asyncio.to_thread(own_server.start)
    other = await connect(own_server.url, name="other")
    await other.request(own_pipeline.frame_subject("cam"), b"after")
    assert [delivery.data for delivery in await waiting] == [b"after"]
    await close(other)
    await puller.stop()


async def test_a_request_that_the_server_forgot_is_sent_again_when_heartbeats_stop(
    nc: Client, pipeline: Names
) -> None:
    puller = puller_of(nc, pipeline, idle_heartbeat=0.2)
    await puller.start()
    nc.send(f"UNSUB {puller._sid} \r\n".encode())  # as a server that lost our interest
    await nc.rtt()
    await nc.request(pipeline.frame_subject("cam"), b"x")
    nc.send(f"SUB {puller._inbox.decode()}.*  {puller._sid}\r\n".encode())
    assert [delivery.data for delivery in await puller.next(5)] == [b"x"]
    await puller.stop()


async def test_a_deleted_consumer_is_said_instead_of_waiting_for_ever(nc: Client, pipeline: Names) -> None:
    puller = puller_of(nc, pipeline)
    await puller.start()
    waiting = asyncio.create_task(puller.next(60))
    await nc.rtt()
    await delete_consumer(nc, pipeline.frames, PREPROCESSOR)
    with pytest.raises(ConsumerGoneError, match=PREPROCESSOR):
        await asyncio.wait_for(waiting, 30)
    await puller.stop()


async def test_a_consumer_that_never_was_is_said(nc: Client, pipeline: Names) -> None:
    puller = Puller(nc, pipeline.frames, "nobody", batch=1, max_bytes=1000)
    await puller.start()
    with pytest.raises(ConsumerGoneError):
        await asyncio.wait_for(puller.next(60), 30)
    await puller.stop()


async def test_stopping_gives_back_what_was_not_handed_out(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [b"x"] * 50)
    first = puller_of(nc, pipeline, batch=20)
    await first.start()
    await until(lambda: len(first._ready) == 20)
    await first.stop()
    with pytest.raises(NatsClosedError):
        await first.next(0)
    second = puller_of(nc, pipeline, batch=50)
    await second.start()
    assert len(await take(second, 50)) == 50
    await second.stop()


async def test_nak_redelivers_and_counts(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [b"x"])
    puller = puller_of(nc, pipeline, batch=1)
    await puller.start()
    (delivery,) = await puller.next(5)
    await delivery.nak()
    (again,) = await puller.next(5)
    assert (again.delivered, again.stream_sequence) == (2, 1)
    await again.nak(delay_seconds=0.1)
    (third,) = await puller.next(5)
    await third.ack()
    await until(lambda: _is_empty(nc, pipeline))
    await puller.stop()


async def test_held_deliveries_are_not_redelivered_though_work_is_slow(nc: Client, names: Names) -> None:
    sizes = StreamSizes(
        frames_bytes=1 << 20,
        results_bytes=1 << 20,
        chunks_bytes=1 << 20,
        dead_bytes=1 << 20,
        ack_wait_seconds=0.3,
    )
    await ensure_streams(nc, names, sizes, {})
    await fill(nc, names, [b"x"] * 4)
    keeper = Keeper(0.3)
    keeping = asyncio.create_task(keeper.run())
    puller = puller_of(nc, names, batch=8, keeper=keeper)  # a request stays open: one could come again
    await puller.start()
    taken = await puller.next(5)
    while len(taken) < 4:
        taken += await puller.next(5)
    assert await puller.next(1) == []
    assert (await consumer_state(nc, names.frames, PREPROCESSOR)).redelivered == 0
    for delivery in taken:
        await delivery.ack()
    assert len(keeper) == 0
    await until(lambda: _is_empty(nc, names))
    keeping.cancel()
    await puller.stop()


async def test_deliveries_of_two_pullers_of_one_consumer_are_disjoint(nc: Client, pipeline: Names) -> None:
    await fill(nc, pipeline, [b"%d" % n for n in range(400)])
    one, two = puller_of(nc, pipeline), puller_of(nc, pipeline)
    await one.start()
    await two.start()
    seen: list[bytes] = []
    async with asyncio.timeout(15):
        while len(seen) < 400:
            for puller in (one, two):
                for delivery in await puller.next(0.05):
                    seen.append(delivery.data)
                    await delivery.ack()
    assert len(set(seen)) == 400
    await one.stop()
    await two.stop()
