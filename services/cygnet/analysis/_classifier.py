"""Nuclear or electronic: a score for each track above 5,000 counts, and no claim below.

Below, the light of both types has the shape of diffusion, and nothing in a crop tells them apart
(measured: an area under the ROC of one half).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from cygnet.analysis._correction import Selection
from cygnet.analysis._features import Tracks
from cygnet.analysis._logistic import Logistic
from cygnet.analysis._roc import Roc

Floats = npt.NDArray[np.float64]
LIGHT_EDGES = (5_000.0, 8_000.0, np.inf)
"""Bins of light in counts, each with a model of its own; below the first edge nothing is decided."""


class Decision(IntEnum):
    """What is said of a track."""

    UNDECIDED = -1
    ELECTRONIC = 0
    NUCLEAR = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The simulated set that a classifier learnt on; crops of another form must not be given to it."""

    preset: str
    spectrum: str
    seed: int
    events: int
    """Learnt on so many, tested on as many others."""
    noise_level: float
    shape: tuple[int, int]
    """Of a crop, (H, W)."""
    jpeg_quality: int | None = None
    """Of the JPEG that a frame was before it was cropped; None: no loss on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A model for each bin of light, one cut on all scores, and what the cut does."""

    trained_on: Training
    models: tuple[Logistic, ...]
    """One for each bin of `LIGHT_EDGES`."""
    cut: float
    """Log odds from which a track is a nuclear candidate."""
    selection: Selection
    """Efficiency and leakage of the cut among all events, undecided ones included; from the held-out set."""
    rocs: tuple[Roc, ...]
    """For bins of light in which both types are found, from the held-out set."""

    def log_odds(self, tracks: Tracks) -> Floats:
        """Return log P(nuclear) / P(electronic) at equal shares, (N,); NaN where nothing is decided."""
        return score(self.models, tracks)

    def decide(self, tracks: Tracks) -> npt.NDArray[np.int8]:
        """Return `Decision`s, (N,) int8."""
        odds = self.log_odds(tracks)
        decided = np.where(odds >= self.cut, Decision.NUCLEAR, Decision.ELECTRONIC)
        return np.where(np.isnan(odds), Decision.UNDECIDED, decided).astype(np.int8)


def score(models: tuple[Logistic, ...], tracks: Tracks) -> Floats:
    """Return the log odds of each track by the model of its bin of light; NaN below the first bin."""
    odds = np.full(len(tracks), np.nan)
    bins = bin_of(tracks)
    inputs = shape_inputs(tracks)
    for number, model in enumerate(models):
        members = bins == number
        if members.any():
            odds[members] = model.log_odds(inputs[members])
    return odds


def bin_of(tracks: Tracks) -> npt.NDArray[np.int64]:
    """Return the number of each track's bin of light, −1 below the first, (N,)."""
    return np.searchsorted(LIGHT_EDGES, tracks.light, "right").astype(np.int64) - 1


def shape_inputs(tracks: Tracks) -> Floats:
    """Return what the models look at, (N, 10): logarithms of features that span decades, and moments."""
    positive = (
        tracks.light,
        tracks.density,
        tracks.concentration,
        tracks.rms_long,
        tracks.rms_wide,
        tracks.slimness,
        tracks.light_per_pixel,
        tracks.width,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = [np.log(np.maximum(each, 1e-9)) for each in positive]
    return np.stack([*logarithms, tracks.skewness, tracks.kurtosis], axis=1)


def groups_of(decisions: npt.NDArray[np.int8]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which tracks were decided nuclear, electronic, and not at all: masks by name, (N,)."""
    return {decision.name.lower(): decisions == decision for decision in reversed(Decision)}
