"""Decoding: hostile bytes end in a named refusal, sound ones in the right pixels, in any thread."""

import io
import pickle
import threading
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cygnet.imaging import (
    DecodeError,
    DecodeLimits,
    center_rows,
    crop_center,
    decode,
    encode_png,
    image_header,
)
from hostile.images import MAX_BYTES, MAX_PIXELS, HostileImage, hostile_images, saved, sound_image

LIMITS = DecodeLimits(max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)
CORPUS = hostile_images()
MEGABYTE = 1 << 20
UNSEEN_FROM_THE_FIRST_ROW = {"PNG with a wrong Adler-32", "PNG with too few rows", "PNG with filter type 9"}


def gray(dtype=np.uint8, height=37, width=23):
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, (height, width)).astype(dtype)


SOUND = {
    "8-bit PNG": (saved(gray(), "png"), "image/png", gray()),
    "16-bit PNG": (saved(gray(np.uint16), "png"), "image/png", gray(np.uint16)),
    "own 16-bit PNG": (encode_png(gray(np.uint16)), "image/png", gray(np.uint16)),
    "8-bit TIFF": (saved(gray(), "tiff"), "image/tiff", gray()),
    "16-bit TIFF": (saved(gray(np.uint16), "tiff"), "image/tiff", gray(np.uint16)),
    "deflated TIFF": (saved(gray(), "tiff", compression="tiff_deflate"), "image/tiff", gray()),
    "1x1 PNG": (saved(gray(height=1, width=1), "png"), "image/png", gray(height=1, width=1)),
    "1x1 TIFF": (saved(gray(height=1, width=1), "tiff"), None, gray(height=1, width=1)),
    "tall PNG": (saved(gray(height=200, width=1), "png"), "image/png", gray(height=200, width=1)),
}


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda hostile: hostile.name)
def test_hostile_body_is_refused_with_its_reason(hostile: HostileImage):
    with pytest.raises(DecodeError) as refused:
        decode(hostile.body, hostile.content_type, limits=LIMITS)
    assert refused.value.reason == hostile.reason
    assert len(str(refused.value)) > 20
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda hostile: hostile.name)
def test_hostile_body_is_refused_too_when_few_rows_are_needed(hostile: HostileImage):
    if hostile.name in UNSEEN_FROM_THE_FIRST_ROW:
        assert len(decode(hostile.body, limits=LIMITS, rows=(0, 1))) == 1
        return
    with pytest.raises(DecodeError):
        decode(hostile.body, hostile.content_type, limits=LIMITS, rows=(0, 1))


@pytest.mark.parametrize(
    "hostile",
    [hostile for hostile in CORPUS if "bomb" in hostile.name or "without end" in hostile.name],
    ids=lambda hostile: hostile.name,
)
def test_bomb_is_refused_before_it_is_allocated(hostile: HostileImage):
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode(hostile.body, limits=LIMITS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTE


@pytest.mark.parametrize(("body", "content_type", "image"), SOUND.values(), ids=SOUND)
def test_sound_image_is_decoded_to_its_pixels(body, content_type, image):
    for stated in (content_type, None, "", "application/octet-stream", "binary/octet-stream"):
        decoded = decode(body, stated, limits=LIMITS)
        assert decoded.dtype == image.dtype
        assert decoded.dtype.isnative
        assert decoded.flags.writeable
        assert np.array_equal(decoded, image)


@pytest.mark.parametrize(("body", "content_type", "image"), SOUND.values(), ids=SOUND)
def test_header_is_read_without_decoding(body, content_type, image):
    header = image_header(body, content_type, limits=LIMITS)
    assert (header.height, header.width) == image.shape
    assert header.dtype == image.dtype
    with pytest.raises(DecodeError, match="accepted: at most 3 "):
        image_header(body, limits=DecodeLimits(3, 1000))


@given(st.sampled_from(list(SOUND)), st.data())
def test_decoding_rows_is_slicing_the_whole(name, data):
    body, _, image = SOUND[name]
    start = data.draw(st.integers(0, len(image) - 1))
    stop = data.draw(st.integers(start + 1, len(image)))
    assert np.array_equal(decode(body, limits=LIMITS, rows=(start, stop)), image[start:stop])


def test_real_frames_are_decoded_as_pillow_does(real_bodies, real_frames):
    rows = center_rows(576, 576, 64)
    for body, frame in zip(real_bodies, real_frames, strict=True):
        assert np.array_equal(decode(body, "image/png", limits=LIMITS), frame)
        crop = crop_center(decode(body, limits=LIMITS, rows=rows), 64)
        assert np.array_equal(crop, frame[224:352, 224:352])


def test_rows_below_those_needed_are_not_inflated(real_bodies):
    body = real_bodies[0]
    tracemalloc.start()
    try:
        decode(body, limits=LIMITS, rows=(0, 8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 576 * 576 + len(body)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_a_body(kind):
    assert np.array_equal(decode(kind(saved(gray(), "png")), limits=LIMITS), gray())


def test_bytes_after_a_png_are_ignored():
    assert np.array_equal(decode(saved(gray(), "png") + b"\n", limits=LIMITS), gray())


@pytest.mark.parametrize("subtype", ["jpeg", "jpg", "JPEG; q=1"])
def test_gray_jpeg_is_what_pillow_reads(subtype, real_frames):
    body = saved(real_frames[0], "jpeg", quality=80)
    decoded = decode(body, f"image/{subtype}", limits=LIMITS)
    assert np.array_equal(decoded, np.array(Image.open(io.BytesIO(body))))


def test_jpeg_cut_anywhere_is_refused():
    body = saved(sound_image(), "jpeg")
    for end in range(3, len(body)):
        with pytest.raises(DecodeError):
            decode(body[:end], limits=LIMITS)


def test_png_cut_anywhere_is_truncated():
    body = saved(sound_image(), "png")
    for end in range(1, len(body)):
        with pytest.raises(DecodeError) as refused:
            decode(body[:end], limits=LIMITS)
        assert refused.value.reason == "truncated"


@given(st.sampled_from(list(SOUND)), st.data())
def test_damaged_body_is_an_array_or_a_refusal_and_nothing_else(name, data):
    body = bytearray(SOUND[name][0])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(body), limits=LIMITS).ndim == 2
    except DecodeError as refusal:
        assert refusal.reason  # noqa: PT017 - a refusal is one of two good ends


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_name(body):
    with pytest.raises(DecodeError):
        decode(body, limits=LIMITS)


def test_16_bit_image_is_refused_where_8_bits_are_expected():
    with pytest.raises(DecodeError, match="the image is PNG 37x23 uint16; accepted: uint8") as refused:
        decode(saved(gray(np.uint16), "png"), limits=LIMITS, expected_dtype=np.uint8)
    assert refused.value.reason == "wrong-dtype"
    assert decode(saved(gray(), "png"), limits=LIMITS, expected_dtype="uint8").dtype == np.uint8


def test_image_of_too_few_rows_costs_only_itself():
    with pytest.raises(
        DecodeError, match="rows 10 to 38 are needed, but the image is PNG 37x23 uint8"
    ) as refused:
        decode(saved(gray(), "png"), limits=LIMITS, rows=(10, 38))
    assert refused.value.reason == "geometry"


@pytest.mark.parametrize("rows", [(3, 3), (4, 3), (-1, 3), (0.0, 3), (False, True)])
def test_rows_of_no_image_are_the_callers_error(rows):
    with pytest.raises(ValueError, match=r"^rows: .* accepted: ") as refused:
        decode(saved(gray(), "png"), limits=LIMITS, rows=rows)
    assert not isinstance(refused.value, DecodeError)


def test_error_document_is_named_with_its_code():
    body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
    with pytest.raises(DecodeError, match=r"an S3 error document \(AccessDenied\)"):
        decode(body, "image/png", limits=LIMITS)


def test_colour_image_is_refused_with_its_mode_and_what_is_accepted():
    rgb = np.stack([gray()] * 3, axis=-1)
    for name in ("png", "jpeg", "tiff"):
        with pytest.raises(DecodeError, match="mode is RGB; accepted: 8- or 16-bit gray"):
            decode(saved(rgb, name), limits=LIMITS)


def test_pillows_own_pixel_limit_is_a_refusal_and_not_a_warning(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 37 * 23 - 1)
    with pytest.raises(
        DecodeError, match="TIFF 37x23 uint8 holds 851 pixels; accepted by Pillow: 850"
    ) as refused:
        decode(saved(gray(), "tiff"), limits=LIMITS)
    assert refused.value.reason == "too-large"
    assert np.array_equal(decode(saved(gray(), "png"), limits=LIMITS), gray())


@pytest.mark.parametrize("field", ["max_bytes", "max_pixels"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_limits_without_a_limit_are_refused(field, value):
    values = {"max_bytes": 1, "max_pixels": 1, field: value}
    with pytest.raises(ValueError, match=f"^{field}: .* accepted: an integer of at least 1"):
        DecodeLimits(**values)


def test_refusal_survives_the_way_between_processes():
    refusal = pickle.loads(pickle.dumps(DecodeError("truncated", "the body ends")))
    assert (refusal.reason, str(refusal)) == ("truncated", "the body ends")


def test_many_threads_decode_the_same_pixels_and_leave_warnings_as_they_were(real_bodies, real_frames):
    jpegs = [saved(frame, "jpeg") for frame in real_frames]
    expected = [np.array(Image.open(io.BytesIO(jpeg))) for jpeg in jpegs]
    cut_tiff = saved(gray(), "tiff")[:-200]
    filters = list(warnings.filters)
    barrier = threading.Barrier(4)

    def work(_):
        barrier.wait()
        for body, frame, jpeg, lossy in zip(real_bodies, real_frames, jpegs, expected, strict=True):
            assert np.array_equal(decode(body, limits=LIMITS), frame)
            assert np.array_equal(decode(jpeg, limits=LIMITS), lossy)
            with pytest.raises(DecodeError):
                decode(cut_tiff, limits=LIMITS)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert list(warnings.filters) == filters


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            saved(sound_image().astype(np.float32), "tiff"),
            "the TIFF's pixels are floats .* or floats as .npy",
        ),
        (saved(sound_image(), "png")[:-20], "the PNG is cut off after [0-9]+ bytes, inside its image data"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_words_of_images(body, words):
    with pytest.raises(DecodeError, match=words):
        decode(body, limits=LIMITS)
