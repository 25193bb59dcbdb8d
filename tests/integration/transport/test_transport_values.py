"""The key-value bucket on a real server: compare-and-set, limits, keys, outages."""

import asyncio

import pytest

from cygnet.transport.client import Client
from cygnet.transport.errors import NatsOutageError
from cygnet.transport.names import Names
from cygnet.transport.values import ConflictError, Values, ValueTooLargeError
from fixtures.nats_server import NatsServer
from fixtures.waiting import until


async def test_a_value_comes_back_with_its_revision(values: Values) -> None:
    assert await values.get("params") is None
    revision = await values.create("params", {"min": 80, "µ": [1, None]})
    value = await values.get("params")
    assert value is not None
    assert (value.revision, value.data) == (revision, {"min": 80, "µ": [1, None]})


async def test_of_two_changes_to_one_revision_the_second_is_a_conflict(values: Values) -> None:
    first = await values.create("params", 1)
    second = await values.update("params", 2, first)
    assert second > first
    with pytest.raises(ConflictError, match=f"expected revision {first}"):
        await values.update("params", 3, first)
    with pytest.raises(ConflictError):
        await values.create("params", 4)
    value = await values.get("params")
    assert value is not None
    assert value.data == 2


async def test_many_writers_with_compare_and_set_lose_no_increment(values: Values) -> None:
    await values.create("count", 0)

    async def increment() -> None:
        while True:
            value = await values.get("count")
            assert value is not None
            try:
                await values.update("count", value.data + 1, value.revision)
            except ConflictError:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(20)))
    value = await values.get("count")
    assert value is not None
    assert value.data == 20


async def test_a_key_that_was_changed_since_it_was_read_is_not_deleted(values: Values) -> None:
    first = await values.put("late.r", 1)
    second = await values.put("late.r", 2)
    await values.delete("late.r", first)
    value = await values.get("late.r")
    assert value is not None
    assert value.data == 2
    await values.delete("late.r", second)
    assert await values.keys() == []


async def test_a_deleted_key_leaves_nothing_and_can_be_created_again(values: Values) -> None:
    await values.put("attempt.r.cam.1", {"attempts": 1})
    await values.delete("attempt.r.cam.1")
    await values.delete("attempt.r.cam.1")
    assert await values.get("attempt.r.cam.1") is None
    assert await values.keys() == []
    await values.create("attempt.r.cam.1", {})


async def test_a_deleted_key_does_not_come_back_with_a_killed_server(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names
) -> None:
    """A purge let the value before the last come back: a replayed frame was then taken for a killer."""
    values = Values(own_nc, own_pipeline)
    await values.create("attempt.r.cam.1", {"attempts": 1})
    await values.put("attempt.r.cam.1", {"attempts": 2})
    await values.delete("attempt.r.cam.1")
    own_server.kill()
    own_server.start()
    await until(lambda: _answers(values))
    assert await values.get("attempt.r.cam.1") is None
    assert await values.keys("attempt.") == []


async def _answers(values: Values) -> bool:
    try:
        await values.get("any")
    except NatsOutageError:
        return False
    return True


async def test_a_key_that_another_client_marked_deleted_can_be_created(
    nc: Client, pipeline: Names, values: Values
) -> None:
    bucket = await nc.jetstream().key_value(pipeline.bucket)
    await bucket.put("beam", b"{}")
    await bucket.delete("beam")
    assert await values.get("beam") is None
    await values.create("beam", {"active": True})


async def test_keys_are_found_by_any_prefix(values: Values) -> None:
    for key in ("run.20261121T100000-ab12", "run.other", "runs", "cursor.r.cam", "cursor.r.cam2"):
        await values.put(key, 1)
    assert await values.keys("run.") == ["run.20261121T100000-ab12", "run.other"]
    assert await values.keys("cursor.r.cam") == ["cursor.r.cam", "cursor.r.cam2"]
    assert len(await values.keys()) == 5
    assert await values.keys("nothing.") == []


async def test_a_value_above_the_limit_and_a_bad_key_say_what_is_accepted(values: Values) -> None:
    with pytest.raises(ValueTooLargeError, match="accepted: up to 65536"):
        await values.put("params", "x" * 70_000)
    await values.put("params", "x" * 65_000)
    for key in ("", "a b", "a..b", ".a", "a.*", "a.>"):
        with pytest.raises(ValueError, match="accepted"):
            await values.get(key)


async def test_a_value_that_is_not_json_is_data_none_and_kept_raw(
    nc: Client, pipeline: Names, values: Values
) -> None:
    await nc.request(f"$KV.{pipeline.bucket}.params", b"\xffthree")
    value = await values.get("params")
    assert value is not None
    assert (value.data, value.raw) == (None, b"\xffthree")


async def test_a_frozen_server_is_an_outage_and_not_an_answer(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("values", "stored"):
        monkeypatch.setattr(f"cygnet.transport.{module}.API_SECONDS", 0.2)
    values = Values(own_nc, own_pipeline)
    own_server.pause()
    with pytest.raises(NatsOutageError):
        await values.get("params")
    with pytest.raises(NatsOutageError, match="not written for certain"):
        await values.put("params", 1)
    own_server.resume()
