"""The camera without light: pedestal, columns and read noise, one table look-up a pixel."""

from statistics import NormalDist
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, read_only, writable
from cygnet.simulator.cygno._cloud import LIGHT
from cygnet.simulator.cygno._random import normal, seed_state

TABLE_SIZE = 1 << 16
_TABLE = read_only(types.float32, 1)
_BASE = read_only(types.float32, 2)
_FRAMES = [writable(types.uint8, 2), writable(types.uint16, 2)]


@kernel(types.void(types.uint64, types.float64, types.float64, writable(types.float32, 2)))
def camera_base(key: np.uint64, pedestal: float, fixed_pattern: float, out: NDArray[np.float32]) -> None:
    """Write the pedestal of each pixel (H, W): what is the same in all frames of one camera."""
    state = np.empty(4, np.uint64)
    seed_state(key, state)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.float32(pedestal + fixed_pattern * normal(state))


def noise_table(standard_deviation: float) -> NDArray[np.float32]:
    """Return 65536 equally likely values of a normal distribution: its quantiles at (i + 1/2) / 65536.

    It ends at 4.3 standard deviations, which a true normal number passes in 1 of 60,000 pixels.
    """
    quantile = NormalDist().inv_cdf
    upper = np.array([quantile(0.5 + (i + 0.5) / TABLE_SIZE) for i in range(TABLE_SIZE // 2)])
    upper *= standard_deviation / np.sqrt(np.mean(upper**2))
    return np.concatenate([-upper[::-1], upper]).astype(np.float32)


@kernel(*(types.void(types.uint64, _BASE, types.float64, _TABLE, frame) for frame in _FRAMES))
def dark_frame(
    key: np.uint64,
    base: NDArray[np.float32],
    column_noise: float,
    table: NDArray[np.float32],
    out: NDArray[Any],
) -> None:
    """Write a frame without light. base: (H, W) pedestal and fixed pattern; out: (H, W), W a multiple of 4.

    Each column gets a normal offset of its own, new in each frame; each pixel a value of `table` by 16 bits
    of a 64-bit random word. Rounded to the nearest count, clipped to what `out` can hold.
    """
    state = np.empty(4, np.uint64)
    seed_state(key, state)
    height, width = out.shape
    columns = np.empty(width, np.float32)
    for j in range(width):
        columns[j] = np.float32(column_noise * normal(state) + 0.5)
    largest = np.float32(255 if out.itemsize == 1 else 65535)
    zero = np.float32(0)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    noise = np.empty(width, np.float32)
    for i in range(height):
        for j in range(0, width, 4):  # xoshiro256++, as in `_random.next_word`, its state in registers
            total = s0 + s3
            word = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
            shifted = s1 << np.uint64(17)
            s2 ^= s0
            s3 ^= s1
            s1 ^= s2
            s0 ^= s3
            s2 ^= shifted
            s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
            noise[j] = table[word & np.uint64(0xFFFF)]
            noise[j + 1] = table[(word >> np.uint64(16)) & np.uint64(0xFFFF)]
            noise[j + 2] = table[(word >> np.uint64(32)) & np.uint64(0xFFFF)]
            noise[j + 3] = table[word >> np.uint64(48)]
        row, target = base[i], out[i]
        for j in range(width):
            target[j] = np.int32(min(max(row[j] + columns[j] + noise[j], zero), largest))


@kernel(*(types.void(LIGHT, types.int64, types.int64, frame) for frame in _FRAMES))
def add_light(light: NDArray[np.int32], top: int, left: int, frame: NDArray[Any]) -> None:
    """Add the counts of a rectangle of light to a frame, clipped to what the frame can hold."""
    largest = 255 if frame.itemsize == 1 else 65535
    for i in range(light.shape[0]):
        for j in range(light.shape[1]):
            frame[top + i, left + j] = min(frame[top + i, left + j] + light[i, j], largest)
