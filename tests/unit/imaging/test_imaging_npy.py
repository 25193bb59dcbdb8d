"""Array files: sound ones are views of their bytes, anything else is refused before it costs memory."""

import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.imaging import DecodeError, DecodeLimits, read_npy
from hostile.arrays import DAMAGED, npy

LIMITS = DecodeLimits(max_bytes=1 << 20, max_pixels=1 << 16)
SOUND = npy(np.arange(6, dtype="u2").reshape(2, 3))


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", ">f8", "?", "<f2", "<c8", "M8[ns]"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (6,), (), (0, 5)])
def test_an_array_of_any_type_shape_and_order_is_read_as_it_is(dtype, order, shape):
    array = np.array(np.arange(np.prod(shape, dtype=int)).reshape(shape), dtype, order=order)
    found = read_npy(npy(array), limits=LIMITS)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found, array)


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_without_its_price_being_paid(body):
    read_npy(SOUND, limits=LIMITS)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError) as refused:
            read_npy(body, limits=LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert "accepted" in str(refused.value)


def test_a_file_that_was_cut_is_called_a_damaged_array():
    with pytest.raises(DecodeError, match=r"the array is damaged: 11 bytes .* accepted: 12, uint16 of shape"):
        read_npy(SOUND[:-1], limits=LIMITS)


def test_an_array_beyond_the_limits_is_refused():
    with pytest.raises(DecodeError, match="max_pixels"):
        read_npy(npy(np.zeros((257, 256), "u1")), limits=LIMITS)
    with pytest.raises(DecodeError, match="max_bytes"):
        read_npy(npy(np.zeros((1 << 20), "u1")), limits=LIMITS)


@given(st.binary(max_size=300) | st.binary(max_size=120).map(lambda tail: SOUND[:10] + tail + SOUND[40:]))
@pytest.mark.filterwarnings("ignore:Reading `.npy`")
def test_no_bytes_end_in_anything_but_an_array_or_a_refusal(body):
    with contextlib.suppress(DecodeError):
        read_npy(body, limits=LIMITS)
