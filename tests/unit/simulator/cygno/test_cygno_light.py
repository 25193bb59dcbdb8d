"""Each preset is as bright as its own anchors say; the bare equations give what was published of them."""

from dataclasses import replace

import numpy as np
import pytest

from cygnet.imaging import crop_center
from cygnet.simulator.cygno import ELECTRONIC, NUCLEAR, PRESETS, Detector
from cygnet.simulator.cygno.recoils import helium_quenching
from unit.simulator.cygno.recoil_samples import light, mean_counts

# the school's frames: spots of 2.0-2.3 k and 6.3-6.8 k, tracks of 19-21 k counts; about 770, 650, 670 per keV
SCHOOL_COUNTS_PER_KEV = {3: 770, 10: 650, 30: 670}
LIME_FE55_COUNTS = (8415, 10444)  # peak of 55Fe in LNGS runs 3 and 4


@pytest.fixture(scope="module")
def sosc():
    return Detector("sosc")


@pytest.fixture(scope="module")
def lime():
    return Detector("lime")


@pytest.mark.parametrize("energy", SCHOOL_COUNTS_PER_KEV)
def test_sosc_is_as_bright_as_the_schools_frames(sosc, energy):
    per_kev = light(sosc, ELECTRONIC, energy, 250.0, 600).mean() / energy
    assert per_kev == pytest.approx(SCHOOL_COUNTS_PER_KEV[energy], rel=0.05)


def test_lime_is_as_bright_as_its_source_of_iron_55(lime):
    least, most = LIME_FE55_COUNTS
    assert least < light(lime, ELECTRONIC, 5.9, 250.0, 300).mean() < most


@pytest.mark.parametrize(("energy", "per_kev"), [(1, 1319), (3, 1034), (5.9, 815), (10, 732), (30, 785)])
def test_equations_without_a_presets_scale_give_their_published_light(lime, energy, per_kev):
    lime.preset = replace(PRESETS["lime"], light_scale=1.0)
    try:
        found = light(lime, ELECTRONIC, energy, 250.0, 800).mean() / energy
    finally:
        lime.preset = PRESETS["lime"]
    assert found == pytest.approx(per_kev, rel=0.06)


@pytest.mark.parametrize("preset", PRESETS)
def test_resolution_at_the_line_of_iron_55_is_that_of_the_detectors(preset):
    counts = light(Detector(preset), ELECTRONIC, 5.9, 250.0, 1500)
    assert 0.08 < counts.std() / counts.mean() < 0.20


def test_light_of_a_spot_rises_with_the_drift_as_space_charge_thins(lime):
    means = [light(lime, ELECTRONIC, 5.9, z, 200).mean() for z in (50.0, 150.0, 250.0, 350.0)]
    assert means == sorted(means)
    assert means[2] / means[0] == pytest.approx(4993 / 3087, rel=0.07)


@pytest.mark.parametrize("preset", PRESETS)
def test_nuclear_recoils_are_more_saturated_than_electrons_of_equal_ionisation(preset):
    detector = Detector(preset)
    per_kev, shares = [], []
    for energy in (10.0, 30.0):
        ionising = energy * helium_quenching(energy)
        nuclear = light(detector, NUCLEAR, energy, 250.0, 150).mean()
        electronic = light(detector, ELECTRONIC, ionising, 250.0, 150).mean()
        assert nuclear < electronic
        per_kev.append(nuclear / ionising)
        shares.append(nuclear / electronic)
    assert per_kev[1] < per_kev[0]
    assert shares[1] < 0.75


@pytest.mark.parametrize(("recoil", "energy"), [(NUCLEAR, 10.0), (ELECTRONIC, 6.0), (ELECTRONIC, 30.0)])
def test_photons_and_not_counts_are_poisson(sosc, recoil, energy):
    """Two counts a photon make the variance twice the mean, in what neighbours differ by.

    A track is smooth over pixels: the second difference of three has six times the variance of one.
    """
    squares = counts = 0.0
    for event in range(60):
        shown = sosc.light(event, replace(sosc.primary(event), recoil=recoil, energy_kev=energy))[0]
        assert (shown % 2 == 0).all()
        left, middle, right = shown[:, :-2], shown[:, 1:-1], shown[:, 2:]
        squares += float(((left - 2 * middle + right) ** 2).sum()) / 6
        counts += float((left + 4 * middle + right).sum()) / 6
    assert squares == pytest.approx(2 * counts, rel=0.05)


@pytest.mark.parametrize(("preset", "recoil"), [(p, r) for p in PRESETS for r in (NUCLEAR, ELECTRONIC)])
@pytest.mark.parametrize("energy", [2.0, 5.0, 22.0])
def test_table_of_mean_light_is_that_of_the_model(preset, recoil, energy):
    detector = Detector(preset)
    found = light(detector, recoil, energy, 240.0, 400)
    error = 4 * found.std() / np.sqrt(found.size)
    expected = mean_counts(detector.preset, recoil, energy, 240.0)
    assert found.mean() == pytest.approx(expected, abs=error + 0.02 * expected)


def test_crop_of_128_truncates_electrons_of_30_kev(sosc):
    kept = []
    for event in range(300):
        primary = replace(sosc.primary(event), recoil=ELECTRONIC, energy_kev=30.0)
        whole = np.zeros(sosc.preset.shape)
        found, top, left = sosc.light(event, primary)
        whole[top : top + found.shape[0], left : left + found.shape[1]] = found
        kept.append(crop_center(whole, 64).sum() / whole.sum())
    lost = 1 - np.array(kept)
    truncated = lost > 0.05
    assert 0.1 < truncated.mean() < 0.3
    assert lost[truncated].mean() == pytest.approx(0.25, abs=0.07)


def test_light_outside_the_image_is_lost_and_nothing_else(lime):
    edge = 0.5 * 2304 * 0.150
    for position in ((edge, 0.0), (-edge, edge), (10 * edge, 0.0)):
        primary = replace(lime.primary(3), recoil=NUCLEAR, energy_kev=20.0, position_mm=position)
        image = lime.image(3, primary)
        inside = lime.light(3, primary)[0].sum()
        assert image.shape == (2304, 2304)
        assert inside < 0.7 * lime.light(3, replace(primary, position_mm=(0.0, 0.0)))[0].sum()
    assert inside == 0
