"""Samples of the simulated detector for its figures: tracks, light, dark frames, and the published points."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from cygnet.imaging import encode_jpeg
from cygnet.simulator.cygno import Detector
from cygnet.simulator.cygno._random import seed_state
from cygnet.simulator.cygno._track import MOST_DEPOSITS, electron_track, helium_track

REAL = Path(__file__).resolve().parent.parent / "examples" / "data" / "cygno"

# arXiv:2007.12508, figure of ranges: keV, mean and standard deviation in um
ELECTRON_RANGES: Final = (
    (1, 22.8, 6.6),
    (3, 155, 50),
    (6, 532, 160),
    (10, 1327, 374),
    (30, 8956, 2313),
)
HELIUM_RANGES: Final = ((1, 22.0, 8.9), (3, 61.5, 21), (6, 114, 36), (10, 181, 49), (30, 444, 88))
QUENCHING: Final = ((1, 0.42), (3, 0.58), (6, 0.69), (10, 0.77), (20, 0.86), (30, 0.90))
WIDTHS: Final = ((5, 0.43), (25, 0.656), (50, 0.86))  # cm, mm
SCHOOL_LIGHT: Final = ((3, 2000, 2300), (10, 6300, 6800), (30, 19000, 21000))  # keV, counts from, to
LIME_FE55: Final = (8415, 10444)
EQUATIONS_LIGHT: Final = ((1, 1319), (3, 1034), (5.9, 815), (10, 732), (30, 785))  # keV, counts per keV
EQUATIONS_DRIFT: Final = ((5, 3087), (15, 4330), (25, 4993), (35, 5083), (45, 5121))  # cm, counts at 5.9 keV


def displacements(recoil: str, energy_kev: float, tracks: int) -> np.ndarray:
    """Return the distances in um from start to end."""
    words = np.empty(4, np.uint64)
    seed_state(np.uint64(1), words)
    deposits, end = np.empty((MOST_DEPOSITS, 4)), np.empty(3)
    track = electron_track if recoil == "electronic" else helium_track
    found = []
    for _ in range(tracks):
        track(words, energy_kev, np.array([1.0, 0.0, 0.0]), deposits, end)
        found.append(1000 * np.linalg.norm(end))
    return np.array(found)


def light(detector: Detector, recoil: str, energy_kev: float, z_mm: float, events: int) -> np.ndarray:
    """Return the counts of recoils in the middle of the image."""
    found = []
    for event in range(events):
        wish = replace(detector.primary(event), recoil=recoil, energy_kev=energy_kev, z_mm=z_mm)
        found.append(detector.light(event, replace(wish, position_mm=(0.0, 0.0)))[0].sum())
    return np.array(found, float)


def width_mm(detector: Detector, z_mm: float, events: int) -> float:
    """Return the standard deviation of the light of 1 keV electrons, without saturation."""
    saturated = detector.preset
    detector.preset = replace(saturated, saturation=0.0)
    height, width = saturated.shape
    sums = np.zeros(2)
    for event in range(events):
        wish = replace(detector.primary(event), recoil="electronic", energy_kev=1.0, z_mm=z_mm)
        found, top, left = detector.light(event, replace(wish, position_mm=(0.0, 0.0)))
        y, x = np.indices(found.shape)
        square = (x + left + 0.5 - width / 2) ** 2 + (y + top + 0.5 - height / 2) ** 2
        sums += found.sum(), (found * square).sum() / 2
    detector.preset = saturated
    return float(saturated.pixel_mm * np.sqrt(sums[1] / sums[0]))


def real_frames() -> list[np.ndarray]:
    """Return the seven frames of the school."""
    return [np.array(Image.open(path)) for path in sorted(REAL.glob("frame-*.png"))]


def compressed(image: np.ndarray) -> np.ndarray:
    """Return an image as it looks after the injector's JPEG."""
    return np.array(Image.open(io.BytesIO(encode_jpeg(image, 80))))


def frame(detector: Detector, event: int, recoil: str, energy_kev: float) -> np.ndarray:
    """Return an image of a recoil of that type and energy, after JPEG."""
    wish = replace(detector.primary(event), recoil=recoil, energy_kev=energy_kev)
    return compressed(detector.image(event, wish))


def background(image: np.ndarray) -> np.ndarray:
    """Return the pixels of an image that no recoil reaches."""
    kept = np.ones(image.shape, bool)
    kept[188:388, 188:388] = False
    return image[kept]
