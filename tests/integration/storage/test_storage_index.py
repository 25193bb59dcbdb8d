"""An index must never show an event twice, nor lose one between segment, manifest and generation."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.storage import keys
from cygnet.storage.bucket import Bucket, open_folder
from cygnet.storage.errors import CorruptedError, StorageError
from cygnet.storage.index import (
    StoredTwiceError,
    compact,
    list_manifests,
    merge,
    read_index,
    write_segment,
)
from cygnet.storage.manifest import to_rows, to_table

from .stored_run import PREFIX, RUN, StoredRun, result


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return open_folder(tmp_path)


def events_of(bucket: Bucket) -> list[tuple[str, int]]:
    table = read_index(bucket.reader, PREFIX, RUN).table
    return [(row.detector, row.event) for row in to_rows(table)]


async def test_run_without_index_is_read_from_its_manifests(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([4, 5])
    await run.store([0, 1, 3])
    await run.store([2], "b")
    assert events_of(bucket) == [("b", 2), ("orca", 0), ("orca", 1), ("orca", 3), ("orca", 4), ("orca", 5)]
    index = read_index(bucket.reader, PREFIX, RUN)
    assert index.source == ""
    assert sorted(index.manifests) == sorted(run.manifests)


async def test_manifests_behind_the_last_segment_are_not_lost(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0])
    await run.store([1])
    await write_segment(bucket, PREFIX, RUN, 0, run.manifests)
    await run.store([2])
    assert [event for _, event in events_of(bucket)] == [0, 1, 2]


async def test_generation_is_pinned_until_the_next(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0, 2])
    await write_segment(bucket, PREFIX, RUN, 0, run.manifests)
    await run.store([3])
    first = await compact(bucket, PREFIX, RUN)
    assert first == keys.generation_key(PREFIX, RUN, 0)
    assert read_index(bucket.reader, PREFIX, RUN).source == first
    await run.store([1])  # a dead letter, replayed
    assert [event for _, event in events_of(bucket)] == [0, 2, 3]
    second = await compact(bucket, PREFIX, RUN)
    assert second == keys.generation_key(PREFIX, RUN, 1)
    assert [event for _, event in events_of(bucket)] == [0, 1, 2, 3]


async def test_compaction_without_news_writes_nothing(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0])
    assert await compact(bucket, PREFIX, RUN) == await compact(bucket, PREFIX, RUN)
    assert len(bucket.reader.list(keys.index_folder(PREFIX, RUN))) == 1


async def test_two_compactions_at_once_end_with_one_whole_index(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    for event in range(5):
        await run.store([event])
    made = await asyncio.gather(*(compact(bucket, PREFIX, RUN) for _ in range(3)))
    assert set(made) == {keys.generation_key(PREFIX, RUN, 0)}
    assert [event for _, event in events_of(bucket)] == list(range(5))


async def test_segment_written_twice_is_the_same_and_a_foreign_one_is_refused(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0])
    key = await write_segment(bucket, PREFIX, RUN, 0, run.manifests)
    before = await bucket.get(key)
    assert await write_segment(bucket, PREFIX, RUN, 0, run.manifests) == key
    assert await bucket.get(key) == before
    await run.store([1])
    with pytest.raises(StorageError, match="holds other manifests"):
        await write_segment(bucket, PREFIX, RUN, 0, run.manifests)


async def test_overlapping_segments_do_not_double_events(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    for event in range(3):
        await run.store([event])
    await write_segment(bucket, PREFIX, RUN, 0, run.manifests[:2])
    await write_segment(bucket, PREFIX, RUN, 1, run.manifests[1:])
    assert [event for _, event in events_of(bucket)] == [0, 1, 2]
    await compact(bucket, PREFIX, RUN)
    assert [event for _, event in events_of(bucket)] == [0, 1, 2]


async def test_event_in_two_chunks_is_refused_loudly(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0, 1, 2])
    await run.store([2, 3])
    with pytest.raises(StoredTwiceError, match=r"'image' of event 2 of .*/orca is stored twice"):
        await compact(bucket, PREFIX, RUN)
    with pytest.raises(StoredTwiceError):
        read_index(bucket.reader, PREFIX, RUN)


async def test_what_a_killed_server_left_is_no_manifest(bucket: Bucket, tmp_path: Path) -> None:
    run = StoredRun(bucket)
    await run.store([0])
    (tmp_path / PREFIX / RUN / "manifest" / ".rclone_temp_put_0").write_bytes(b"half")
    (tmp_path / PREFIX / RUN / "manifest" / "notes.txt").write_bytes(b"mine")
    assert list_manifests(bucket.reader, PREFIX, RUN) == run.manifests
    assert events_of(bucket) == [("orca", 0)]


def test_rows_of_another_run_are_refused() -> None:
    from cygnet.storage.formats import write_chunk

    rows = write_chunk("npz", [result(0, run="other")], key="k").rows
    with pytest.raises(CorruptedError, match="'other'"):
        merge([to_table(rows)], RUN, "x")


@settings(max_examples=30, deadline=None)
@given(chunks=st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=5), min_size=1, max_size=6))
def test_merge_is_sorted_or_says_which_event_is_doubled(chunks: list[set[int]]) -> None:
    from cygnet.storage.formats import write_chunk

    tables = [
        to_table(write_chunk("npz", [result(event) for event in sorted(chunk)], key="k").rows)
        for chunk in chunks
    ]
    events = [event for chunk in chunks for event in chunk]
    if len(set(events)) == len(events):
        assert merge(tables, RUN, "x").column("event").to_pylist() == sorted(events)
    else:
        with pytest.raises(StoredTwiceError):
            merge(tables, RUN, "x")
