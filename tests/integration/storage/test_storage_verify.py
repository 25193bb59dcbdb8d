"""`verify_run` must find each kind of damage, and nothing where there is none."""

from pathlib import Path

import pytest

from cygnet.model.account import Consumed, Dead, Dropped
from cygnet.model.ledger import ledger
from cygnet.storage import keys
from cygnet.storage.bucket import Bucket, open_folder
from cygnet.storage.errors import CorruptedError
from cygnet.storage.index import compact
from cygnet.storage.ledger_files import fate, ledger_from_json, ledger_to_json, read_ledger, write_ledger
from cygnet.storage.verify import Verification, verify_run

from .stored_run import PREFIX, RUN, StoredRun


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return open_folder(tmp_path)


@pytest.fixture
async def run(bucket: Bucket) -> StoredRun:
    """A complete run of 8 events: 6 stored, one consumed, one dead."""
    run = StoredRun(bucket)
    await run.begin()
    await run.store([0, 1, 2])
    await run.store([3, 4, 7])
    run.records += [
        Consumed(run=RUN, detector="orca", events=[(5, 5)], reason="filtered"),
        Dead(run=RUN, detector="orca", events=[(6, 6)], reason="corrupt"),
    ]
    run.end({"orca": 8})
    await write_ledger(bucket, PREFIX, run.account())
    await compact(bucket, PREFIX, RUN)
    return run


def verify(run: StoredRun, *, full: bool = True) -> Verification:
    return verify_run(run.bucket.reader, PREFIX, RUN, full=full)


def kinds(run: StoredRun, *, full: bool = True) -> set[str]:
    return {finding.kind for finding in verify(run, full=full).findings}


async def test_sound_run_has_no_findings(run: StoredRun) -> None:
    seen: list[tuple[int, int]] = []
    found = verify_run(
        run.bucket.reader, PREFIX, RUN, full=True, progress=lambda done, every: seen.append((done, every))
    )
    assert found.findings == []
    assert (found.manifests, found.chunks, found.rows) == (2, 2, 6)
    assert seen == [(1, 2), (2, 2)]
    assert verify(run, full=False).bytes_read == 0 < found.bytes_read


async def test_lost_object_is_found_without_reading(run: StoredRun) -> None:
    await run.bucket.delete([run.account().detectors["orca"].commits["000000000-000000002"].key])
    assert kinds(run, full=False) == {"object-lost"}


async def test_cut_object_is_found_without_reading(run: StoredRun, tmp_path: Path) -> None:
    path = tmp_path / run.account().detectors["orca"].commits["000000000-000000002"].key
    path.write_bytes(path.read_bytes()[:-1])
    assert kinds(run, full=False) == {"object-size"}


async def test_changed_pixel_is_found_by_reading(run: StoredRun, tmp_path: Path) -> None:
    path = tmp_path / run.account().detectors["orca"].commits["000000000-000000002"].key
    body = bytearray(path.read_bytes())
    body[200] ^= 1
    path.write_bytes(body)
    assert kinds(run, full=False) == set()
    assert kinds(run) == {"object-sha256", "array-corrupted"}


async def test_lost_manifest_is_found(run: StoredRun) -> None:
    await run.bucket.delete([run.manifests[0]])
    assert kinds(run) == {"manifest-lost", "event-lost", "chunk-without-manifest"}


async def test_corrupted_manifest_is_found(run: StoredRun, tmp_path: Path) -> None:
    (tmp_path / run.manifests[0]).write_bytes(b"no parquet")
    assert {"manifest-corrupted", "event-lost"} <= kinds(run)


async def test_event_in_two_chunks_is_found(run: StoredRun) -> None:
    await run.store([2])
    assert {"stored-twice", "not-in-index"} <= kinds(run)


async def test_stored_event_that_the_ledger_calls_dead_is_found(run: StoredRun) -> None:
    await run.store([6])
    assert kinds(run) == {"event-unknown", "not-in-index"}


async def test_replayed_dead_letter_leaves_a_sound_run(run: StoredRun) -> None:
    await run.store([6])
    await write_ledger(run.bucket, PREFIX, run.account())
    await compact(run.bucket, PREFIX, RUN)
    assert kinds(run) == set()


async def test_ledger_that_does_not_close_is_found(run: StoredRun) -> None:
    run.end({"orca": 9})
    await write_ledger(run.bucket, PREFIX, run.account())
    assert kinds(run) == {"ledger-open"}


async def test_run_under_way_is_incomplete_and_else_sound(bucket: Bucket) -> None:
    run = StoredRun(bucket)
    await run.store([0, 1])
    assert kinds(run) == {"incomplete"}


async def test_broken_ledger_is_a_finding(run: StoredRun, tmp_path: Path) -> None:
    (tmp_path / keys.ledger_key(PREFIX, RUN)).write_bytes(b"{}")
    assert kinds(run) == {"ledger-corrupted"}
    with pytest.raises(CorruptedError, match=r"ledger\.json"):
        read_ledger(run.bucket.reader, PREFIX, RUN)


async def test_ledger_comes_back_as_the_account_that_was_written(run: StoredRun) -> None:
    run.records.append(Dropped(run=RUN, detector="orca", events=[(8, 9)], reason="back-pressure"))
    run.end({"orca": 10})
    account = run.account()
    back = ledger_from_json(ledger_to_json(account))
    assert ledger(back) == ledger(account)
    assert back.is_complete()
    assert ledger_to_json(back) == ledger_to_json(account)
    known = [fate(back, "orca", event) for event in (0, 5, 6, 8, 10, -1)]
    assert known == [
        "stored",
        "consumed: finished on purpose without a stored array",
        "dead (corrupt)",
        "dropped at the source",
        "never announced: the run has 10 events",
        "never announced: events are numbered from 0",
    ]
    assert fate(None, "orca", 0) == fate(back, "other", 0) == ""
