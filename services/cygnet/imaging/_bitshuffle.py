"""Kernels of the bslz4 codec: bit transposition, and an LZ4 block decoder that trusts no length in its input.

The library behind HDF5's filter reads beyond a damaged body and can take the process with it; this one
cannot. Sources: the LZ4 block format (lz4_Block_format.md); the bitshuffle layout: the bits of n elements
as a matrix (element, byte, bit, lowest first), transposed to (byte, bit, element).
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, read_only, writable

_BYTES_IN = read_only(types.uint8, 1)
_BYTES = writable(types.uint8, 1)
_SHUFFLE = types.void(_BYTES_IN, types.int64, _BYTES)


@kernel(types.uint64(types.uint64))
def _transposed(bits: np.uint64) -> np.uint64:
    """Return an 8x8 bit matrix, a byte a row, transposed (Warren, Hacker's Delight, §7-3)."""
    x = bits
    swap = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    x = x ^ swap ^ (swap << np.uint64(7))
    swap = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    x = x ^ swap ^ (swap << np.uint64(14))
    swap = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return x ^ swap ^ (swap << np.uint64(28))


@kernel(_SHUFFLE)
def bitshuffle(data: NDArray[np.uint8], itemsize: int, out: NDArray[np.uint8]) -> None:
    """Gather the bits of equal significance. data, out: equally many bytes, a multiple of 8 itemsize."""
    groups = data.size // (8 * itemsize)
    for byte in range(itemsize):
        column = data[byte::itemsize]
        rows = out[8 * byte * groups : 8 * (byte + 1) * groups].reshape((8, groups))
        for group in range(groups):
            bits = np.uint64(0)
            for i in range(8):
                bits |= np.uint64(column[8 * group + i]) << np.uint64(8 * i)
            bits = _transposed(bits)
            for i in range(8):
                rows[i, group] = np.uint8(bits >> np.uint64(8 * i))


@kernel(_SHUFFLE)
def bitunshuffle(data: NDArray[np.uint8], itemsize: int, out: NDArray[np.uint8]) -> None:
    """Undo `bitshuffle`."""
    groups = data.size // (8 * itemsize)
    for byte in range(itemsize):
        column = out[byte::itemsize]
        rows = data[8 * byte * groups : 8 * (byte + 1) * groups].reshape((8, groups))
        for group in range(groups):
            bits = np.uint64(0)
            for i in range(8):
                bits |= np.uint64(rows[i, group]) << np.uint64(8 * i)
            bits = _transposed(bits)
            for i in range(8):
                column[8 * group + i] = np.uint8(bits >> np.uint64(8 * i))


@kernel(types.boolean(_BYTES_IN, _BYTES))
def lz4_block(block: NDArray[np.uint8], out: NDArray[np.uint8]) -> bool:
    """Decode one LZ4 block; True if it is sound and fills `out` exactly."""
    end, size = block.size, out.size
    read: Any = np.int64(0)
    written: Any = np.int64(0)
    while read < end:
        token = np.int64(block[read])
        read += 1
        length = token >> 4
        if length == 15:
            more = np.int64(255)
            while more == 255:
                if read >= end:
                    return False
                more = np.int64(block[read])
                read += 1
                length += more
        if length > end - read or length > size - written:
            return False
        source = block[read : read + length]
        target = out[written : written + length]
        for i in range(length):
            target[i] = source[i]
        read += length
        written += length
        if read == end:
            return bool(written == size)  # the last sequence has no match
        if end - read < 2:
            return False
        offset = np.int64(block[read]) | np.int64(block[read + 1]) << np.int64(8)
        read += 2
        length = (token & 15) + 4
        if length == 19:
            more = np.int64(255)
            while more == 255:
                if read >= end:
                    return False
                more = np.int64(block[read])
                read += 1
                length += more
        if offset == 0 or offset > written or length > size - written:
            return False
        source = out[written - offset : written - offset + length]
        target = out[written : written + length]
        for i in range(length):  # byte by byte: source and target may overlap, that is how LZ4 repeats
            target[i] = source[i]
        written += length
    return False


@kernel(types.int64(_BYTES_IN, types.int64, types.int64, _BYTES))
def unpack_blocks(body: NDArray[np.uint8], block_bytes: int, itemsize: int, out: NDArray[np.uint8]) -> int:
    """Decode the blocks of a bslz4 body (after its 12 header bytes) into `out`.

    Each block is preceded by its encoded size, 4 bytes big-endian; what is left below 8 elements is stored
    raw. Returns -1, or the position in `out` at which the body is damaged.
    """
    scratch = np.empty(block_bytes, np.uint8)
    read: Any = np.int64(0)
    written: Any = np.int64(0)
    shuffled_end = out.size - out.size % (8 * itemsize)
    while written < shuffled_end:
        size = min(block_bytes, shuffled_end - written)
        if body.size - read < 4:
            return int(written)
        encoded: Any = np.int64(0)
        for i in range(4):
            encoded = encoded << 8 | np.int64(body[read + i])
        read += 4
        if encoded > body.size - read or not lz4_block(body[read : read + encoded], scratch[:size]):
            return int(written)
        bitunshuffle(scratch[:size], itemsize, out[written : written + size])
        read += encoded
        written += size
    if body.size - read != out.size - written:
        return int(written)
    for i in range(out.size - written):
        out[written + i] = body[read + i]
    return -1
