"""Stages do what the notebooks do, in whatever order the spec names them, on one image and on a stack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.preprocessor.stages import Recipe, recipe
from cygnet.spec.workers import Preprocessor
from cygnet.transport.parameters import WindowBounds

BOUNDS = WindowBounds(80, 120)


def of(*stages):
    return recipe(Preprocessor.model_validate({"stages": list(stages)}).stages)


def notebook(image, half, low, high):
    row, column = image.shape[-2] // 2, image.shape[-1] // 2
    part = image[..., row - half : row + half, column - half : column + half].astype("f8")
    return np.clip((part - low) / (high - low), 0, 1)


def noise(*shape, dtype="u1"):
    return np.random.default_rng(3).integers(60, 140, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i4", "f4"])
@pytest.mark.parametrize("shape", [(20, 30), (21, 31), (3, 20, 30)])
def test_crop_and_window_give_the_notebooks_pixels_in_either_order(dtype, shape):
    crop, window = {"crop": {"halfWindow": 4}}, {"window": {"min": 80, "max": 120}}
    image = noise(*shape, dtype=dtype)
    wanted = notebook(image, 4, 80, 120)
    for stages in ((crop, window), (window, crop)):
        found = of(*stages).apply(image, BOUNDS)
        assert found.dtype == np.float32
        assert np.allclose(found, wanted, atol=1e-6)


def test_a_dark_pixel_is_black_unless_the_old_underflow_is_asked_for():
    image = np.full((8, 8), 70, "u1")
    window = {"min": 80, "max": 120}
    assert of({"window": window}).apply(image, BOUNDS).max() == 0
    legacy = of({"window": {**window, "legacyUnderflow": True}}).apply(image, BOUNDS)
    assert np.array_equal(legacy, np.clip((image - 80) / 40, 0, 1))
    assert legacy.min() == 1


def test_levels_are_exact_whole_numbers():
    levels = of({"crop": {"halfWindow": 4}}, {"window": {"min": 80, "max": 120, "output": "levels"}})
    image = noise(20, 30, dtype="u2")
    found = levels.apply(image, BOUNDS)
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.clip(image[6:14, 11:19].astype(int), 80, 120) - 80)


def test_no_stage_leaves_the_pixels_alone():
    image = noise(5, 6, dtype="u2")
    assert of().apply(image, None) is image
    assert of({"delay": {"seconds": 1.5}}, {"delay": {"seconds": 2}}).delay_seconds == 3.5


@given(st.integers(1, 200), st.integers(1, 60))
def test_the_rows_that_are_read_are_those_that_the_crop_needs(height, half):
    rows = Recipe(half, False, "fraction", False, 0.0).rows(height)
    if 2 * half > height:
        assert rows is None
        return
    image = np.arange(height)[:, None].repeat(2 * half, axis=1).astype("u2")
    cropped = Recipe(half, False, "fraction", False, 0.0).apply
    first, last = rows
    assert np.array_equal(cropped(image[first:last], None), cropped(image, None))


@pytest.mark.parametrize("shape", [(7, 30), (20, 7), (1, 1), (3, 7, 30)])
def test_a_crop_that_does_not_fit_says_so(shape):
    accepted = min(shape[-2:]) // 2
    with pytest.raises(BadInputError, match=rf"crop\.halfWindow: 4 needs 8 .* up to {accepted}$") as caught:
        of({"crop": {"halfWindow": 4}}).apply(noise(*shape), None)
    assert caught.value.reason == "smaller-than-crop"
