"""From a row's stored bytes back to its array, never without the checksum."""

import numpy as np

from cygnet.imaging import DecodeError, DecodeLimits, decompress
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import Array
from cygnet.storage.checksum import Buffer, crc32c
from cygnet.storage.errors import CorruptedError


def check_row(stored: Buffer, row: ManifestRow) -> None:
    """Raise CorruptedError unless `stored` are exactly the bytes that the row speaks of."""
    size = memoryview(stored).nbytes
    if size != row.size:
        raise CorruptedError(f"{describe(row)}: {size} bytes came back instead of {row.size}")
    found = crc32c(stored)
    if found != row.crc32c:
        raise CorruptedError(f"{describe(row)}: CRC-32C is {found:08x}, the manifest says {row.crc32c:08x}")


def read_array(stored: Buffer, row: ManifestRow) -> Array:
    """Return the row's array, read-only, of `row.dtype` and `row.shape`. Raises CorruptedError."""
    check_row(stored, row)
    dtype = np.dtype(row.dtype)
    count = int(np.prod(row.shape, dtype=np.int64))
    if row.codec == "identity":
        if row.size != count * dtype.itemsize:
            raise CorruptedError(f"{describe(row)}: {row.size} bytes are no {row.dtype} of {row.shape}")
        array: Array = np.frombuffer(stored, dtype, count).reshape(row.shape)
        array.flags.writeable = False
        return array
    element = f"u{dtype.itemsize}"  # codecs move bits, whatever they mean
    try:
        limits = DecodeLimits(max_bytes=max(row.size, 1), max_pixels=max(count, 1))
        flat = decompress(memoryview(stored), row.codec, element, (count,), limits)
    except DecodeError as error:
        raise CorruptedError(f"{describe(row)}: {error}") from error
    return flat.view(dtype).reshape(row.shape)


def describe(row: ManifestRow) -> str:
    """Return which stored array this is, for messages."""
    return f"{row.array} of {row.run}/{row.detector}/{row.event} at {row.offset} of {row.object}"
