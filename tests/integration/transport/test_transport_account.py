"""The account on a real server: two writers, lost acknowledgements, restarts, newer versions."""

import asyncio

import pytest

from cygnet.model.account import Begin, Commit, Consumed, Dead, Dropped, End, Epoch, Record, Stored
from cygnet.transport.account import (
    Follower,
    append,
    encode_record,
    last_commit,
    last_record,
    last_sequence,
    purge_run,
    read_account,
)
from cygnet.transport.client import Client
from cygnet.transport.errors import ConsumerGoneError, WrongLastSequenceError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.streams import consumers, delete_streams
from fixtures.nats_server import NatsServer
from fixtures.waiting import until

COMMIT = Commit(
    run="r",
    detector="cam",
    chunk="000000",
    attempt="a1",
    epoch=1,
    key="r/cam/chunk.npz",
    content_type="application/octet-stream",
    size=10,
    sha256="00",
    events=[(0, 9), (11, 12)],
    slices=[1, 2],
    manifest_key="m",
    manifest_size=3,
    manifest_sha256="11",
    manifest_slices=[3],
)
RECORDS: list[Record] = [
    Begin(run="r", detectors=["cam"], time_ns=1, config={"a": [1, {"b": None}]}),
    Epoch(run="r", detector="cam", epoch=1),
    COMMIT,
    Stored(run="r", detector="c", chunk="0", attempt="a", key="k", manifest_key="m", size=1, events=[(0, 9)]),
    Consumed(run="r", detector="cam", events=[(10, 10)], reason="filtered"),
    Dead(run="r", detector="cam", events=[(13, 13)], reason="not-json", message="µ"),
    Dropped(run="r", detector="cam", events=[(14, 20)], reason="restart"),
    End(run="r", announced={"cam": 21}, time_ns=2),
]  # fmt: skip


@pytest.fixture
def window(nc: Client) -> PublishWindow:
    return PublishWindow(nc)


async def test_every_kind_of_record_comes_back_as_it_was_written(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    for record in RECORDS:
        await append(window, pipeline, record)
    await append(window, pipeline, Begin(run="other", detectors=[], time_ns=3))
    assert await read_account(nc, pipeline, "r") == list(enumerate(RECORDS, 1))
    assert len(await read_account(nc, pipeline)) == len(RECORDS) + 1
    assert await read_account(nc, pipeline, "never") == []
    assert await last_commit(nc, pipeline, "r", "cam") == (3, COMMIT)
    assert await last_commit(nc, pipeline, "r", "none") == (0, None)
    assert await last_sequence(nc, pipeline, "r", "=", Begin.kind) == 1
    assert await last_record(nc, pipeline, "r", "=", End.kind) == RECORDS[-1]
    assert await purge_run(nc, pipeline, "r") == len(RECORDS)
    assert await read_account(nc, pipeline, "r") == []
    await until(lambda: _no_readers(nc, pipeline))


async def _no_readers(nc: Client, names: Names) -> bool:
    return await consumers(nc, names.account) == []


async def test_an_overtaken_owner_can_no_longer_commit(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    first = await append(window, pipeline, Epoch(run="r", detector="cam", epoch=1), expected=0)
    await append(window, pipeline, Epoch(run="r", detector="cam", epoch=2), expected=first.sequence)
    with pytest.raises(WrongLastSequenceError):
        await append(window, pipeline, COMMIT, expected=first.sequence)


@pytest.mark.parametrize("msg_id", [None, "commit-1"])
async def test_a_commit_whose_acknowledgement_was_lost_is_known_as_ours(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names, msg_id: str | None
) -> None:
    window = PublishWindow(own_nc)
    first = await append(window, own_pipeline, COMMIT, msg_id=msg_id, expected=0)
    own_server.kill()
    own_server.start()
    await until(lambda: own_nc.is_up)
    again = await append(window, own_pipeline, COMMIT, msg_id=msg_id, expected=0)
    assert (again.sequence, again.duplicate) == (first.sequence, True)
    assert len(await read_account(own_nc, own_pipeline)) == 1


async def test_records_of_a_newer_version_are_passed_over_and_counted(
    nc: Client, pipeline: Names, window: PublishWindow, caplog: pytest.LogCaptureFixture
) -> None:
    subject = pipeline.account_subject("r", "cam", "weighed")
    for body in (b'{"record":"weighed","run":"r"}', b"not json", b'{"record":"begin","run":3}'):
        await window.publish(subject, body)
    newer = encode_record(RECORDS[4])[:-1] + b',"colour":"red"}'
    await window.publish(pipeline.account_subject("r", "cam", "consumed"), newer)
    follower = Follower(nc, pipeline, 1)
    assert await follower.read_all() == [(4, RECORDS[4])]
    assert follower.skipped == 3
    assert caplog.text.count("not known to this version") == 1
    await follower.stop()


async def test_a_follower_goes_on_at_its_position_after_restarts_of_the_server(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    window = PublishWindow(own_nc)
    seen: list[int] = []

    async def write(count: int) -> None:
        for number in range(count):
            record = Consumed(run="r", detector="cam", events=[(number, number)], reason="x")
            await window.submit(own_pipeline.account_subject("r", "cam", "consumed"), encode_record(record))
        await window.flush()

    follower = Follower(own_nc, own_pipeline, 1)
    async with asyncio.timeout(30):
        for turn in range(3):
            writing = asyncio.create_task(write(500))
            while len(seen) < 500 * (turn + 1):
                seen += [sequence for sequence, _ in await follower.next(0.5)]
            await writing
            own_server.kill()
            assert await follower.next(0.02) == []
            await asyncio.to_thread(own_server.start)
    assert seen == list(range(1, 1501))
    assert follower.position == 1501
    await follower.stop()
    await window.close()


async def test_reading_thousands_of_records_never_hangs_while_others_are_written(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    body = encode_record(RECORDS[4])
    subject = pipeline.account_subject("r", "cam", "consumed")
    for _ in range(5000):
        await window.submit(subject, body)
    await window.flush()

    async def go_on() -> None:
        while True:
            await window.publish(subject, body)

    writing = asyncio.create_task(go_on())
    records = await asyncio.wait_for(read_account(nc, pipeline), 20)
    writing.cancel()
    assert len(records) >= 5000


async def test_a_deleted_account_ends_its_follower(nc: Client, pipeline: Names) -> None:
    follower = Follower(nc, pipeline, 1)
    assert await follower.next(0.01) == []
    await delete_streams(nc, pipeline)
    with pytest.raises(ConsumerGoneError):
        await follower.next(10)
    await follower.stop()
