"""Random numbers inside kernels: one small state for each event, so that threads share nothing.

numba's own generator is one for each thread: what it gives depends on what the thread did before.
"""

import math
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, writable

STATE = writable(types.uint64, 1)
_TWO_PI = 2 * math.pi
_LARGE_MEAN = 10.0


@kernel(types.void(types.uint64, STATE))
def seed_state(key: np.uint64, state: NDArray[np.uint64]) -> None:
    """Fill the four words of a state from a key with SplitMix64, as the generator's authors advise."""
    word = np.uint64(key)
    for i in range(4):
        word = word + np.uint64(0x9E3779B97F4A7C15)
        mixed = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state[i] = mixed ^ (mixed >> np.uint64(31))


@kernel(types.uint64(STATE))
def next_word(state: NDArray[np.uint64]) -> np.uint64:
    """Return 64 random bits: xoshiro256++ (Blackman, Vigna, ACM TOMS 47 (2021) 36)."""
    total = state[0] + state[3]
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + state[0]
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << np.uint64(45)) | (state[3] >> np.uint64(19))
    return np.uint64(result)


@kernel(types.float64(STATE))
def uniform(state: NDArray[np.uint64]) -> float:
    """Return a number in (0, 1), never 0, so that its logarithm exists."""
    return (np.float64(next_word(state) >> np.uint64(11)) + 0.5) * 2.0**-53


@kernel(types.float64(STATE))
def normal(state: NDArray[np.uint64]) -> float:
    """Return a standard normal number (Box, Muller, Ann. Math. Stat. 29 (1958) 610)."""
    return math.sqrt(-2 * math.log(uniform(state))) * math.cos(_TWO_PI * uniform(state))


@kernel(types.float64(STATE, types.float64))
def gamma(state: NDArray[np.uint64], shape: float) -> float:
    """Return a gamma number of mean `shape` ≥ 1 and scale 1 (Marsaglia, Tsang, ACM TOMS 26 (2000) 363)."""
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        x = normal(state)
        v = (1 + c * x) ** 3
        if v > 0 and math.log(uniform(state)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v


@kernel(types.int64(STATE, types.float64))
def poisson(state: NDArray[np.uint64], mean: float) -> int:
    """Return a Poisson number: by products of uniforms below a mean of 10, above it by Hörmann's PTRS.

    Hörmann, Insurance: Mathematics and Economics 12 (1993) 39: transformed rejection with squeeze.
    """
    if mean < _LARGE_MEAN:
        limit = math.exp(-mean)
        product = uniform(state)
        count: Any = 0
        while product > limit:
            count += 1
            product *= uniform(state)
        return int(count)
    root = math.sqrt(mean)
    log_mean = math.log(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform(state) - 0.5
        v = uniform(state)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return int(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = math.log(v * inverse_alpha / (a / (us * us) + b))
        if left <= k * log_mean - mean - math.lgamma(k + 1):
            return int(k)
