"""Windowing: no dark pixel turns white, no bad bound passes, the notebooks' own result stays available."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cygnet.imaging import window, window_levels

DARK_TO_BRIGHT = np.array([[60, 79, 80, 81, 100, 120]])

bounds = st.tuples(st.integers(-300, 70000), st.integers(1, 60000)).map(lambda pair: (pair[0], sum(pair)))
frames = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]),
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements=st.integers(0, 127),
)


def notebook_windowing(image, x_min, x_max):
    return np.clip((image - x_min) / (x_max - x_min), 0, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, ">u2"])
def test_pixels_darker_than_the_minimum_are_black(dtype):
    windowed = window(DARK_TO_BRIGHT.astype(dtype), 80, 120)
    assert windowed.dtype == np.float32
    assert windowed.tolist() == [[0, 0, 0, np.float32(0.025), 0.5, 1]]


@pytest.mark.parametrize(
    ("dtype", "low", "high", "expected", "result"),
    [
        (
            np.uint8,
            80,
            120,
            [1, 1, 0, 0.025, 0.5, 1],
            np.float64,
        ),  # unsigned underflow: darker than 80 is white
        (np.uint16, 80, 120, [1, 1, 0, 0.025, 0.5, 1], np.float64),
        (np.uint8, 80.0, 120.0, [0, 0, 0, 0.025, 0.5, 1], np.float64),  # float bounds never wrapped
        (np.uint8, 80, 120.0, [1, 1, 0, 0.025, 0.5, 1], np.float64),
        (np.int32, 80, 120, [0, 0, 0, 0.025, 0.5, 1], np.float64),
        (np.float32, 80, 120, [0, 0, 0, np.float32(0.025), 0.5, 1], np.float32),
    ],
)
def test_legacy_underflow_is_what_the_notebooks_compute(dtype, low, high, expected, result):
    windowed = window(DARK_TO_BRIGHT.astype(dtype), low, high, legacy_underflow=True)
    assert windowed.dtype == result
    assert windowed.tolist() == [expected]


@pytest.mark.parametrize(("low", "high"), [(80, 120), (80, 110), (98, 105), (50, 200), (60, 130)])
def test_legacy_underflow_is_bit_for_bit_the_notebooks_on_real_frames(real_frames, low, high):
    for frame in real_frames:
        ours = window(frame, low, high, legacy_underflow=True)
        theirs = notebook_windowing(frame, low, high)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def test_underflow_is_visible_on_real_frames_and_gone_by_default(real_frames):
    frame = real_frames[0]
    dark = frame < 98
    assert 0.25 < dark.mean() < 0.4
    assert (window(frame, 98, 105, legacy_underflow=True)[dark] == 1).all()
    assert (window(frame, 98, 105)[dark] == 0).all()


@given(frames, bounds)
def test_window_is_the_formula_in_float32(image, limits):
    low, high = limits
    expected = np.clip((image.astype(np.float32) - np.float32(low)) / np.float32(high - low), 0, 1)
    windowed = window(image, low, high)
    assert windowed.dtype == np.float32
    assert windowed.shape == image.shape
    assert np.array_equal(windowed, expected)


@given(st.integers(0, 254), st.integers(1, 255))
def test_maximum_is_exactly_one_and_minimum_exactly_zero(low, span):
    values = np.array([[low, low + span]], np.uint16)
    assert window(values, low, low + span).tolist() == [[0, 1]]


def test_stack_is_windowed_frame_by_frame(real_frames):
    stack = np.stack(real_frames)
    assert np.array_equal(window(stack, 80, 120), [window(frame, 80, 120) for frame in real_frames])


def test_strided_readonly_and_unaligned_frames_are_read_right():
    image = np.arange(400, dtype=np.uint16).reshape(20, 20)
    expected = window(image, 10, 300)
    frozen = image.copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + image.tobytes(), np.uint16, offset=1).reshape(20, 20)
    assert not unaligned.flags.aligned
    assert np.array_equal(window(frozen, 10, 300), expected)
    assert np.array_equal(window(unaligned, 10, 300), expected)
    assert np.array_equal(window(image[:, ::-2], 10, 300), expected[:, ::-2])
    assert np.array_equal(window(image.T, 10, 300), expected.T)


def test_nan_stays_nan_and_infinity_is_clipped():
    windowed = window(np.array([[np.nan, np.inf, -np.inf, 1e300]]), 0, 1)
    assert np.isnan(windowed[0, 0])
    assert windowed[0, 1:].tolist() == [1, 0, 1]


def test_empty_stack_stays_empty():
    assert window(np.empty((0, 4, 4), np.uint8), 0, 1).shape == (0, 4, 4)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("low", "high", "field", "value"),
    [
        (120, 80, "minimum", "120"),
        (80, 80, "minimum", "80"),
        (float("nan"), 120, "minimum", "nan"),
        (80, float("nan"), "maximum", "nan"),
        (80, float("inf"), "maximum", "inf"),
        (float("-inf"), 80, "minimum", "-inf"),
        ("three", 120, "minimum", "'three'"),
        (80, None, "maximum", "None"),
        (True, 120, "minimum", "True"),
        (80, 120j, "maximum", "120j"),
    ],
)
def test_bad_bound_is_refused_with_field_value_and_what_is_accepted(low, high, field, value, legacy):
    with pytest.raises(ValueError, match="accepted: ") as refused:
        window(np.zeros((2, 2), np.uint8), low, high, legacy_underflow=legacy)
    assert str(refused.value).startswith(f"{field}: {value}")


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [
        (16777216, 16777217, "maximum"),
        (-1e300, 0, "minimum"),
        (0, 1e300, "maximum"),
        (-3e38, 3e38, "maximum"),
    ],
)
def test_bounds_that_float32_cannot_tell_apart_are_refused(low, high, field):
    with pytest.raises(ValueError, match=f"^{field}: .* accepted: .*float32"):
        window(np.zeros((2, 2), np.uint8), low, high)


def test_legacy_bounds_that_the_notebooks_cannot_take_are_refused():
    with pytest.raises(ValueError, match="accepted: bounds that an image of uint8 can hold"):
        window(np.zeros((2, 2), np.uint8), -5, 300, legacy_underflow=True)


@pytest.mark.parametrize("image", [np.zeros((2, 2), complex), np.zeros((2, 2), bool), np.zeros(4), "frame"])
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match=r"^image (dtype|shape): .* accepted: "):
        window(image, 0, 1)


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int8, np.int16, np.int32, np.uint32]),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=9),
    ),
    bounds,
)
def test_levels_are_exact_in_the_smallest_type(image, limits):
    low, high = limits
    levels = window_levels(image, low, high)
    exact = [min(max(int(value), low), high) - low for value in image.ravel()]
    assert levels.dtype == (np.uint8 if high - low <= 255 else np.uint16)
    assert levels.ravel().tolist() == exact
    assert levels.shape == image.shape


@given(hnp.arrays(np.uint8, (5, 5)), st.integers(0, 200), st.integers(1, 55))
def test_levels_hold_the_window_without_loss(image, low, span):
    levels = window_levels(image, low, low + span)
    windowed = window(image, low, low + span)
    assert all(
        Fraction(int(level), span) == Fraction(float(value)).limit_denominator(span)
        for level, value in zip(levels.ravel(), windowed.ravel(), strict=True)
    )


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [
        (80.0, 120, "minimum"),
        (80, 120.0, "maximum"),
        (True, 2, "minimum"),
        (5, 5, "maximum"),
        (0, 65536, "maximum"),
    ],
)
def test_levels_need_integer_bounds_that_fit(low, high, field):
    with pytest.raises(ValueError, match=f"^{field}: .* accepted: an integer"):
        window_levels(np.zeros((2, 2), np.uint8), low, high)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_levels_of_floats_and_64_bit_integers_are_refused(dtype):
    with pytest.raises(ValueError, match=r"^image dtype: .* accepted: integers of up to 32 bits"):
        window_levels(np.zeros((2, 2), dtype), 0, 1)
