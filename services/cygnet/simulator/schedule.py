"""When events happen: the time of event n is a function of the seed and n, whatever was asked for before."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cygnet.spec.simulated import Burst, SimulatedSource

Seconds = npt.NDArray[np.float64]
_BLOCK = 1024
_SUMS, _INSIDE = 0, 1  # which numbers of a seed: those of whole blocks, those inside one
UNPACED_HZ = 1000.0  # events of a detector without a rate are this dense in simulated time


class Arrivals(Protocol):
    """A sequence of times that never goes back."""

    def seconds(self, first: int, count: int) -> Seconds:
        """Return the times of `count` events from `first` on, in seconds, (count,) float64."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Events at equal distances; event 0 is at 0."""

    rate_hz: float

    def seconds(self, first: int, count: int) -> Seconds:
        """Return n / rate for each event n."""
        return np.arange(first, first + count) / self.rate_hz


class Poisson:
    """Events of a Poisson process: exponential distances, drawn in blocks so that any event is near.

    The sum of m exponential distances has a Gamma distribution of shape m, and how it is parted into them is
    independent of it (Lukacs 1955): so the sums of all blocks are drawn first and each block's inside when it
    is asked for. Event 10⁹ costs a million sums and one block.
    """

    def __init__(self, rate_hz: float, seed: int) -> None:
        self._rate_hz = rate_hz
        self._seed = seed
        self._starts: Seconds = np.zeros(1)  # of blocks, in mean distances
        self._block: tuple[int, Seconds] = (-1, self._starts)

    def seconds(self, first: int, count: int) -> Seconds:
        """Return the sum of the first n + 1 distances for each event n."""
        last = first + count - 1
        blocks = [self._inside(number) for number in range(first // _BLOCK, last // _BLOCK + 1)]
        skipped = first // _BLOCK * _BLOCK
        return np.concatenate(blocks)[first - skipped : first - skipped + count] / self._rate_hz

    def _inside(self, number: int) -> Seconds:
        if self._block[0] == number:
            return self._block[1]
        if number + 1 >= len(self._starts):
            # Drawn anew from the first one: a longer draw begins with the shorter one.
            sums = _numbers(self._seed, _SUMS).standard_gamma(_BLOCK, max(2 * len(self._starts), number + 1))
            self._starts = np.concatenate([np.zeros(1), np.cumsum(sums)])
        parts = np.cumsum(_numbers(self._seed, _INSIDE, number).standard_exponential(_BLOCK))
        start, end = self._starts[number : number + 2]
        self._block = (number, start + (end - start) * (parts / parts[-1]))
        return self._block[1]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Arrivals while the beam is on, the beam, and how fast simulated time goes by."""

    arrivals: Arrivals
    burst: Burst | None = None
    time_scale: float = 1.0

    def seconds(self, first: int, count: int = 1) -> Seconds:
        """Return the simulated times of `count` events from `first` on, (count,) float64."""
        live = self.arrivals.seconds(first, count)
        if self.burst is None:
            return live
        return live + np.floor(live / self.burst.on_seconds) * self.burst.off_seconds

    def beam(self, seconds: float) -> tuple[bool, float]:
        """Return whether the beam is on at a simulated time, and for how many simulated seconds still."""
        if self.burst is None:
            return True, math.inf
        on, off = self.burst.on_seconds, self.burst.off_seconds
        phase = seconds % (on + off)
        return (True, on - phase) if phase < on else (False, on + off - phase)


def schedule_of(spec: SimulatedSource, seed: int) -> Schedule | None:
    """Return when the events of a simulated detector come; None: as fast as they are taken."""
    return None if spec.rate_hz is None else _scheduled(spec, seed, spec.rate_hz)


def event_times(spec: SimulatedSource, seed: int) -> Schedule:
    """Return the simulated times of events, also of those that come as fast as they are taken."""
    return _scheduled(spec, seed, UNPACED_HZ if spec.rate_hz is None else spec.rate_hz)


def _scheduled(spec: SimulatedSource, seed: int, rate_hz: float) -> Schedule:
    arrivals = Fixed(rate_hz) if spec.arrivals == "fixed" else Poisson(rate_hz, seed)
    return Schedule(arrivals, spec.burst, spec.time_scale)


def _numbers(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
