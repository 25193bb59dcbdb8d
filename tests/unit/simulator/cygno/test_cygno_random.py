"""The kernels' random numbers have the moments that their names promise."""

import numpy as np
import pytest

from cygnet.simulator.cygno._random import gamma, next_word, normal, poisson, uniform
from unit.simulator.cygno.recoil_samples import state

N = 40000


def test_generator_gives_its_published_sequence():
    words = np.array([1, 2, 3, 4], np.uint64)
    drawn = [int(next_word(words)) for _ in range(4)]  # xoshiro256++ 1.0 from the state (1, 2, 3, 4)
    assert drawn == [41943041, 58720359, 3588806011781223, 3591011842654386]


def test_uniforms_fill_the_open_interval():
    words = state()
    drawn = np.array([uniform(words) for _ in range(N)])
    assert 0 < drawn.min() < 1e-3
    assert 1 - 1e-3 < drawn.max() < 1
    assert drawn.var() == pytest.approx(1 / 12, rel=0.02)


def test_normals_are_normal():
    words = state()
    drawn = np.array([normal(words) for _ in range(N)])
    assert drawn.mean() == pytest.approx(0, abs=0.02)
    assert drawn.std() == pytest.approx(1, rel=0.02)
    assert (drawn**4).mean() == pytest.approx(3, rel=0.08)


@pytest.mark.parametrize("shape", [1.0, 3.0, 130.0])
def test_gammas_have_mean_and_variance_of_their_shape(shape):
    words = state()
    drawn = np.array([gamma(words, shape) for _ in range(N)])
    assert drawn.mean() == pytest.approx(shape, rel=0.02)
    assert drawn.var() == pytest.approx(shape, rel=0.04)
    assert ((drawn - shape) ** 3).mean() == pytest.approx(2 * shape, rel=0.4)


@pytest.mark.parametrize("mean", [0.01, 0.7, 9.9, 10.1, 80.0])
def test_poissons_have_mean_variance_and_skew_of_their_mean(mean):
    words = state()
    drawn = np.array([poisson(words, mean) for _ in range(N)], float)
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / N))
    assert drawn.var() == pytest.approx(mean, rel=0.1 if mean < 0.1 else 0.03)
    assert ((drawn - mean) ** 3).mean() == pytest.approx(mean, rel=0.35)
