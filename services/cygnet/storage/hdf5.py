"""Chunks as HDF5 with CXI's paths: one bitshuffle-LZ4 HDF5 chunk for each frame, made in memory.

`/entry_1/data_1/data` is the first array (`image` where there is one), `data_2 …` the others; each
group says in `name` which array it holds. Frames are compressed here and handed over as they are,
so that a row's bytes are exactly one HDF5 chunk.
"""

from collections.abc import Sequence
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from cygnet.imaging import compress
from cygnet.model.errors import BadInputError
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import ArrayLayout, Result
from cygnet.storage.checksum import crc32c
from cygnet.storage.formats import row_of

extension = "h5"
content_type = "application/x-hdf5"
CODEC = "bslz4"

_CXI_VERSION = 160
_LARGEST_ELEMENT = 8
_GROWTH = 1 << 24


def write(results: Sequence[Result], key: str, meta: str) -> tuple[memoryview, list[ManifestRow]]:
    """Return the file's bytes and a row for each array, with offsets of the stored HDF5 chunks."""
    first = results[0]
    layout = sorted(first.layout, key=lambda form: form.name != "image")
    for form in layout:
        _check(form)
    with h5py.File(
        "chunk.h5", "w", driver="core", backing_store=False, block_size=_GROWTH, libver=("v108", "v108")
    ) as file:
        file["cxi_version"] = _CXI_VERSION
        entry = file.create_group("entry_1")
        entry["experiment_identifier"] = first.id.run
        entry["event"] = np.array([result.id.event for result in results], "<i8")
        entry["timestamp"] = np.array([result.time_ns for result in results], "<i8")
        entry["timestamp"].attrs["units"] = "ns since 1970-01-01T00:00:00Z"
        entry["revision"] = np.array([result.revision for result in results], "<i8")
        entry["meta"] = meta
        stored = [
            (form, *_store(entry, number, form, results)) for number, form in enumerate(layout, start=1)
        ]
        detector = entry.create_group("instrument_1/detector_1")
        detector["description"] = first.id.detector
        detector["data"] = h5py.SoftLink("/entry_1/data_1/data")
        file.flush()
        rows = [
            row_of(result, form, key, (_offset(dataset, i, size), size, CODEC, crc))
            for form, dataset, places in stored
            for i, (result, (size, crc)) in enumerate(zip(results, places, strict=True))
        ]
        image = file.id.get_file_image()
    rows.sort(key=lambda row: row.event)
    return memoryview(image), rows


def _store(
    entry: Any, number: int, form: ArrayLayout, results: Sequence[Result]
) -> tuple[Any, list[tuple[int, int]]]:
    """Write one array of all events; return its dataset and, of each event, stored size and CRC-32C."""
    group = entry.create_group(f"data_{number}")
    group.attrs["name"] = form.name
    dataset = group.create_dataset(
        "data",
        shape=(len(results), *form.shape),
        dtype=form.dtype,
        chunks=(1, *form.shape),
        track_times=False,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )
    dataset.attrs["axes"] = ":".join(["experiment_identifier", *form.axes.split(",")])
    places = []
    element = f"u{np.dtype(form.dtype).itemsize}"  # the codec moves bits, whatever they mean
    for i, result in enumerate(results):
        encoded = compress(np.ascontiguousarray(result.arrays[form.name]).view(element), CODEC, element)
        dataset.id.write_direct_chunk((i, *(0 for _ in form.shape)), encoded)
        places.append((len(encoded), crc32c(encoded)))
    return dataset, places


def _offset(dataset: Any, index: int, size: int) -> int:
    where = (index, *(0 for _ in dataset.shape[1:]))
    found = dataset.id.get_chunk_info_by_coord(where)
    if found.size != size or found.filter_mask:
        raise RuntimeError(f"HDF5 stored {found.size} bytes for a chunk of {size}")
    return int(found.byte_offset)


def _check(form: ArrayLayout) -> None:
    if np.dtype(form.dtype).itemsize > _LARGEST_ELEMENT or not form.bytes_per_event:
        raise BadInputError(
            f"array {form.name!r} of {form.dtype} {form.shape} cannot be stored as hdf5; "
            f"accepted: elements of at most {_LARGEST_ELEMENT} bytes, at least one of them",
            reason="bad-layout",
        )
