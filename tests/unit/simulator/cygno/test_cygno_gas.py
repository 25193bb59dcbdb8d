"""Drift, diffusion and gain are those of the published digitization."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cygnet.simulator.cygno import Detector
from cygnet.simulator.cygno._cloud import avalanche_electrons, saturate
from cygnet.simulator.cygno.gas import (
    ENERGY_PER_ELECTRON_KEV,
    EXTRACTION,
    GEM_GAIN,
    SOLID_ANGLE,
    longitudinal_spread_mm,
    surviving,
    transverse_spread_mm,
)
from unit.simulator.cygno.recoil_samples import state


@pytest.mark.parametrize(("z_mm", "sigma_mm"), [(50, 0.43), (250, 0.656), (500, 0.86)])
def test_clouds_widen_with_the_drift_as_published(z_mm, sigma_mm):
    assert transverse_spread_mm(z_mm) == pytest.approx(sigma_mm, abs=0.003)


def test_clouds_start_as_wide_as_the_gems_make_them():
    assert transverse_spread_mm(0) == pytest.approx(0.35)
    assert longitudinal_spread_mm(0) == pytest.approx(0.26)
    assert longitudinal_spread_mm(250) == pytest.approx(math.sqrt(0.0676 + 0.00978 * 25))


@pytest.mark.parametrize("z_mm", [50, 250, 450])
def test_image_of_a_small_recoil_is_as_wide_as_its_drift_says(z_mm):
    """Without saturation: an electron of 1 keV goes 0.02 mm, a cloud is 0.4 to 0.8 mm wide."""
    detector = Detector("lime")
    detector.preset = replace(detector.preset, saturation=0.0)
    sums = np.zeros(3)
    for event in range(300):
        primary = replace(
            detector.primary(event),
            recoil="electronic",
            energy_kev=1.0,
            position_mm=(0.0, 0.0),
            z_mm=float(z_mm),
        )
        light, top, left = detector.light(event, primary)
        y, x = np.indices(light.shape)
        x, y = x + left + 0.5 - 1152, y + top + 0.5 - 1152
        sums += light.sum(), (light * x * x).sum(), (light * y * y).sum()
    for second_moment in sums[1:]:
        width_mm = 0.150 * math.sqrt(second_moment / sums[0])
        assert width_mm == pytest.approx(transverse_spread_mm(z_mm), rel=0.03)


def test_gain_and_optics_are_the_published_ones():
    assert pytest.approx(342, rel=0.005) == GEM_GAIN
    assert pytest.approx(0.362, abs=0.001) == EXTRACTION
    assert pytest.approx(1.19e-4, rel=0.005) == SOLID_ANGLE


def test_ionisation_and_gain_fluctuate_as_poisson_and_exponentials_do():
    words = state()
    gain = GEM_GAIN * EXTRACTION * GEM_GAIN * EXTRACTION
    electrons = np.array([avalanche_electrons(words, 5.9, 250.0) for _ in range(20000)]) / gain
    expected = 5.9 / ENERGY_PER_ELECTRON_KEV * surviving(250.0)
    assert electrons.mean() == pytest.approx(expected, rel=0.01)
    assert electrons.var() == pytest.approx(2 * expected, rel=0.05)  # Poisson, and as much by the first GEM


def test_saturation_halves_the_light_where_published():
    """Beta g n = 1: half of the light is lost."""
    electrons = 1 / (1e-5 * GEM_GAIN)
    out = np.empty((1, 1), np.float32)
    light = {}
    for beta in (0.0, 1e-5):
        saturate(np.full((1, 1, 1), electrons, np.float32), 1.0, beta, out)
        light[beta] = out[0, 0]
    assert light[1e-5] / light[0.0] == pytest.approx(0.5)
