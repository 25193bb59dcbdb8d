"""The kernel of the hot path: it reads each pixel once and writes its windowed float32 once."""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, read_only, writable

_ZERO = np.float32(0)
_ONE = np.float32(1)
_DTYPES = frozenset(np.dtype(dtype) for dtype in (np.uint8, np.uint16, np.float32))
_OUT = writable(types.float32, 3)
_SIGNATURES = [
    types.void(read_only(dtype, 3), types.int64, types.int64, types.float32, types.float32, _OUT)
    for dtype in (types.uint8, types.uint16, types.float32)
]


@kernel(*_SIGNATURES)
def window_into(
    frames: NDArray[Any], top: int, left: int, low: np.float32, span: np.float32, out: NDArray[np.float32]
) -> None:
    """Write clip((frames - low) / span, 0, 1) of the rectangle at (top, left) with the size of `out`.

    frames: (N, H, W) uint8, uint16 or float32, out: (N, h, w) float32. The caller has checked the bounds.
    The division is kept (no reciprocal): with it the maximum becomes exactly 1. NaN stays NaN.
    """
    height, width = out.shape[1:]
    for n in range(out.shape[0]):
        for i in range(height):
            row = frames[n, top + i, left : left + width]  # a slice, so that the loop below is vectorised
            target = out[n, i]
            for j in range(width):
                value = (np.float32(row[j]) - low) / span
                value = _ZERO if value < _ZERO else value  # noqa: FURB136 - max() would lose NaN
                target[j] = _ONE if value > _ONE else value  # noqa: FURB136


def is_kernel_input(frames: NDArray[Any]) -> bool:
    """Tell whether the kernel reads (..., H, W) as they are, given a reshape to three axes."""
    return frames.dtype in _DTYPES and frames.flags.c_contiguous and frames.flags.aligned


def kernel_input(frames: NDArray[Any]) -> NDArray[Any]:
    """Return (..., H, W) as native contiguous uint8, uint16 or float32; itself where it is that."""
    small = frames.dtype.kind == "u" and frames.dtype.itemsize <= 2
    dtype = frames.dtype.newbyteorder("=") if small else np.dtype(np.float32)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which the window clips to 0 or 1
        return np.require(frames, dtype=dtype, requirements=["C", "A"])
