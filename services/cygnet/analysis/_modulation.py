"""The fit of `b + s (1 + sin(2πt/T + φ))` to a counted rate: nobody tells it where to begin.

Counts in bins are Poisson; the model is integrated over each bin. The scan over periods gives the start
values; the likelihood is then maximised with b, s ≥ 0 and errors are those of the Fisher information.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cygnet.analysis._periodogram import Periodogram, scan, waves
from cygnet.model.errors import BadInputError

Floats = npt.NDArray[np.float64]
_STARTS = 5
_FEWEST_BINS = 16
_FEWEST_COUNTS = 10
_LEAST = 1e-12  # of the mean: keeps the logarithm finite where the model touches zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Modulation:
    """A fitted modulation; t counts from the first bin's edge."""

    base_hz: float
    """b: the rate in the trough."""
    amplitude_hz: float
    """s: half of the way from trough to crest."""
    period_seconds: float
    """T."""
    phase_radians: float
    """φ, −π … π."""
    covariance: Floats
    """Of (b, s, T, φ), (4, 4), from the Fisher information at the maximum."""
    gain: float
    """Log likelihood above that of a constant rate."""
    p_value: float
    """Chance that a constant rate gains as much at any of the scanned periods."""
    deviance: float
    """2 × log likelihood below that of the counts themselves; near `degrees` for a good fit."""
    degrees: int
    """Bins less four."""
    scanned: Periodogram
    """The scan that gave the start values."""

    @property
    def errors(self) -> Floats:
        """One sigma of (b, s, T, φ)."""
        return np.sqrt(np.diag(self.covariance))

    def hz(self, seconds: npt.ArrayLike) -> Floats:
        """Return the model's rate at the given times."""
        angle = 2 * np.pi * np.asarray(seconds, np.float64) / self.period_seconds + self.phase_radians
        return np.asarray(self.base_hz + self.amplitude_hz * (1 + np.sin(angle)))


def fit_modulation(edges: Floats, counts: npt.NDArray[np.int64]) -> Modulation:
    """Fit the model to counts (B,) between edges (B + 1,) in seconds.

    Periods from four bins to the whole span are looked at. Raises BadInputError for fewer than 16 bins,
    fewer than 10 counts, edges that do not ascend, and counts of another length.

    Errors are of first order, from the curvature at the maximum. Where b is less than five of its errors
    above 0, its bound, they are too small for what is made of it: see `correct` for s/b.
    """
    edges, counts = np.asarray(edges, np.float64) - edges[0], np.asarray(counts)
    _check(edges, counts)
    scanned = scan(edges, counts)
    fits = [_maximise(edges, counts, frequency) for frequency in scanned.peaks(_STARTS)]
    best, parameters = min(fits, key=lambda fit: fit[0])
    b, s, f, phase = parameters
    expected, gradient = _expected(parameters, edges)
    mean = counts.sum() / edges[-1] * np.diff(edges)
    gain = _negative_log_likelihood(mean, counts) - best
    return Modulation(
        base_hz=float(b),
        amplitude_hz=float(s),
        period_seconds=float(1 / f),
        phase_radians=float((phase + np.pi) % (2 * np.pi) - np.pi),
        covariance=_covariance(expected, gradient, f),
        gain=float(gain),
        p_value=scanned.chance(float(gain)),
        deviance=float(2 * (best - _negative_log_likelihood(np.maximum(counts, _LEAST), counts))),
        degrees=len(counts) - 4,
        scanned=scanned,
    )


def _check(edges: Floats, counts: npt.NDArray[np.int64]) -> None:
    if len(counts) < _FEWEST_BINS or len(edges) != len(counts) + 1:
        raise BadInputError(
            f"counts: {len(counts)} between {len(edges)} edges; accepted: at least {_FEWEST_BINS},"
            " and one edge more"
        )
    if not (np.diff(edges) > 0).all():
        raise BadInputError("edges: they do not ascend; accepted: seconds, each later than the one before")
    if counts.sum() < _FEWEST_COUNTS or counts.min() < 0:
        raise BadInputError(
            f"counts: {int(counts.sum())} in all; accepted: at least {_FEWEST_COUNTS}, none negative"
        )


def _maximise(edges: Floats, counts: npt.NDArray[np.int64], frequency: float) -> tuple[float, Floats]:
    """Return the lowest negative log likelihood near a frequency, and its (b, s, frequency, φ)."""
    from scipy.optimize import minimize

    span = edges[-1]
    mean = counts.sum() / span
    sine, cosine = waves(edges, np.array([frequency]))[0]
    rest = (counts - mean * np.diff(edges)) / span * 2
    across = (rest @ sine) / np.diff(edges).mean(), (rest @ cosine) / np.diff(edges).mean()
    s = min(float(np.hypot(*across)), mean)
    start = np.array(
        [max(mean - s, 0.01 * mean), max(s, 0.01 * mean), frequency, np.arctan2(across[1], across[0])]
    )
    scale = np.array([mean, mean, 1 / span, 1.0])

    def objective(scaled: Floats) -> tuple[float, Floats]:
        expected, gradient = _expected(scaled * scale, edges)
        expected = np.maximum(expected, _LEAST * mean)
        slope = gradient @ (1 - counts / expected)
        return _negative_log_likelihood(expected, counts), slope * scale

    within = [
        (0, None),
        (0, None),
        (max(frequency * span - 0.75, 0.5), frequency * span + 0.75),
        (None, None),
    ]
    found = minimize(
        objective, start / scale, jac=True, method="SLSQP", bounds=within, options={"ftol": 1e-12}
    )
    return float(found.fun), np.asarray(found.x * scale)


def _expected(parameters: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Return the expected counts (B,) and their derivatives by (b, s, frequency, φ), (4, B)."""
    b, s, frequency, phase = parameters
    omega, seconds = 2 * np.pi * frequency, np.diff(edges)
    angle = omega * edges + phase
    sine = -np.diff(np.cos(angle)) / omega
    cosine = np.diff(np.sin(angle)) / omega
    by_omega = np.diff(edges * np.sin(angle)) / omega - sine / omega
    expected = (b + s) * seconds + s * sine
    return expected, np.stack([seconds, seconds + sine, s * by_omega * 2 * np.pi, s * cosine])


def _negative_log_likelihood(expected: npt.NDArray[np.generic], counts: npt.NDArray[np.int64]) -> float:
    """Return that of Poisson counts, without the factorials."""
    return float(np.sum(expected - counts * np.log(expected)))


def _covariance(expected: Floats, gradient: Floats, frequency: float) -> Floats:
    """Return the inverse Fisher information, turned from frequency to period."""
    floor = max(float(expected.mean()) * 1e-3, _LEAST)
    information = (gradient / np.maximum(expected, floor)) @ gradient.T
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    inverse = np.linalg.pinv(information / np.outer(size, size), hermitian=True) / np.outer(size, size)
    turn = np.diag([1.0, 1.0, -1 / frequency**2, 1.0])
    return np.asarray(turn @ inverse @ turn)
