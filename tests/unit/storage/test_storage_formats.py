"""A chunk must be readable by everybody's library, and each row must point at exactly its array."""

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - registers the filter
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.storage.checksum import crc32c
from cygnet.storage.errors import CorruptedError
from cygnet.storage.formats import FORMATS, RESERVED, ChunkFile, write_chunk, writer
from cygnet.storage.reading import read_array

from .strategies import results


def result(event: int = 0, array: Any = None, name: str = "image", **changes: Any) -> Result:
    pixels = np.arange(12, dtype="<u2").reshape(3, 4) if array is None else array
    given: dict[str, Any] = {
        "id": FrameId("r1", "lime", event),
        "time_ns": 1_733_244_312_671_863_000,
        "arrays": {name: pixels},
    }
    return Result(**(given | changes))


def load(file: ChunkFile) -> Any:
    return np.load(io.BytesIO(file.body), allow_pickle=False)


def stored(file: ChunkFile, number: int) -> memoryview:
    row = file.rows[number]
    return file.body[row.offset : row.offset + row.size]


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(chunk=results())
def test_every_row_reads_back_its_own_array(format_name: str, chunk: list[Result]) -> None:
    file = write_chunk(format_name, chunk, key="k")
    assert [row.event for row in file.rows] == sorted(row.event for row in file.rows)
    wanted = {(each.id.event, name): array for each in chunk for name, array in each.arrays.items()}
    assert len(file.rows) == len(wanted)
    for number, row in enumerate(file.rows):
        array = wanted.pop((row.event, row.array))
        back = read_array(stored(file, number), row)
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes()
        assert not back.flags.writeable
    assert not wanted


@settings(max_examples=40, deadline=None)
@given(chunk=results())
def test_npz_is_a_sound_zip_that_numpy_reads_without_pickle(chunk: list[Result]) -> None:
    file = write_chunk("npz", chunk, key="k", meta={"window": [80, 120]})
    assert zipfile.ZipFile(io.BytesIO(file.body)).testzip() is None
    with load(file) as npz:
        assert list(npz) == [*chunk[0].arrays, "tstamp", "event", "revision", "meta"]
        for name in chunk[0].arrays:
            assert npz[name].tobytes() == b"".join(each.arrays[name].tobytes() for each in chunk)
            assert npz[name].shape == (len(chunk), *chunk[0].arrays[name].shape)
        assert npz["event"].tolist() == [each.id.event for each in chunk]
        assert npz["revision"].tolist() == [each.revision for each in chunk]
        assert npz["tstamp"].astype("M8[ns]").astype("i8").tolist() == [each.time_ns for each in chunk]
        whole = all(each.time_ns % 1000 == 0 for each in chunk)
        assert npz["tstamp"].dtype == ("M8[us]" if whole else "M8[ns]")
        meta = json.loads(str(npz["meta"]))
    assert meta["window"] == [80, 120]
    assert meta["count"] == len(chunk)
    assert meta["schema"] == 1


@settings(max_examples=40, deadline=None)
@given(chunk=results())
def test_npz_arrays_lie_at_multiples_of_64_bytes(chunk: list[Result]) -> None:
    file = write_chunk("npz", chunk, key="k")
    first = {row.array: row.offset for row in reversed(file.rows)}
    assert all(offset % 64 == 0 for offset in first.values())


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=10, deadline=None)
@given(chunk=results())
def test_equal_results_make_equal_bytes(format_name: str, chunk: list[Result]) -> None:
    assert write_chunk(format_name, chunk, key="a").body == write_chunk(format_name, chunk, key="b").body


@settings(max_examples=30, deadline=None)
@given(chunk=results())
def test_hdf5_is_read_by_h5py_at_cxi_paths(chunk: list[Result]) -> None:
    file = write_chunk("hdf5", chunk, key="k")
    with h5py.File(io.BytesIO(file.body), "r") as h5:
        entry = h5["entry_1"]
        assert entry["event"][:].tolist() == [each.id.event for each in chunk]
        assert entry["timestamp"][:].tolist() == [each.time_ns for each in chunk]
        assert json.loads(entry["meta"].asstr()[()])["run"] == "run"
        groups = {entry[name].attrs["name"]: entry[name] for name in entry if name.startswith("data_")}
        assert set(groups) == set(chunk[0].arrays)
        for name, group in groups.items():
            assert group["data"][:].tobytes() == b"".join(each.arrays[name].tobytes() for each in chunk)
            assert group["data"].chunks == (1, *chunk[0].arrays[name].shape)
        assert entry["instrument_1/detector_1/data"] == entry["data_1/data"]
        if "image" in groups:
            assert entry["data_1"].attrs["name"] == "image"


def test_school_notebooks_read_image_and_tstamp() -> None:
    file = write_chunk("npz", [result(event) for event in range(3)], key="k")
    with load(file) as npz:
        assert npz["image"].shape == (3, 3, 4)
        assert npz["tstamp"].dtype == np.dtype("datetime64[us]")
        assert npz["tstamp"][0] == np.datetime64("2024-12-03T16:45:12.671863")
    assert datetime(2024, 12, 3, 16, 45, 12, 671863, UTC).timestamp() == 1_733_244_312.671863


def test_views_and_foreign_byte_order_are_stored_as_seen() -> None:
    frame = np.arange(64, dtype=">u2").reshape(8, 8)
    views = [frame[1:7:2, 6:2:-1], frame.T[:3, :4]]
    for format_name in FORMATS:
        file = write_chunk(format_name, [result(i, view) for i, view in enumerate(views)], key="k")
        for number, view in enumerate(views):
            assert np.array_equal(read_array(stored(file, number), file.rows[number]), view)


def test_scalar_per_event_is_an_array_too() -> None:
    for format_name in FORMATS:
        chunk = [result(i, np.array(i / 3), "energy") for i in range(3)]
        file = write_chunk(format_name, chunk, key="k")
        assert [float(read_array(stored(file, i), file.rows[i])) for i in range(3)] == [0, 1 / 3, 2 / 3]


def test_row_carries_what_was_done_to_the_frame() -> None:
    file = write_chunk(
        "npz",
        [result(7, revision=3, provenance="f" * 64, attrs={"energy_keV": 3}, axes={"image": "panel,y"})],
        key="p/r1/lime/chunk.npz",
    )
    (row,) = file.rows
    assert (row.run, row.detector, row.event, row.array) == ("r1", "lime", 7, "image")
    assert (row.object, row.codec, row.dtype, row.shape) == ("p/r1/lime/chunk.npz", "identity", "<u2", (3, 4))
    assert (row.revision, row.provenance, row.axes) == (3, "f" * 64, "panel,y")
    assert json.loads(row.attrs) == {"energy_keV": 3}


def test_change_of_provenance_inside_a_chunk_is_told_by_event() -> None:
    chunk = [result(event, provenance="a" if event < 3 else "b") for event in range(5)]
    with load(write_chunk("npz", chunk, key="k")) as npz:
        meta = json.loads(str(npz["meta"]))
    assert meta["provenance"] == [
        {"id": "a", "first_event": 0, "last_event": 2},
        {"id": "b", "first_event": 3, "last_event": 4},
    ]


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), chunk=results())
def test_one_flipped_bit_is_noticed(format_name: str, data: st.DataObject, chunk: list[Result]) -> None:
    file = write_chunk(format_name, chunk, key="k")
    body = bytearray(stored(file, 0))
    place = data.draw(st.integers(0, len(body) * 8 - 1))
    body[place // 8] ^= 1 << place % 8
    with pytest.raises(CorruptedError, match="CRC-32C"):
        read_array(body, file.rows[0])


def test_short_read_is_noticed() -> None:
    file = write_chunk("npz", [result()], key="k")
    with pytest.raises(CorruptedError, match="23 bytes came back instead of 24"):
        read_array(stored(file, 0)[:-1], file.rows[0])


def test_crc32c_is_castagnoli() -> None:
    for data in (
        b"123456789",
        bytearray(b"123456789"),
        memoryview(b"123456789"),
        np.frombuffer(b"123456789", "u1"),
    ):
        assert crc32c(data) == 0xE3069283
    assert crc32c(b"") == 0


@pytest.mark.parametrize("name", [*RESERVED, "a/b", "", "../x"])
def test_array_name_that_would_hide_another_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="array"):
        write_chunk("npz", [result(name=name)], key="k")


@pytest.mark.parametrize(
    "array", [np.array([{}, None]), np.array(["text"]), np.zeros(2, "M8[us]"), np.zeros(2, "i4,f4")]
)
def test_array_that_needs_pickle_or_has_no_number_is_refused(array: Any) -> None:
    for format_name in FORMATS:
        with pytest.raises(BadInputError, match="dtype of array 'image'"):
            write_chunk(format_name, [result(array=array)], key="k")


def test_unknown_format_names_the_known() -> None:
    with pytest.raises(BadInputError, match=r"'zarr'.*npz, hdf5"):
        writer("zarr")


@pytest.mark.parametrize(
    ("chunk", "fault"),
    [
        ([], "at least one"),
        ([result(1), result(1)], "ascend"),
        ([result(2), result(1)], "ascend"),
        ([result(1), result(2, np.zeros((3, 5), "<u2"))], "one layout"),
        ([result(1), result(2, np.zeros((3, 4), "<u4"))], "one layout"),
        ([result(1), result(2, id=FrameId("r2", "lime", 2))], "one run"),
    ],
)
def test_results_that_do_not_belong_together_are_refused(chunk: list[Result], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        write_chunk("npz", chunk, key="k")
