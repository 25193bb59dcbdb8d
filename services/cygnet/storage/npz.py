"""Chunks that `np.load(allow_pickle=False)` reads: an uncompressed zip, laid out by hand in one buffer.

Each event's pixels are copied once, into their final place, and both checksums are taken while they
are in the processor's cache. Array data begins at multiples of 64 bytes, so readers may map it.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cygnet.model.errors import BadInputError
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import Result
from cygnet.storage.checksum import crc32, crc32c
from cygnet.storage.formats import row_of

extension = "npz"
content_type = "application/x-npz"

_ALIGN = 64
_LARGEST = 2**32 - 2  # what a zip without 64-bit extensions can address
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_DATE = (1 << 5) | 1  # 1980-01-01: equal results make equal bytes
_PADDING = 0xD935  # the extra field that Android's zipalign pads with

Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class _Member:
    """One `.npy` in the zip. `header` is the npy header, `size` the array's bytes."""

    name: bytes
    header: bytes
    size: int
    offset: int = 0
    data_offset: int = 0
    crc: int = 0

    @property
    def stored_size(self) -> int:
        return len(self.header) + self.size


def write(results: Sequence[Result], key: str, meta: str) -> tuple[memoryview, list[ManifestRow]]:
    """Return the zip's bytes and a row for each array. Layout: the named arrays, then what they are of.

    `image` (N, …) for every named array; `tstamp` (N,) datetime64[us], [ns] when a time needs it;
    `event`, `revision` (N,) int64; `meta` a string.
    """
    layout = results[0].layout
    count = len(results)
    columns = _columns(results, meta)
    members = [
        _member(form.name, np.dtype(form.dtype).str, (count, *form.shape), form.bytes_per_event * count)
        for form in layout
    ]
    members += [_member(name, array.dtype.str, array.shape, array.nbytes) for name, array in columns.items()]
    total = _place(members)
    buffer = np.empty(total, np.uint8)
    rows: list[ManifestRow] = []
    for form, member in zip(layout, members, strict=False):
        member.crc = _write_head(buffer, member)
        size = form.bytes_per_event
        pixels = buffer[member.data_offset : member.data_offset + member.size]
        stack = pixels.view(form.dtype).reshape(count, *form.shape)
        for i, result in enumerate(results):
            stack[i] = result.arrays[form.name]
            stored = pixels[i * size : (i + 1) * size]
            member.crc = crc32(stored, member.crc)
            place = (member.data_offset + i * size, size, "identity", crc32c(stored))
            rows.append(row_of(result, form, key, place))
    for array, member in zip(columns.values(), members[len(layout) :], strict=True):
        data = np.frombuffer(array.tobytes(), np.uint8)
        buffer[member.data_offset : member.data_offset + member.size] = data
        member.crc = crc32(data, _write_head(buffer, member))
    _write_directory(buffer, members)
    rows.sort(key=lambda row: row.event)
    return buffer.data, rows


def _columns(results: Sequence[Result], meta: str) -> dict[str, npt.NDArray[np.generic]]:
    times = np.array([result.time_ns for result in results], "<i8")
    whole = not (times % 1000).any()
    return {
        "tstamp": (times // 1000).astype("<M8[us]") if whole else times.astype("<M8[ns]"),
        "event": np.array([result.id.event for result in results], "<i8"),
        "revision": np.array([result.revision for result in results], "<i8"),
        "meta": np.array(meta),
    }


def _member(name: str, dtype: str, shape: tuple[int, ...], size: int) -> _Member:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": shape})
    return _Member(name=f"{name}.npy".encode("ascii"), header=header.getvalue(), size=size)


def _place(members: Sequence[_Member]) -> int:
    """Give every member its offsets and return the size of the whole file."""
    end = 0
    for member in members:
        member.offset = end
        start = end + _LOCAL.size + len(member.name) + 4  # 4: the head of the padding field
        start += -(start + len(member.header)) % _ALIGN
        member.data_offset = start + len(member.header)
        end = member.data_offset + member.size
    if end > _LARGEST:
        raise BadInputError(
            f"a chunk of {end} bytes does not fit the npz format; accepted: at most {_LARGEST}; "
            "make chunks smaller or use hdf5",
            reason="chunk-too-large",
        )
    return end + sum(_CENTRAL.size + len(member.name) for member in members) + _END.size


def _write_head(buffer: Bytes, member: _Member) -> int:
    """Write padding and npy header before the data; return the CRC-32 of the npy header."""
    start = member.data_offset - len(member.header)
    field = member.offset + _LOCAL.size + len(member.name)
    padding = struct.pack("<2H", _PADDING, start - field - 4) + bytes(start - field - 4)
    buffer[field : member.data_offset] = np.frombuffer(padding + member.header, np.uint8)
    return crc32(member.header)


def _write_directory(buffer: Bytes, members: Sequence[_Member]) -> None:
    """Write what is known only now, since it holds checksums: local headers and central directory."""
    directory = b""
    for member in members:
        extra = member.data_offset - len(member.header) - member.offset - _LOCAL.size - len(member.name)
        common = (0, 0, 0, _DATE, member.crc, member.stored_size, member.stored_size, len(member.name))
        local = _LOCAL.pack(b"PK\x03\x04", _VERSION, *common, extra) + member.name
        buffer[member.offset : member.offset + len(local)] = np.frombuffer(local, np.uint8)
        central = _CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, *common, 0, 0, 0, 0, 0, member.offset)
        directory += central + member.name
    start = members[-1].data_offset + members[-1].size
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), start, 0)
    buffer[start:] = np.frombuffer(directory + end, np.uint8)
