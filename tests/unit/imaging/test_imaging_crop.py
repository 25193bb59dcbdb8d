"""Cropping: the right pixels, no parent kept alive, and no half window that silently means something else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.imaging import center_rows, crop_center, crop_window, window

DTYPES = [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64, np.dtype(">u2"), np.dtype(">f4")]


def notebook_crop(image, half_win=64):
    y, x = image.shape[0] // 2, image.shape[1] // 2
    return image[y - half_win : y + half_win, x - half_win : x + half_win]


@st.composite
def crops(draw):
    height, width = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    half = draw(st.integers(1, min(height, width) // 2))
    lead = draw(st.sampled_from([(), (1,), (3,), (0,), (2, 2)]))
    seed = draw(st.integers(0, 2**32 - 1))
    pixels = np.random.default_rng(seed).integers(0, 1000, (*lead, height, width))
    return pixels.astype(draw(st.sampled_from(DTYPES))), half


def test_default_crop_of_a_cygno_frame_is_the_notebooks(real_frames):
    for frame in real_frames:
        cropped = crop_center(frame)
        assert cropped.shape == (128, 128)
        assert np.array_equal(cropped, frame[224:352, 224:352])
        assert np.array_equal(cropped, notebook_crop(frame))


@given(crops())
def test_crop_is_the_notebooks_on_every_legal_case(case):
    image, half = case
    cropped = crop_center(image, half)
    assert cropped.shape == (*image.shape[:-2], 2 * half, 2 * half)
    assert cropped.dtype == image.dtype
    for index in np.ndindex(image.shape[:-2]):
        assert np.array_equal(cropped[index], notebook_crop(image[index], half))


def test_crop_is_a_copy_that_keeps_no_parent_alive():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    whole = crop_center(image, 5)
    assert not np.shares_memory(whole, image)
    assert crop_center(image, 2).base is None
    whole[:] = 0
    assert image[9, 9] == 99


def test_frames_larger_than_cygnos_are_cropped_at_their_own_centre():
    image = np.zeros((2304, 2304), np.uint16)
    image[1152, 1152] = 7
    assert crop_center(image, 64)[64, 64] == 7


@pytest.mark.parametrize("half", [0, -1, 289, 300, 64.0, 64.5, True, np.True_, "64", None, float("nan")])
@pytest.mark.parametrize("crop", [crop_center, lambda image, half: crop_window(image, half, 0, 1)])
def test_half_window_that_the_notebooks_would_wrap_is_refused(crop, half):
    with pytest.raises(
        ValueError, match=r"^half_window: .* accepted: an integer from 1 to 288 for a frame of 576x576"
    ):
        crop(np.zeros((576, 576), np.uint8), half)


def test_numpy_integer_half_windows_are_integers():
    assert crop_center(np.zeros((8, 8), np.uint8), np.int64(2)).shape == (4, 4)


@given(crops())
def test_crop_of_the_rows_needed_is_the_crop(case):
    image, half = case
    start, stop = center_rows(*image.shape[-2:], half)
    assert np.array_equal(crop_center(image[..., start:stop, :], half), crop_center(image, half))


@given(crops(), st.integers(-50, 900), st.integers(1, 500))
def test_crop_window_is_window_of_crop(case, low, span):
    image, half = case
    fused = crop_window(image, half, low, low + span)
    assert fused.dtype == np.float32
    assert fused.flags.c_contiguous
    assert np.array_equal(fused, window(crop_center(image, half), low, low + span))
    assert np.array_equal(fused, crop_center(window(image, low, low + span), half))


@given(crops())
def test_crop_window_reads_views_right(case):
    image, half = case
    flipped = image[..., ::-1, ::-1]
    frozen = image.copy()
    frozen.flags.writeable = False
    assert np.array_equal(crop_window(frozen, half, 5, 500), window(crop_center(image, half), 5, 500))
    assert np.array_equal(crop_window(flipped, half, 5, 500), window(crop_center(flipped, half), 5, 500))


def test_crop_window_fills_the_slot_of_a_chunk(real_frames):
    chunk = np.full((len(real_frames), 128, 128), np.nan, np.float32)
    for frame, slot in zip(real_frames, chunk, strict=True):
        assert crop_window(frame, 64, 80, 120, slot) is slot
    assert np.array_equal(chunk, crop_window(np.stack(real_frames), 64, 80, 120))
    assert np.array_equal(chunk, crop_window(np.stack(real_frames), 64, 80, 120, np.empty_like(chunk)))


@pytest.mark.parametrize(
    "out",
    [
        np.empty((4, 4), np.float64),
        np.empty((4, 5), np.float32),
        np.empty((1, 4, 4), np.float32),
        np.empty((4, 8), np.float32)[:, ::2],
        np.frombuffer(bytes(64), np.float32).reshape(4, 4),
    ],
    ids=["dtype", "shape", "axes", "strides", "read-only"],
)
def test_crop_window_refuses_an_output_that_does_not_fit(out):
    with pytest.raises(
        ValueError, match=r"^out: .* accepted: a writable C-contiguous float32 array of shape \(4, 4\)"
    ):
        crop_window(np.zeros((8, 8), np.uint8), 2, 0, 1, out)
