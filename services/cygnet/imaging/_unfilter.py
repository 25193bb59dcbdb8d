"""Undo PNG's row filters: pixel by pixel, that would cost more than inflating.

Average and Paeth make each byte wait for its left neighbour. Thirty-two rows are therefore decoded
together, each one byte behind the row above it, so that the bytes of one step depend on earlier steps only
and the compiler turns a step into vector instructions. Every filter is the Paeth predictor with some
neighbours masked, Average aside.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, read_only, writable

_LANES = 32
_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4
_FULL = np.int16(-1)
_NONE = np.int16(0)
_BYTE = np.int16(255)
_ONE = np.int16(1)
_THREE = np.int16(3)

_BYTES_2D = writable(types.uint8, 2)


@kernel(types.void(read_only(types.uint8, 2), types.int64, types.int64, types.int64, _BYTES_2D))
def _unfilter_together(
    filtered: NDArray[np.uint8], first: int, last: int, bpp: int, out: NDArray[np.uint8]
) -> None:
    """Unfilter rows first to last - 1 (at most _LANES) of any filter types; `out` holds the rows above them.

    filtered: (rows, 1 + row bytes), out: (rows, row bytes), bpp: bytes per pixel.
    `skewed[s + bpp + 1, k + 1]` is byte s - k of row first + k; column 0 is the row above.
    """
    size = out.shape[1]
    pad = bpp + 1
    deltas = np.zeros((size + _LANES, _LANES), np.int16)
    skewed = np.zeros((size + _LANES + pad, _LANES + 1), np.int16)
    flat_deltas = deltas.reshape(-1)
    flat_skewed = skewed.reshape(-1)
    use_left = np.zeros(_LANES, np.int16)
    use_above = np.zeros(_LANES, np.int16)
    use_corner = np.zeros(_LANES, np.int16)
    average = np.zeros(_LANES, np.int16)
    for k in range(last - first):
        kind = filtered[first + k, 0]
        use_left[k] = _FULL if kind in (_SUB, _AVERAGE, _PAETH) else _NONE
        use_above[k] = _FULL if kind in (_UP, _AVERAGE, _PAETH) else _NONE
        use_corner[k] = _FULL if kind == _PAETH else _NONE
        average[k] = _FULL if kind == _AVERAGE else _NONE
        row = filtered[first + k, 1:]
        lane = flat_deltas[k * (_LANES + 1) :: _LANES]
        for j in range(size):
            lane[j] = row[j]
    if first > 0:
        row_above = out[first - 1]
        lane = flat_skewed[bpp * (_LANES + 1) :: _LANES + 1]
        for j in range(size):
            lane[j] = row_above[j]
    for s in range(size + _LANES - 1):
        delta = deltas[s]
        now = skewed[s + pad, 1:]
        left = skewed[s + pad - bpp, 1:]
        above = skewed[s + pad - 1]
        corner = skewed[s]
        for k in range(_LANES):
            a = left[k] & use_left[k]
            b = above[k] & use_above[k]
            c = corner[k] & use_corner[k]
            low = min(a, b)
            high = max(a, b)
            threshold = np.int16(_THREE * c - a - b)  # the nearest of a, b, c to a + b - c, without branches
            nearest = low if high <= threshold else c
            nearest = high if threshold <= low else nearest
            nearest = np.int16((a + b) >> _ONE) if average[k] != _NONE else nearest
            now[k] = np.int16((delta[k] + nearest) & _BYTE)
    for k in range(last - first):
        target = out[first + k]
        lane = flat_skewed[(k + pad) * (_LANES + 1) + k + 1 :: _LANES + 1]
        for j in range(size):
            target[j] = lane[j]


@kernel(types.int64(read_only(types.uint8, 2), types.int64, types.int64, _BYTES_2D))
def unfilter(filtered: NDArray[np.uint8], start: int, bpp: int, out: NDArray[np.uint8]) -> int:
    """Fill rows `start` to the end of `out`, and those above them that they depend on.

    filtered: (rows, 1 + row bytes) uint8, the filter type first; out: (rows, row bytes) uint8; bpp: 1 or 2
    bytes per pixel. Returns -1, or the number of a row with an unknown filter type.
    """
    rows, size = out.shape
    for i in range(rows):
        if filtered[i, 0] > _PAETH:
            return i
    row = start
    while row > 0 and filtered[row, 0] > _SUB:
        row -= 1
    while row < rows:
        kind = filtered[row, 0]
        source = filtered[row, 1:]
        target = out[row]
        if kind >= _AVERAGE:
            stop = min(row + _LANES, rows)
            _unfilter_together(filtered, row, stop, bpp, out)
            row = stop
            continue
        if kind == _SUB:
            for j in range(min(bpp, size)):
                target[j] = source[j]
            for j in range(bpp, size):
                target[j] = source[j] + target[j - bpp]
        elif kind == _UP and row > 0:
            above = out[row - 1]
            for j in range(size):
                target[j] = source[j] + above[j]
        else:
            for j in range(size):
                target[j] = source[j]
        row += 1
    return -1
