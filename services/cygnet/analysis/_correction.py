"""From the rate of candidates to that of nuclear recoils: efficiency and leakage, with all their errors.

With R events a second, of which a share p(t) are nuclear recoils, a fraction e of those (efficiency) and
a fraction f of the electron recoils (leakage) become candidates: R [p e + (1 − p) f]. If the candidates'
rate is b + s (1 + sin), the nuclear recoils' is b' + s' (1 + sin) with

    b' = (b − R f) / (e − f)        s' = s / (e − f)        s'/b' = s / (b − R f)
"""

from dataclasses import dataclass

import numpy as np

from cygnet.analysis._modulation import Modulation
from cygnet.model.errors import BadInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a classifier's cut does, from held-out simulated events: fractions of all events of a type."""

    efficiency: float
    """e: nuclear recoils that become candidates."""
    efficiency_error: float
    leakage: float
    """f: electron recoils that become candidates."""
    leakage_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NuclearRate:
    """The nuclear recoils' own modulation, and one sigma of each value."""

    base_hz: float
    base_hz_error: float
    amplitude_hz: float
    amplitude_hz_error: float
    ratio: float
    """s'/b': amplitude over base."""
    ratio_error: float
    """To first order: too small upwards where the base is not five of its errors above 0, see `correct`."""


def fraction(chosen: int, total: int) -> tuple[float, float]:
    """Return chosen / total and its standard error, which does not vanish when none or all are chosen.

    The error is the posterior's standard deviation under a flat prior (Ullrich and Xu,
    arXiv:physics/0701199). Raises BadInputError for a total below 1.
    """
    if not 0 <= chosen <= total or total < 1:
        raise BadInputError(f"chosen: {chosen} of {total}; accepted: 0 … total, with a total of at least 1")
    variance = (chosen + 1) * (total - chosen + 1) / ((total + 2) ** 2 * (total + 3))
    return chosen / total, float(np.sqrt(variance))


def correct(fit: Modulation, event_hz: float, event_hz_error: float, selection: Selection) -> NuclearRate:
    """Return the nuclear recoils' modulation; errors of b, s, R, e and f are propagated to first order.

    b and s carry their covariance from the fit; R counts many more events than become candidates and is
    taken as independent of both. Raises BadInputError unless e is above f.

    The error of s'/b' is symmetric, and the ratio's own distribution is not where b' is near 0: it has a long
    tail upwards. In simulated rates with b five of its errors above 0, the true s/b lay above the interval
    twice as often as below it; at three and less it lay above it only, in a fifth of the runs. At b' = 0 the
    ratio is infinite. Then only a lower bound means something.
    """
    e, f = selection.efficiency, selection.leakage
    if not e > f:
        raise BadInputError(
            f"selection: efficiency {e:.4g} and leakage {f:.4g}; accepted: efficiency above leakage"
        )
    b, s, r = fit.base_hz, fit.amplitude_hz, event_hz
    net, gap = b - r * f, e - f
    covariance = np.zeros((5, 5))  # of b, s, R, e, f
    covariance[:2, :2] = fit.covariance[:2, :2]
    covariance[2, 2] = event_hz_error**2
    covariance[3, 3] = selection.efficiency_error**2
    covariance[4, 4] = selection.leakage_error**2
    base = np.array([1, 0, -f, -net / gap, net / gap - r]) / gap
    amplitude = np.array([0, 1, 0, -s / gap, s / gap]) / gap
    ratio = np.array([-s / net, 1, s * f / net, 0, s * r / net]) / net if net else np.full(5, np.inf)
    return NuclearRate(
        base_hz=net / gap,
        base_hz_error=_error(base, covariance),
        amplitude_hz=s / gap,
        amplitude_hz_error=_error(amplitude, covariance),
        ratio=s / net if net else np.inf,
        ratio_error=_error(ratio, covariance) if net else np.inf,
    )


def _error(
    gradient: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    covariance: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
) -> float:
    return float(np.sqrt(gradient @ covariance @ gradient))
