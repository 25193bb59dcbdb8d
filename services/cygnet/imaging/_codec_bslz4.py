"""Bitshuffle and LZ4 in the framing of HDF5's filter 32008: what Eiger detectors send and LCLS files hold.

Framing: 8 bytes big-endian, the decoded size; 4 bytes big-endian, the decoded size of a block; then the
blocks.
"""

import struct

import numpy as np
import pyarrow as pa

from cygnet.imaging._bitshuffle import bitshuffle, unpack_blocks
from cygnet.imaging._errors import DecodeError

_HEADER = struct.Struct(">QI")
_BLOCK_BYTES = 8192
_LARGEST_BLOCK = 1 << 24


def compress(data: memoryview, itemsize: int) -> bytes:
    """Return the data in blocks of 8 KiB; an HDF5 library with the bitshuffle filter reads it as a chunk."""
    pixels = np.frombuffer(data, np.uint8)
    shuffled_end = pixels.size - pixels.size % (8 * itemsize)
    lz4 = pa.Codec("lz4_raw")
    parts = [_HEADER.pack(pixels.size, _BLOCK_BYTES)]
    for start in range(0, shuffled_end, _BLOCK_BYTES):
        block = pixels[start : min(start + _BLOCK_BYTES, shuffled_end)]
        shuffled = np.empty_like(block)
        bitshuffle(block, itemsize, shuffled)
        encoded = bytes(lz4.compress(pa.py_buffer(shuffled.data), asbytes=True))
        parts += (struct.pack(">I", len(encoded)), encoded)
    parts.append(pixels[shuffled_end:].tobytes())
    return b"".join(parts)


def decompress(body: memoryview, size: int, itemsize: int) -> memoryview:
    """Return the decoded bytes; DecodeError if the header states another size, or a block is damaged."""
    if body.nbytes < _HEADER.size:
        raise DecodeError(
            "truncated", f"the bslz4 body has {body.nbytes} bytes; accepted: at least {_HEADER.size}"
        )
    stated, block_bytes = _HEADER.unpack_from(body)
    if stated != size:
        raise DecodeError("size-mismatch", f"the bslz4 body states {stated} bytes; accepted: {size}")
    if not 0 < block_bytes <= _LARGEST_BLOCK or block_bytes % (8 * itemsize):
        accepted = f"a multiple of {8 * itemsize} up to {_LARGEST_BLOCK}"
        raise DecodeError(
            "corrupt", f"the bslz4 body states blocks of {block_bytes} bytes; accepted: {accepted}"
        )
    content = np.empty(size, np.uint8)
    damaged = unpack_blocks(np.frombuffer(body, np.uint8)[_HEADER.size :], block_bytes, itemsize, content)
    if damaged >= 0:
        raise DecodeError("corrupt", f"the bslz4 body is damaged or cut off in the block of byte {damaged}")
    return content.data
