"""The pixel histogram: unit bins centred on the counts, so that no value shares a bin or falls out."""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._arguments import frames_of, integer
from cygnet.imaging._errors import refusal
from cygnet.imaging._jit import kernel, read_only, writable

_BLOCK_PIXELS = 2**32 - 4  # what a lane can count
_COUNTS = writable(types.uint32, 2)


def pixel_histogram(
    image_or_stack: object, *, bin_width: object = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (boundaries, counts) over every value that the image's type can hold.

    image_or_stack: (H, W) or (N, H, W), uint8 or uint16. With `bin_width` 1, uint8 gives 256 bins bounded
    by linspace(-0.5, 255.5, 257), uint16 gives 65536; with more, each bin takes so many counts, the last
    one also those beyond the type's range. boundaries has one entry more than counts; counts sum to the
    number of pixels. ValueError: another dtype, a bin width that is no integer from 1 to the number of
    values.
    """
    frames = frames_of(image_or_stack)
    if frames.dtype.type not in (np.uint8, np.uint16):
        raise refusal("image dtype", str(frames.dtype), "uint8 or uint16")
    values = int(np.iinfo(frames.dtype).max) + 1
    accepted = f"an integer from 1 to {values}"
    width = integer("bin_width", bin_width, accepted)
    if not 1 <= width <= values:
        raise refusal("bin_width", bin_width, accepted)
    pixels = np.require(frames.ravel(), frames.dtype.newbyteorder("="), ["C", "A"])
    counts = np.zeros(values, np.int64)
    for start in range(0, pixels.size, _BLOCK_PIXELS):
        lanes = np.zeros((4, values), np.uint32)
        _count(pixels[start : start + _BLOCK_PIXELS], lanes)
        counts += lanes.sum(axis=0, dtype=np.int64)
    if width > 1:
        counts = np.add.reduceat(counts, np.arange(0, values, width))
    boundaries = np.arange(counts.size + 1, dtype=np.float64) * width - 0.5
    return boundaries, counts


@kernel(types.void(read_only(types.uint8, 1), _COUNTS), types.void(read_only(types.uint16, 1), _COUNTS))
def _count(pixels: NDArray[Any], lanes: NDArray[np.uint32]) -> None:
    """Add the pixels to four histograms in turn: equal neighbours would wait for each other in one."""
    first, second, third, fourth = lanes[0], lanes[1], lanes[2], lanes[3]
    whole = pixels.size - pixels.size % 4
    for i in range(0, whole, 4):
        first[pixels[i]] += 1
        second[pixels[i + 1]] += 1
        third[pixels[i + 2]] += 1
        fourth[pixels[i + 3]] += 1
    for i in range(whole, pixels.size):
        first[pixels[i]] += 1
