"""What a score is worth: ROC curves and the area under them, with its error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_POINTS = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Roc:
    """The ROC of one bin of light."""

    low: float
    """Least light of the bin, counts."""
    high: float
    """Light below which the bin ends, counts; infinite for the last."""
    nuclear: int
    """Nuclear recoils that it was made with."""
    electronic: int
    """Electron recoils that it was made with."""
    auc: float
    """Area under the curve: chance that a nuclear recoil has the higher score."""
    auc_error: float
    """One sigma of it."""
    efficiency: Floats
    """Share of nuclear recoils above a cut, (101,), from 0 to 1."""
    leakage: Floats
    """Share of electron recoils above the same cut, (101,)."""


def roc(scores: Floats, nuclear: npt.NDArray[np.bool_], *, low: float, high: float) -> Roc:
    """Return the ROC of scores (N,) given the truth (N,); of both types there must be some.

    The area is Mann and Whitney's statistic, equal scores counted half; its error is that of Hanley and
    McNeil (Radiology 143 (1982) 29).
    """
    signal, background = np.sort(scores[nuclear]), np.sort(scores[~nuclear])
    n, m = len(signal), len(background)
    below = np.searchsorted(background, signal, "left"), np.searchsorted(background, signal, "right")
    auc = float((below[0] + below[1]).sum() / (2 * n * m))
    pair = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = (auc * (1 - auc) + (n - 1) * pair[0] + (m - 1) * pair[1]) / (n * m)
    efficiency = np.linspace(0, 1, _POINTS)
    cuts = np.quantile(signal, 1 - efficiency, method="inverted_cdf")
    leakage = 1 - np.searchsorted(background, cuts, "left") / m
    leakage[0] = 0.0  # nothing is above a cut that no nuclear recoil reaches
    return Roc(
        low=low,
        high=high,
        nuclear=n,
        electronic=m,
        auc=auc,
        auc_error=float(np.sqrt(max(variance, 0.0))),
        efficiency=efficiency,
        leakage=leakage,
    )
