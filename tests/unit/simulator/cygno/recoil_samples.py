"""Samples of the simulated detector for its tests."""

from dataclasses import replace

import numpy as np

from cygnet.simulator.cygno import Detector
from cygnet.simulator.cygno._random import seed_state
from cygnet.simulator.cygno._track import MOST_DEPOSITS, electron_track, helium_track
from cygnet.simulator.cygno.light_tables import ENERGIES_KEV
from cygnet.simulator.cygno.presets import Preset
from cygnet.simulator.cygno.spectra import _log_counts


def light(detector: Detector, recoil: str, energy_kev: float, z_mm: float, events: int) -> np.ndarray:
    """Return the counts of recoils in the middle of the image."""
    counts = []
    for event in range(events):
        primary = replace(
            detector.primary(event), recoil=recoil, energy_kev=energy_kev, z_mm=z_mm, position_mm=(0.0, 0.0)
        )
        counts.append(detector.light(event, primary)[0].sum())
    return np.array(counts, float)


def mean_counts(preset: Preset, recoil: str, energy_kev: float, z_mm: float) -> float:
    """Return the light that a recoil gives in the mean, in counts: from the table of the model's means."""
    logarithms = np.interp(np.log(energy_kev), np.log(ENERGIES_KEV), _log_counts(preset, recoil, z_mm))
    return float(np.exp(logarithms))


def state(key: int = 1) -> np.ndarray:
    """Return a generator's state."""
    words = np.empty(4, np.uint64)
    seed_state(np.uint64(key), words)
    return words


def ends_um(recoil: str, energy_kev: float, tracks: int) -> np.ndarray:
    """Return where recoils that start along x stop: (tracks, 3) in um."""
    words, deposits, end = state(), np.empty((MOST_DEPOSITS, 4)), np.empty(3)
    track = electron_track if recoil == "electronic" else helium_track
    ends = []
    for _ in range(tracks):
        track(words, energy_kev, np.array([1.0, 0.0, 0.0]), deposits, end)
        ends.append(1000 * end)
    return np.array(ends)


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the area under the ROC curve of a score (Mann, Whitney; ties are nearly none)."""
    ranks = np.empty(scores.size)
    ranks[np.argsort(scores)] = np.arange(1, scores.size + 1)
    ones = int(positive.sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * (scores.size - ones)))
