"""Random numbers by address: what an event is drawn from depends on (seed, event) and on nothing else.

Generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, Fast splittable pseudorandom number generators).
"""

import hashlib
from typing import Final

_MASK: Final = 2**64 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15

PRIMARY_STREAM: Final = 1
LIGHT_STREAM: Final = 2
NOISE_STREAM: Final = 3
CAMERA_STREAM: Final = 4


def detector_seed(seed: int, name: str) -> int:
    """Return the seed of the detector `name` in a pipeline with `seed`: detectors see independent events.

    64 bits of BLAKE2b, so that it is the same in every process and on every machine.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")


def stream_key(seed: int, event: int, stream: int) -> int:
    """Return the 64-bit key of one stream of random numbers of one event."""
    return _mixed(_mixed(_mixed(seed & _MASK) + event) + stream)


def uniforms(key: int, count: int) -> list[float]:
    """Return `count` numbers of a stream, uniform in [0, 1) with 53 bits."""
    return [(_mixed(key + number * _GOLDEN) >> 11) * 2.0**-53 for number in range(1, count + 1)]


def _mixed(word: int) -> int:
    word = (word + _GOLDEN) & _MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)
