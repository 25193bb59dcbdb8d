"""The camera's noise is what was measured on real frames, pixel by pixel, column by column."""

from dataclasses import replace

import numpy as np
import pytest

from cygnet.simulator.cygno import Detector
from cygnet.simulator.cygno._noise import noise_table

FRAMES = 30


def dark(preset, frames=FRAMES, rows=slice(0, 200), **wish):
    """Return frames far from the vertex: (N, H, W)."""
    detector = Detector(preset, **wish)
    far = {"position_mm": (1e6, 0.0)}  # the light falls beside the image
    return np.stack(
        [detector.image(event, replace(detector.primary(event), **far))[rows] for event in range(frames)]
    ).astype(float)


@pytest.fixture(scope="module")
def sosc():
    return dark("sosc")


def parts(frames):
    """Return (pixel noise, column noise, fixed pattern): standard deviations in counts."""
    pattern = frames.mean(0) - frames.mean()
    columns = (frames - frames.mean(0)).mean(1)
    pixels = frames - frames.mean(0) - columns[:, None]
    shrink = 1 - 1 / len(frames)
    read = np.sqrt(pixels.var() / shrink)
    fixed = np.sqrt(max(0.0, (pattern - pattern.mean(0)).var() - read**2 / len(frames)))
    return read, np.sqrt(columns.var() / shrink - read**2 / frames.shape[1]), fixed


def test_sosc_has_the_noise_of_the_schools_frames(sosc):
    read, columns, fixed = parts(sosc)
    assert sosc.mean() == pytest.approx(99.9, abs=0.05)
    assert read == pytest.approx(1.4, rel=0.03)
    assert columns == pytest.approx(0.86, rel=0.03)
    assert fixed == pytest.approx(0.6, rel=0.05)


def test_injectors_noise_brings_a_pixel_to_what_the_frames_show():
    read, columns, _ = parts(dark("sosc", noise_level=0.02))
    assert read == pytest.approx(5.28, rel=0.01)
    assert columns == pytest.approx(0.86, rel=0.05)


def test_lime_has_the_noise_of_its_camera():
    frames = dark("lime", 8, rows=slice(0, 100))
    read, _, _ = parts(frames)
    assert frames.dtype == np.float64
    assert frames.mean() == pytest.approx(100, abs=0.1)
    assert read == pytest.approx(2.9, rel=0.02)


def test_columns_are_drawn_again_in_each_frame(sosc):
    columns = (sosc - sosc.mean(0)).mean(1)
    correlation = np.corrcoef(columns)[np.triu_indices(FRAMES, 1)]
    assert abs(correlation.mean() + 1 / (FRAMES - 1)) < 0.02


def test_fixed_pattern_belongs_to_a_detector():
    one, again, other = (dark("sosc", 20, seed=seed).mean(0) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05


def test_noise_is_normal_up_to_its_tails():
    table = noise_table(2.0)
    assert table.size == 65536
    assert table.std() == pytest.approx(2.0, rel=1e-5)
    assert table.mean() == pytest.approx(0, abs=1e-6)
    assert np.mean(np.abs(table) > 4.0) == pytest.approx(0.0455, rel=0.01)
    assert table.max() > 4.2 * 2.0


def test_bright_light_stops_at_what_a_pixel_can_hold():
    detector = Detector("sosc", noise_level=1.0)
    image = detector.image(0, replace(detector.primary(0), energy_kev=30.0))
    assert image.dtype == np.uint8
    assert np.mean(image == 0) > 0.2
    assert np.mean(image == 255) > 0.1
