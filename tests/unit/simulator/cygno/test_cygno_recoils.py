"""Recoils go as far, and ionise as much, as published; figures in micrometres and keV."""

import math

import numpy as np
import pytest

from cygnet.simulator.cygno._track import MOST_DEPOSITS, electron_track, helium_track
from cygnet.simulator.cygno.recoils import (
    ELECTRON_RANGE_POWER,
    electron_path_mm,
    helium_quenching,
    helium_range_mm,
)
from unit.simulator.cygno.recoil_samples import ends_um, state

# arXiv:2007.12508, figure of ranges: (mean, standard deviation) of the distance from start to end
ELECTRONS = {1: (22.8, 6.6), 3: (155, 50), 6: (532, 160), 10: (1327, 374), 30: (8956, 2313)}
QUENCHING = {1: 0.42, 3: 0.58, 6: 0.69, 10: 0.77, 20: 0.86, 30: 0.90}
HELIUM = {1: (22.0, 8.9), 3: (61.5, 21), 6: (114, 36), 10: (181, 49), 30: (444, 88)}


@pytest.mark.parametrize("energy", ELECTRONS)
def test_electrons_stop_as_far_from_their_start_as_published(energy):
    mean, spread = ELECTRONS[energy]
    reached = np.linalg.norm(ends_um("electronic", energy, 3000), axis=1)
    assert reached.mean() == pytest.approx(mean, rel=0.06)
    assert reached.std() == pytest.approx(spread, rel=0.22)


@pytest.mark.parametrize("energy", HELIUM)
def test_helium_recoils_stop_as_far_from_their_start_as_published(energy):
    mean, spread = HELIUM[energy]
    reached = np.linalg.norm(ends_um("nuclear", energy, 3000), axis=1)
    assert reached.mean() == pytest.approx(mean, rel=0.05)
    assert reached.std() == pytest.approx(spread, rel=0.12)


@pytest.mark.parametrize("energy", ELECTRONS)
def test_curves_are_the_published_points(energy):
    assert 22.7 * energy**ELECTRON_RANGE_POWER == pytest.approx(ELECTRONS[energy][0], rel=0.02)
    assert 1000 * helium_range_mm(energy) == pytest.approx(HELIUM[energy][0], rel=0.04)


def test_electron_paths_are_longer_than_their_displacement():
    assert electron_path_mm(10) == pytest.approx(2.0, rel=0.03)
    assert electron_path_mm(30) == pytest.approx(14, rel=0.04)


@pytest.mark.parametrize("energy", QUENCHING)
def test_helium_ionises_with_lindhards_share_of_its_energy(energy):
    assert helium_quenching(energy) == pytest.approx(QUENCHING[energy], abs=0.006)


@pytest.mark.parametrize("energy", [1.0, 5.9, 30.0])
def test_no_energy_is_lost_or_made_on_the_way(energy):
    words, deposits, end = state(), np.empty((MOST_DEPOSITS, 4)), np.empty(3)
    for _ in range(50):
        count = electron_track(words, energy, np.array([0.0, 0.6, 0.8]), deposits, end)
        assert deposits[:count, 3].sum() == pytest.approx(energy)
        assert (deposits[:count, 3] > 0).all()
        count = helium_track(words, energy, np.array([0.0, 0.6, 0.8]), deposits, end)
        assert deposits[:count, 3].sum() == pytest.approx(energy * helium_quenching(energy))


def test_electrons_lose_most_where_they_stop():
    words, deposits, end = state(), np.empty((MOST_DEPOSITS, 4)), np.empty(3)
    first, last = [], []
    for _ in range(200):
        count = electron_track(words, 30.0, np.array([1.0, 0.0, 0.0]), deposits, end)
        along = deposits[:count, 3]
        first.append(along[: count // 4].sum())
        last.append(along[-(count // 4) :].sum())
    assert np.mean(last) > 1.8 * np.mean(first)


def test_electrons_are_turned_to_all_sides_alike():
    ends = ends_um("electronic", 30.0, 4000)
    scale = np.linalg.norm(ends, axis=1).mean() / math.sqrt(len(ends))
    assert abs(ends[:, 1].mean()) < 3.5 * scale
    assert abs(ends[:, 2].mean()) < 3.5 * scale
    assert ends[:, 1].std() == pytest.approx(ends[:, 2].std(), rel=0.1)
