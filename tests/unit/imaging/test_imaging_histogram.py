"""The pixel histogram: every pixel is in it, and 254 is not 255."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cygnet.imaging import pixel_histogram


def test_uint8_has_256_unit_bins_centred_on_the_counts(real_frames):
    boundaries, counts = pixel_histogram(real_frames[0])
    assert np.array_equal(boundaries, np.linspace(-0.5, 255.5, 257))
    assert np.array_equal(counts, np.histogram(real_frames[0], boundaries)[0])
    assert counts.sum() == 576 * 576


def test_254_and_255_do_not_share_a_bin():
    _, counts = pixel_histogram(np.array([[254, 255], [255, 0]], np.uint8))
    assert counts[[0, 253, 254, 255]].tolist() == [1, 0, 1, 2]


def test_stack_is_the_sum_of_its_frames(real_frames):
    _, counts = pixel_histogram(np.stack(real_frames))
    assert np.array_equal(counts, sum(pixel_histogram(frame)[1] for frame in real_frames))


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.dtype(">u2")]), hnp.array_shapes(min_dims=2, max_side=7)
    ),
    st.integers(1, 300),
)
def test_no_value_is_dropped_whatever_the_bin_width(image, width):
    values = np.iinfo(image.dtype).max + 1
    width = min(width, values)
    boundaries, counts = pixel_histogram(image, bin_width=width)
    assert counts.sum() == image.size
    assert boundaries.size == counts.size + 1 == -(-values // width) + 1
    assert np.array_equal(counts, np.histogram(image, boundaries)[0])


def test_views_and_empty_stacks_are_counted_right():
    image = np.arange(200, dtype=np.uint8).reshape(10, 20)
    assert np.array_equal(pixel_histogram(image[:, ::2])[1], pixel_histogram(image[:, ::2].copy())[1])
    assert pixel_histogram(np.empty((0, 3, 3), np.uint8))[1].sum() == 0


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.float32])
def test_other_types_are_refused_rather_than_cut_to_fit(dtype):
    with pytest.raises(ValueError, match=r"^image dtype: .* accepted: uint8 or uint16"):
        pixel_histogram(np.zeros((2, 2), dtype))


@pytest.mark.parametrize("width", [0, -1, 257, 1.0, True, "1"])
def test_bin_width_out_of_range_is_refused(width):
    with pytest.raises(ValueError, match=r"^bin_width: .* accepted: an integer from 1 to 256"):
        pixel_histogram(np.zeros((2, 2), np.uint8), bin_width=width)
