"""Spectra: what was asked for comes, and in `overlap` brightness does not betray the type."""

from collections import Counter

import numpy as np
import pytest

from cygnet.model.errors import BadInputError
from cygnet.simulator.cygno import NUCLEAR, PRESETS, SCHOOL_ENERGIES_KEV, Detector
from unit.simulator.cygno.recoil_samples import auc


@pytest.mark.parametrize("preset", PRESETS)
def test_brightness_alone_does_not_tell_the_type_in_overlap(preset):
    detector = Detector(preset)
    primaries = [detector.primary(event) for event in range(3000)]
    counts = np.array([detector.light(event, p)[0].sum() for event, p in enumerate(primaries)], float)
    nuclear = np.array([primary.recoil == NUCLEAR for primary in primaries])
    counts += np.random.default_rng(0).uniform(0, 1, counts.size)
    area = auc(counts, nuclear)
    assert max(area, 1 - area) <= 0.55


def test_school_has_its_six_energies_for_both_types():
    detector = Detector("sosc", spectrum="school")
    drawn = Counter((p.recoil, p.energy_kev) for p in map(detector.primary, range(6000)))
    assert {energy for _, energy in drawn} == set(SCHOOL_ENERGIES_KEV)
    assert len(drawn) == 12
    assert min(drawn.values()) > 400


def test_overlap_stays_within_what_is_modelled():
    for preset in PRESETS:
        energies = [p.energy_kev for p in map(Detector(preset).primary, range(3000))]
        assert 1 <= min(energies) < 2
        assert 25 < max(energies) <= 30


def test_explicit_energies_are_used():
    detector = Detector("sosc", spectrum=[5.9])
    assert {detector.primary(event).energy_kev for event in range(20)} == {5.9}


@pytest.mark.parametrize("spectrum", ["flat", "", [], (), [0.5], [31.0], [float("nan")], [True], ["3"]])
def test_spectrum_that_does_not_exist_is_refused_with_what_does(spectrum):
    with pytest.raises(BadInputError, match=r"^spectrum: .* accepted: .*1 to 30"):
        Detector("sosc", spectrum=spectrum)
