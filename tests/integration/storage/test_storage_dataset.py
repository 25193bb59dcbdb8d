"""`cygnet.open`: any stored event by position and number, one ranged read each, never a wrong pixel."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cygnet
from cygnet.model.account import Dead
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.errors import (
    CorruptedError,
    NoSuchBucketError,
    StorageDeniedError,
    StorageUnavailableError,
)
from cygnet.storage.index import compact
from cygnet.storage.ledger_files import write_ledger
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, RcloneS3, rclone_s3

from .counting_proxy import counting_proxy
from .stored_run import PREFIX, RUN, START_NS, StoredRun, image

BUCKET = "cygno"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RcloneS3]:
    """An S3 in the place where `cygnet up` has it: `cygnet-data/s3`."""
    with rclone_s3(tmp_path / "cygnet-data" / "s3") as server:
        server.bucket_folder(BUCKET)
        yield server


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "cygnet-data"


@pytest.fixture
def keys_in_environment(monkeypatch: pytest.MonkeyPatch, server: RcloneS3) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)


@pytest.fixture(params=["npz", "hdf5"])
def run(request: pytest.FixtureRequest, server: RcloneS3) -> StoredRun:
    """Events 0–9 but 6, in three chunks."""
    run = StoredRun(connect(server.settings(BUCKET)), format_name=request.param)

    async def store() -> None:
        await run.begin()
        await run.store([0, 1, 2, 3])
        await run.store([4, 5, 7])
        await run.store([8, 9])

    asyncio.run(store())
    return run


EVENTS = [0, 1, 2, 3, 4, 5, 7, 8, 9]


@pytest.fixture(
    params=["bucket", "bucket and prefix", "folder", "bucket's folder", "settings", "server stopped"]
)
def where(
    request: pytest.FixtureRequest,
    server: RcloneS3,
    data_folder: Path,
    run: StoredRun,
    keys_in_environment: None,
) -> object:
    if request.param == "server stopped":
        server.stop()
    return {
        "bucket": f"s3://{BUCKET}",
        "bucket and prefix": f"s3://{BUCKET}/{PREFIX}/",
        "folder": data_folder,
        "bucket's folder": str(data_folder / "s3" / BUCKET),
        "settings": server.settings(BUCKET),
        "server stopped": data_folder,
    }[request.param]


def test_every_event_from_everywhere(where: Any) -> None:
    ds = cygnet.open(where)
    assert (ds.run, ds.detector, len(ds)) == (RUN, "orca", 9)
    assert ds.events.tolist() == EVENTS
    assert ds.times[0] == np.datetime64("2024-12-03T16:45:12.671863")
    assert [view.event for view in ds] == EVENTS
    assert all(np.array_equal(view.image, image(view.event)) for view in ds)
    assert np.array_equal(ds[-1].image, image(9))
    assert [view.event for view in ds[4:7]] == [4, 5, 7]
    view = ds.at(event=7)
    assert view.time == np.datetime64(START_NS + 7 * 200_000_000, "ns")
    assert view.attrs == {"energy_keV": 0}
    assert view.provenance["window"] == [80, 120]
    assert list(view.arrays) == ["image"]
    assert view.row.revision == 1
    assert np.array_equal(ds.images(), np.stack([image(event) for event in EVENTS]))
    assert np.array_equal(ds.images(2, 6), np.stack([image(event) for event in (2, 3, 4, 5)]))


def test_one_ranged_get_for_each_array(server: RcloneS3, run: StoredRun) -> None:
    with counting_proxy(server.address) as (endpoint, seen):
        ds = cygnet.open(server.settings(BUCKET, endpoint=endpoint))
        assert seen.ranged() == []
        for position in (3, 5, -1):
            before = len(seen)
            view = ds[position]
            assert view.event
            assert len(seen) == before
            assert np.array_equal(view.image, image(view.event))
            assert view.image is view.arrays["image"]
            row = view.row
            wanted = f"bytes={row.offset}-{row.offset + row.size - 1}"
            assert seen[before:] == [("GET", f"/{BUCKET}/{row.object}", wanted)]
        before = len(seen)
        ds.images()
        assert len(seen) - before == 3  # one for each chunk


async def test_opens_inside_a_running_event_loop(run: StoredRun, data_folder: Path, server: RcloneS3) -> None:
    assert np.array_equal(cygnet.open(data_folder)[2].image, image(2))
    assert np.array_equal(cygnet.open(server.settings(BUCKET)).at(2).image, image(2))


def test_pinned_until_refresh(run: StoredRun, data_folder: Path) -> None:
    ds = cygnet.open(data_folder)
    asyncio.run(run.store([10, 11]))
    assert len(ds) == 9
    assert ds.refresh() == 2
    assert np.array_equal(ds.at(11).image, image(11))
    assert ds.refresh() == 0


def test_compacted_run_reads_the_same(run: StoredRun, data_folder: Path) -> None:
    asyncio.run(compact(run.bucket, PREFIX, RUN))
    ds = cygnet.open(data_folder)
    assert np.array_equal(ds.images(), np.stack([image(event) for event in EVENTS]))


def test_flipped_bit_on_disk_is_an_error_and_not_a_pixel(run: StoredRun, data_folder: Path) -> None:
    ds = cygnet.open(data_folder)
    row = ds[1].row
    path = data_folder / "s3" / BUCKET / row.object
    body = bytearray(path.read_bytes())
    body[row.offset + row.size - 1] ^= 4
    path.write_bytes(body)
    with pytest.raises(CorruptedError, match=rf"image of {RUN}/orca/1 at \d+ of .*CRC-32C"):
        _ = ds[1].image
    with pytest.raises(CorruptedError):
        ds.images()
    assert np.array_equal(ds[2].image, image(2))


def test_event_that_is_not_there_says_what_became_of_it(run: StoredRun, data_folder: Path) -> None:
    ds = cygnet.open(data_folder)
    with pytest.raises(NoSuchError, match=r"event 6 of .*/orca is not stored.*not complete"):
        ds.at(6)
    run.records.append(Dead(run=RUN, detector="orca", events=[(6, 6)], reason="corrupt"))
    run.end({"orca": 10})
    asyncio.run(write_ledger(run.bucket, PREFIX, run.account()))
    with pytest.raises(NoSuchError, match=r"dead \(corrupt\)"):
        ds.at(6)
    with pytest.raises(NoSuchError, match="never announced: the run has 10 events"):
        ds.at(10)
    with pytest.raises(IndexError, match="position 9"):
        ds[9]
    with pytest.raises(IndexError):
        ds[-10]
    with pytest.raises(TypeError, match="position 'image'; accepted: an integer or a slice"):
        ds["image"]


def test_detector_must_be_named_when_there_are_several(run: StoredRun, data_folder: Path) -> None:
    asyncio.run(run.store([0, 1], "pmt"))
    with pytest.raises(BadInputError, match="'orca', 'pmt'"):
        cygnet.open(data_folder)
    assert np.array_equal(cygnet.open(data_folder, detector="pmt")[1].image, image(1, "pmt"))
    with pytest.raises(NoSuchError, match=r"'quest'.*'orca', 'pmt'"):
        cygnet.open(data_folder, detector="quest")


def test_newest_run_is_opened_unless_one_is_named(
    run: StoredRun, data_folder: Path, server: RcloneS3
) -> None:
    async def more() -> None:
        await StoredRun(run.bucket, run="20231203T164512-ffff").store([1])
        await StoredRun(run.bucket, prefix="deep/er", run="20251203T164512-0000").store([2])
        await StoredRun(run.bucket, prefix="", run="20221203T164512-0000").store([3])

    asyncio.run(more())
    for where in (data_folder, server.settings(BUCKET)):
        assert cygnet.open(where).run == "20251203T164512-0000"
        assert cygnet.open(where, run=RUN).run == RUN
        assert cygnet.open(where, "20221203T164512-0000").events.tolist() == [3]
    with pytest.raises(NoSuchError, match=r"'20991231T000000-0000'.*there are 20221203T164512-0000"):
        cygnet.open(data_folder, "20991231T000000-0000")


def test_run_of_one_name_in_two_buckets_asks_which(
    run: StoredRun, data_folder: Path, server: RcloneS3
) -> None:
    ensure_bucket(server.settings("raw"))
    asyncio.run(StoredRun(connect(server.settings("raw"))).store([0]))
    with pytest.raises(BadInputError, match="2 places"):
        cygnet.open(data_folder, RUN)
    assert len(cygnet.open(data_folder / "s3" / "raw", RUN)) == 1


def test_two_arrays_of_an_event_are_both_there(server: RcloneS3, data_folder: Path) -> None:
    run = StoredRun(connect(server.settings(BUCKET)))
    arrays = {"hits": np.array([3, 4]), "image": np.eye(3), "energy": np.array(2.5)}
    asyncio.run(run.store([5], arrays=arrays))
    ds = cygnet.open(data_folder)
    view = ds[0]
    assert set(view.arrays) == set(arrays)
    assert all(np.array_equal(view.arrays[name], arrays[name]) for name in arrays)
    assert np.array_equal(view.image, np.eye(3))
    assert ds.images(array="energy").tolist() == [2.5]
    with pytest.raises(NoSuchError, match=r"'mask'.*energy, hits, image"):
        ds.images(array="mask")


def test_events_of_another_shape_are_not_stacked(server: RcloneS3, data_folder: Path) -> None:
    run = StoredRun(connect(server.settings(BUCKET)))
    asyncio.run(run.store([0]))
    asyncio.run(run.store([1], arrays={"image": np.zeros((2, 2), "<f4")}))
    with pytest.raises(BadInputError, match=r"<u2 \(4, 6\) at event 0; <f4 \(2, 2\) at event 1"):
        cygnet.open(data_folder).images()


def test_wrong_places_are_named(
    server: RcloneS3,
    data_folder: Path,
    tmp_path: Path,
    keys_in_environment: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NoSuchError, match="no run with stored events yet"):
        cygnet.open(data_folder)
    with pytest.raises(NoSuchBucketError, match="no folder"):
        cygnet.open(tmp_path / "absent")
    with pytest.raises(NoSuchBucketError, match="'absent'"):
        cygnet.open("s3://absent")
    with pytest.raises(BadInputError, match="neither a bucket nor a folder"):
        cygnet.open("http://localhost/bucket")
    with pytest.raises(StorageUnavailableError, match="does not answer"):
        cygnet.open(f"s3://{BUCKET}", endpoint="http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageDeniedError, match="check the secret access key"):
        cygnet.open(f"s3://{BUCKET}")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadInputError, match="AWS_SECRET_ACCESS_KEY is not set"):
        cygnet.open(f"s3://{BUCKET}")


def test_import_of_cygnet_alone_loads_nothing_heavy() -> None:
    program = (
        "import sys, cygnet; heavy = {'numpy', 'obstore', 'pyarrow', 'boto3', 'numba', 'nats', 'kopf'};"
        "print(sorted(heavy & set(sys.modules))); cygnet.open; print('obstore' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["[]", "True"]


def test_open_brings_neither_boto3_nor_nats() -> None:
    program = "import sys, cygnet; cygnet.open; print({'boto3', 'nats', 'kopf'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
