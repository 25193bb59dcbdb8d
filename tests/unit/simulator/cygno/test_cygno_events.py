"""Every event is a function of (seed, event): whoever makes it, whenever, in whatever order."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.reproducible import digests, in_processes
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.simulator.cygno import NUCLEAR, PRESETS, Detector, detector_seed


@pytest.fixture(scope="module")
def detector():
    return Detector("sosc", seed=11)


def test_events_made_in_other_processes_are_the_same_bytes():
    assert in_processes("sosc", 5, 40, 2) == digests("sosc", 5, list(range(40)))


@pytest.mark.parametrize("preset", PRESETS)
def test_events_made_in_another_order_are_the_same_bytes(preset):
    assert digests(preset, 5, [3, 0, 2]) == digests(preset, 5, [0, 2, 3])


def test_threads_do_not_disturb_each_other(detector):
    primaries = [detector.primary(event) for event in range(200)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.image, range(200), primaries))
    for event in (0, 1, 77, 199):
        assert np.array_equal(together[event], Detector("sosc", seed=11).image(event, primaries[event]))


def test_events_and_seeds_differ(detector):
    first, second = detector.image(0, detector.primary(0)), detector.image(1, detector.primary(0))
    assert not np.array_equal(first, second)
    assert detector.primary(0) != replace(detector.primary(1), event=0)
    assert detector.primary(0) != Detector("sosc", seed=12).primary(0)


@given(event=st.integers(0, 2**40), low=st.floats(0, 1), high=st.floats(0, 1))
def test_share_of_nuclear_recoils_changes_the_type_and_nothing_else(detector, event, low, high):
    low, high = min(low, high), max(low, high)
    less, more = detector.primary(event, low), detector.primary(event, high)
    assert (less.recoil == NUCLEAR) <= (more.recoil == NUCLEAR)
    assert less == replace(more, recoil=less.recoil, energy_kev=less.energy_kev)
    assert less.recoil != more.recoil or less == more


def test_share_is_the_share():
    detector = Detector("sosc")
    kinds = Counter(detector.primary(event, 0.1).recoil for event in range(20000))
    assert kinds[NUCLEAR] / 20000 == pytest.approx(0.1, abs=0.008)
    assert {detector.primary(event, 0.0).recoil for event in range(500)} == {"electronic"}
    assert {detector.primary(event, 1.0).recoil for event in range(500)} == {"nuclear"}


def test_directions_are_isotropic_unit_vectors(detector):
    directions = np.array([detector.primary(event).direction for event in range(20000)])
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1)
    assert np.abs(directions.mean(0)).max() < 4 / math.sqrt(3 * 20000)
    assert (directions**2).mean(0) == pytest.approx(1 / 3, rel=0.03)


def test_vertices_of_sosc_are_in_the_middle_and_those_of_lime_anywhere(detector):
    assert {detector.primary(event).position_mm for event in range(100)} == {(0.0, 0.0)}
    assert {230 <= detector.primary(event).z_mm <= 270 for event in range(100)} == {True}
    lime = Detector("lime")
    places = np.array([(*p.position_mm, p.z_mm) for p in map(lime.primary, range(400))])
    assert np.all(np.abs(places[:, :2]) <= 172.8)
    assert places.min(0) == pytest.approx([-172.8, -172.8, 0], abs=5)
    assert places.max(0) == pytest.approx([172.8, 172.8, 500], abs=5)


def test_vertex_is_where_the_light_is():
    lime = Detector("lime")
    x, y = 60.0, -90.0
    primary = replace(lime.primary(0), recoil=NUCLEAR, energy_kev=30.0, position_mm=(x, y))
    excess = lime.image(0, primary).astype(float) - 100
    excess[excess < 15] = 0
    rows, columns = np.indices(excess.shape) + 0.5
    assert (excess * columns).sum() / excess.sum() == pytest.approx(1152 + x / 0.150, abs=3)
    assert (excess * rows).sum() / excess.sum() == pytest.approx(1152 + y / 0.150, abs=3)


def test_detectors_of_one_pipeline_see_different_events():
    seeds = {detector_seed(seed, name) for seed in (0, 1) for name in ("lime", "sosc", "lime-2")}
    assert len(seeds) == 6
    assert detector_seed(0, "lime") == detector_seed(0, "lime")
    assert all(0 <= seed < 2**64 for seed in seeds)


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("preset", {"preset": "lemon"}),
        ("seed", {"seed": 1.5}),
        ("seed", {"seed": True}),
        ("noise_level", {"noise_level": -0.1}),
        ("noise_level", {"noise_level": 5.1}),
        ("noise_level", {"noise_level": float("nan")}),
        ("noise_level", {"noise_level": "much"}),
    ],
)
def test_bad_argument_is_named_with_its_value_and_what_is_accepted(field, wish):
    with pytest.raises(BadInputError, match=rf"^{field}: .*; accepted: "):
        Detector(**wish)


def test_share_and_energy_out_of_range_are_refused(detector):
    with pytest.raises(BadInputError, match=r"^nuclear_share: 1\.2 is refused; accepted: .* 0 to 1"):
        detector.primary(0, 1.2)
    with pytest.raises(BadInputError, match=r"^energy_kev: 100 is refused; accepted: a number from 1 to 30"):
        detector.image(0, replace(detector.primary(0), energy_kev=100))
