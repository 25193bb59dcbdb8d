"""Our own PNG decoder: every filter, every order of filters, from any row, in 8 and 16 bits."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from cygnet.imaging import DecodeError, DecodeLimits, decode, encode_jpeg, encode_png
from hostile.png_file import IEND, SIGNATURE, chunk, filtered_rows, ihdr, png_of_rows

LIMITS = DecodeLimits(max_bytes=1 << 20, max_pixels=1 << 20)
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


@st.composite
def filtered_images(draw):
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    height, width = draw(st.integers(1, 80)), draw(st.integers(1, 20))
    kinds = draw(st.sampled_from([[0], [1], [2], [3], [4], [0, 1, 2, 3, 4], [2, 4], [3, 4]]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    high = draw(st.sampled_from([2, 256, np.iinfo(dtype).max + 1]))
    image = rng.integers(0, high, (height, width)).astype(dtype)
    return image, [int(kind) for kind in rng.choice(kinds, height)]


@given(filtered_images(), st.data())
def test_every_filter_is_undone_from_any_row(case, data):
    image, filters = case
    body = png_of_rows(*image.shape, filtered_rows(image, filters), depth=8 * image.dtype.itemsize)
    assert np.array_equal(np.array(Image.open(io.BytesIO(body))), image)
    assert np.array_equal(decode(body, limits=LIMITS), image)
    start = data.draw(st.integers(0, len(image) - 1))
    stop = data.draw(st.integers(start + 1, len(image)))
    assert np.array_equal(decode(body, limits=LIMITS, rows=(start, stop)), image[start:stop])


@given(st.integers(1, 50), st.data())
def test_data_in_many_chunks_is_one_stream(cuts, data):
    image = np.arange(150, dtype=np.uint8).reshape(10, 15)
    stream = zlib.compress(filtered_rows(image, [4] * 10))
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), min_size=cuts, max_size=cuts)))
    parts = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    body = SIGNATURE + ihdr(10, 15) + b"".join(chunk(b"IDAT", part) for part in parts) + IEND
    assert np.array_equal(decode(body, limits=LIMITS), image)


def test_chunks_that_say_nothing_of_pixels_are_passed_over():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    extras = chunk(b"tEXt", b"Comment\0injector") + chunk(b"gAMA", (45455).to_bytes(4, "big"))
    data = chunk(b"IDAT", zlib.compress(filtered_rows(image, [0, 2])))
    assert np.array_equal(
        decode(SIGNATURE + ihdr(2, 3) + extras + data + extras + IEND, limits=LIMITS), image
    )


def test_unknown_critical_chunk_is_refused():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    data = chunk(b"IDAT", zlib.compress(filtered_rows(image, [0, 0])))
    with pytest.raises(DecodeError, match="unknown critical chunk b'ABCD'"):
        decode(SIGNATURE + ihdr(2, 3) + chunk(b"ABCD", b"") + data + IEND, limits=LIMITS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_interlaced_png_is_read(dtype):
    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (17, 13)).astype(dtype)
    passes = [image[y::dy, x::dx] for y, x, dy, dx in ADAM7]
    rows = b"".join(filtered_rows(part, [0] * len(part)) for part in passes if part.size)
    head = SIGNATURE + ihdr(17, 13, depth=8 * image.dtype.itemsize, interlace=1)
    body = head + chunk(b"IDAT", zlib.compress(rows)) + IEND
    assert np.array_equal(decode(body, limits=LIMITS), image)
    assert np.array_equal(decode(body, limits=LIMITS, rows=(5, 9)), image[5:9])
    damaged = bytearray(body)
    damaged[-20] ^= 1
    with pytest.raises(DecodeError, match="CRC"):
        decode(bytes(damaged), limits=LIMITS)


images = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.dtype(">u2")]),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
)


@given(images)
def test_encoded_png_is_read_back_by_us_and_by_pillow(image):
    body = encode_png(image)
    assert np.array_equal(decode(body, "image/png", limits=LIMITS), image)
    with Image.open(io.BytesIO(body)) as opened:
        assert np.array_equal(np.array(opened), image)


def test_encoded_png_of_a_real_frame_is_no_larger_than_pillows(real_frames):
    for frame in real_frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "png")
        body = encode_png(frame)
        assert np.array_equal(decode(body, limits=LIMITS), frame)
        assert len(body) <= len(file.getvalue())


def test_strided_view_is_encoded_as_it_looks():
    image = np.arange(100, dtype=np.uint16).reshape(10, 10)[::2, ::-3]
    assert np.array_equal(decode(encode_png(image), limits=LIMITS), image)


@pytest.mark.parametrize("encode", [encode_png, encode_jpeg])
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2), np.int8),
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((0, 2), np.uint8),
        np.zeros(4, np.uint8),
    ],
    ids=["float", "signed", "colour", "empty", "1-D"],
)
def test_array_that_is_no_gray_image_is_not_encoded(encode, image):
    with pytest.raises(ValueError, match=r"^image (dtype|shape): .* accepted: "):
        encode(image)


def test_jpeg_is_gray_and_close_to_the_frame(real_frames):
    body = encode_jpeg(real_frames[0])
    decoded = decode(body, "image/jpeg", limits=LIMITS)
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - real_frames[0]).mean() < 3
    assert len(encode_jpeg(real_frames[0], quality=20)) < len(body)


def test_16_bit_jpeg_is_refused():
    with pytest.raises(ValueError, match=r"^image dtype: 'uint16' refused; accepted: uint8"):
        encode_jpeg(np.zeros((2, 2), np.uint16))


@pytest.mark.parametrize("quality", [0, 101, -1, 80.0, True, "80", None])
def test_jpeg_quality_out_of_range_is_refused(quality):
    with pytest.raises(ValueError, match=r"^quality: .* accepted: an integer from 1 to 100"):
        encode_jpeg(np.zeros((2, 2), np.uint8), quality)
