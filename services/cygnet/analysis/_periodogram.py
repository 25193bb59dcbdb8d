"""The scan over periods: where a modulation may be, before anything is fitted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_PER_RESOLUTION = 8  # frequencies in 1 / span, so that no peak is missed between two
_BLOCK = 64
_SHORTEST_BINS = 4
_ALIKE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodogram:
    """What a sine of each frequency would gain over a constant rate."""

    frequencies: Floats
    """In Hz, ascending, (F,): from one period in the span of the data to one in four bins."""
    gains: Floats
    """Gain in log likelihood, (F,)."""
    cycles: float
    """Periods of the highest frequency in the span of the data: a measure of how many were tried."""

    def chance(self, gain: float) -> float:
        """Return the chance that a constant rate gains as much at any scanned frequency.

        Baluev's bound (MNRAS 385 (2008) 1279), with times spread evenly over the span.
        """
        z = max(gain, 0.0)
        tried = self.cycles * np.sqrt(np.pi / 3) * np.sqrt(z)
        return float(-np.expm1(np.log1p(-min(np.exp(-z), 1 - 1e-15)) - tried * np.exp(-z)))

    def peaks(self, count: int) -> Floats:
        """Return the frequencies of the highest local maxima, best first."""
        padded = np.concatenate([[-np.inf], self.gains, [-np.inf]])
        tops = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] > padded[2:]))
        return self.frequencies[tops[np.argsort(-self.gains[tops], kind="stable")[:count]]]


def waves(edges: Floats, frequencies: Floats) -> Floats:
    """Return the integrals of sin and cos of 2πft over every bin, (F, 2, B), in seconds."""
    omega = 2 * np.pi * frequencies[:, None]
    phase = omega * edges[None, :]
    return (
        np.stack([-np.diff(np.cos(phase), axis=1), np.diff(np.sin(phase), axis=1)], axis=1)
        / omega[:, :, None]
    )


def scan(edges: Floats, counts: npt.NDArray[np.int64], live: Floats) -> Periodogram:
    """Fit constant, sine and cosine at each frequency by least squares, every bin weighted by the mean.

    live: seconds of each bin in which events were counted, (B,).

    That is Lomb and Scargle's periodogram (Astrophys. J. 263 (1982) 835) with a floating mean and bins
    of finite width; with Poisson errors half the fall of chi-squared is the gain in log likelihood.
    """
    seconds = np.diff(edges)
    span = float(edges[-1] - edges[0])
    lowest, highest = 1 / span, 1 / (_SHORTEST_BINS * float(seconds.mean()))
    count = max(int((highest - lowest) * span * _PER_RESOLUTION), 1) + 1
    frequencies = np.linspace(lowest, max(highest, lowest), count)
    mean = counts.sum() / live.sum()
    rest = counts - mean * live
    weights = np.divide(1.0, mean * live, out=np.zeros_like(live), where=live > 0)
    gains = np.empty(count)
    for start in range(0, count, _BLOCK):
        wave = waves(edges, frequencies[start : start + _BLOCK]) * (live / seconds)
        design = np.concatenate([np.broadcast_to(live, (len(wave), 1, len(live))), wave], axis=1)
        weighted = design * weights
        normal = weighted @ design.transpose(0, 2, 1)
        right = weighted @ rest
        inverse = np.linalg.pinv(normal, _ALIKE, hermitian=True)  # live times may see one phase only
        solution = (inverse @ right[..., None])[..., 0]
        gains[start : start + _BLOCK] = (solution * right).sum(axis=1) / 2
    return Periodogram(frequencies=frequencies, gains=gains, cycles=max(highest, lowest) * span)
