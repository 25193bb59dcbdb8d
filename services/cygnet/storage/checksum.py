"""The two checksums of stored bytes: CRC-32C of each array, CRC-32 of zip members."""

from typing import Any

import google_crc32c
import numpy as np
from isal import isal_zlib

Buffer = Any  # bytes, bytearray, memoryview, numpy array: anything with the buffer protocol


def crc32c(data: Buffer) -> int:
    """Return the CRC-32C (Castagnoli) of `data`; about 20 GB/s."""
    # The library takes numpy arrays and bytes, but no memoryview, whose buffer it would have to release.
    return int(google_crc32c.value(data if isinstance(data, bytes) else np.frombuffer(data, np.uint8)))


def crc32(data: Buffer, start: int = 0) -> int:
    """Return the CRC-32 that zip files use, continued from `start`; about 12 GB/s."""
    return int(isal_zlib.crc32(data, start))
