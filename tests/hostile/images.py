"""Image bodies that no detector should send, each with the reason for which it must be refused.

One corpus for every level: the decoder's unit tests, the preprocessor's, and the fault runs.
"""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hostile.png_file import IEND, SIGNATURE, chunk, ihdr, png_of_rows

SIDE = 32
"""The sound images of the corpus are SIDE x SIDE."""

MAX_BYTES = 1 << 20
MAX_PIXELS = 1 << 20
"""Limits under which the reasons hold."""


@dataclass(frozen=True, slots=True)
class HostileImage:
    """A body, the content type it comes with, and the reason of the DecodeError it must end in."""

    name: str
    body: bytes
    content_type: str | None
    reason: str


def sound_image() -> np.ndarray:
    """Return the image that the damaged bodies once held: (SIDE, SIDE) uint8, noise about a pedestal."""
    return np.random.default_rng(7).normal(100, 5, (SIDE, SIDE)).astype(np.uint8)


def saved(image: np.ndarray, name: str, **options: object) -> bytes:
    """Return an array as a file of the given format, by Pillow."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, name, **options)
    return file.getvalue()


def hostile_images() -> list[HostileImage]:
    """Return the corpus."""
    return [*_no_images(), *_mislabelled(), *_other_pixels(), *_too_large(), *_truncated(), *_damaged()]


def _no_images() -> list[HostileImage]:
    s3_error = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        b"<Message>The specified key does not exist.</Message><Key>cygno.jpg</Key></Error>"
    )
    html = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"
    return [
        HostileImage("empty", b"", "image/png", "empty"),
        HostileImage("S3 error document", s3_error, "application/xml", "not-an-image"),
        HostileImage("S3 error document labelled PNG", s3_error, "image/png", "not-an-image"),
        HostileImage("HTML page", html, "text/html", "not-an-image"),
        HostileImage("HTML page after a byte order mark", b"\xef\xbb\xbf\n" + html, None, "not-an-image"),
        HostileImage("JSON", b'{"url": "https://some.url/file.png"}', None, "not-an-image"),
        HostileImage("text", b"not an image at all", "image/jpeg", "not-an-image"),
        HostileImage("zeros", bytes(4096), None, "not-an-image"),
        HostileImage("one byte", b"\x00", None, "not-an-image"),
        HostileImage("GIF", saved(sound_image(), "gif"), None, "not-an-image"),
        HostileImage("BMP", saved(sound_image(), "bmp"), "image/png", "not-an-image"),
        HostileImage("npy", b"\x93NUMPY\x01\x00v\x00", None, "not-an-image"),
    ]


def _mislabelled() -> list[HostileImage]:
    png, jpeg = saved(sound_image(), "png"), saved(sound_image(), "jpeg")
    return [
        HostileImage("JPEG labelled PNG", jpeg, "image/png", "type-mismatch"),
        HostileImage("PNG labelled JPEG", png, "image/jpeg", "type-mismatch"),
        HostileImage("PNG labelled TIFF", png, "image/tiff; charset=binary", "type-mismatch"),
        HostileImage("PNG labelled JSON", png, "application/json", "unsupported"),
    ]


def _other_pixels() -> list[HostileImage]:
    gray = sound_image()
    rgb = np.stack([gray] * 3, axis=-1)
    palette = io.BytesIO()
    Image.fromarray(gray).convert("P").save(palette, "png")
    bilevel = io.BytesIO()
    Image.fromarray(gray > 100).save(bilevel, "png")
    cmyk = io.BytesIO()
    Image.fromarray(rgb).convert("CMYK").save(cmyk, "jpeg")
    two_pages = io.BytesIO()
    Image.fromarray(gray).save(two_pages, "tiff", save_all=True, append_images=[Image.fromarray(gray)])
    animation = SIGNATURE + ihdr(1, 1) + chunk(b"acTL", struct.pack(">II", 2, 0))
    animation += chunk(b"IDAT", zlib.compress(b"\0\0")) + IEND
    return [
        HostileImage("RGB PNG", saved(rgb, "png"), "image/png", "colour"),
        HostileImage("RGB JPEG", saved(rgb, "jpeg"), "image/jpeg", "colour"),
        HostileImage("RGB TIFF", saved(rgb, "tiff"), "image/tiff", "colour"),
        HostileImage("CMYK JPEG", cmyk.getvalue(), None, "colour"),
        HostileImage("palette PNG", palette.getvalue(), "image/png", "colour"),
        HostileImage("gray with alpha PNG", png_of_rows(1, 1, b"\0\1\2", colour=4), None, "colour"),
        HostileImage("RGBA PNG", png_of_rows(1, 1, b"\0\1\2\3\4", colour=6), None, "colour"),
        HostileImage("bilevel PNG", bilevel.getvalue(), "image/png", "unsupported"),
        HostileImage("4-bit PNG", png_of_rows(1, 2, b"\0\x12", depth=4), "image/png", "unsupported"),
        HostileImage("float TIFF", saved(gray.astype(np.float32), "tiff"), "image/tiff", "unsupported"),
        HostileImage("32-bit TIFF", saved(gray.astype(np.int32), "tiff"), "image/tiff", "unsupported"),
        HostileImage("two pages TIFF", two_pages.getvalue(), "image/tiff", "unsupported"),
        HostileImage("signed TIFF", _tiff(gray, sample_format=2), "image/tiff", "unsupported"),
        HostileImage("inverted TIFF", _tiff(gray, photometric=0), "image/tiff", "unsupported"),
        HostileImage("animated PNG", animation, "image/png", "unsupported"),
    ]


def _too_large() -> list[HostileImage]:
    few_bytes = chunk(b"IDAT", zlib.compress(bytes(100)))
    jpeg = bytearray(saved(sound_image(), "jpeg"))
    frame_header = jpeg.index(b"\xff\xc0")
    jpeg[frame_header + 5 : frame_header + 9] = struct.pack(">HH", 65000, 65000)
    return [
        HostileImage(
            "pixel bomb PNG", SIGNATURE + ihdr(2**31 - 1, 2**31 - 1) + few_bytes + IEND, None, "too-large"
        ),
        HostileImage(
            "pixel bomb 16-bit PNG",
            SIGNATURE + ihdr(60000, 60000, depth=16) + few_bytes + IEND,
            None,
            "too-large",
        ),
        HostileImage(
            "pixel bomb interlaced PNG",
            SIGNATURE + ihdr(60000, 60000, interlace=1) + few_bytes + IEND,
            None,
            "too-large",
        ),
        HostileImage("pixel bomb JPEG", bytes(jpeg), "image/jpeg", "too-large"),
        HostileImage("pixel bomb TIFF", _tiff(sound_image(), height=60000, width=60000), None, "too-large"),
        HostileImage(
            "endless body", saved(sound_image(), "png") + bytes(MAX_BYTES), "image/png", "too-large"
        ),
    ]


def _truncated() -> list[HostileImage]:
    png, jpeg, tiff = (saved(sound_image(), name) for name in ("png", "jpeg", "tiff"))
    return [
        HostileImage("PNG cut in its signature", png[:5], "image/png", "truncated"),
        HostileImage("PNG cut in its header", png[:20], "image/png", "truncated"),
        HostileImage("PNG cut in its data", png[: len(png) // 2], "image/png", "truncated"),
        HostileImage("PNG without its end", png[: -len(IEND)], "image/png", "truncated"),
        HostileImage("PNG with too few rows", png_of_rows(3, 2, b"\0\1\2" * 2), "image/png", "truncated"),
        HostileImage("PNG without data", SIGNATURE + ihdr(2, 2) + IEND, "image/png", "truncated"),
        HostileImage("JPEG cut in its tables", jpeg[:-100], "image/jpeg", "truncated"),
        HostileImage("JPEG of its signature alone", b"\xff\xd8\xff\xe0", "image/jpeg", "truncated"),
        HostileImage("JPEG without its end", jpeg[:-2], "image/jpeg", "truncated"),
        HostileImage("TIFF cut in its data", tiff[:-100], "image/tiff", "truncated"),
    ]


def _damaged() -> list[HostileImage]:
    png = saved(sound_image(), "png")
    data = png.index(b"IDAT")
    wrong_crc = bytearray(png)
    wrong_crc[data + 10] ^= 0xFF
    wrong_header_crc = bytearray(png)
    wrong_header_crc[19] ^= 1
    rows = b"\0\1\2" * 2
    stream = bytearray(zlib.compress(rows))
    stream[-1] ^= 1
    wrong_adler = SIGNATURE + ihdr(2, 2) + chunk(b"IDAT", bytes(stream)) + IEND
    no_stream = SIGNATURE + ihdr(2, 2) + chunk(b"IDAT", b"this is no zlib stream") + IEND
    half = zlib.compress(rows)[:6], zlib.compress(rows)[6:]
    scattered = (
        SIGNATURE + ihdr(2, 2) + chunk(b"IDAT", half[0]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", half[1])
    )
    return [
        HostileImage("PNG data with a wrong CRC", bytes(wrong_crc), "image/png", "corrupt"),
        HostileImage("PNG header with a wrong CRC", bytes(wrong_header_crc), "image/png", "corrupt"),
        HostileImage("PNG with a wrong Adler-32", wrong_adler, "image/png", "corrupt"),
        HostileImage("PNG data that is no zlib stream", no_stream, "image/png", "corrupt"),
        HostileImage("PNG with scattered data", scattered + IEND, "image/png", "corrupt"),
        HostileImage("PNG with too many rows", png_of_rows(1, 2, rows), "image/png", "corrupt"),
        HostileImage("PNG inflating without end", png_of_rows(1, 2, bytes(1 << 24)), "image/png", "corrupt"),
        HostileImage("PNG with filter type 9", png_of_rows(2, 2, b"\0\1\2\x09\1\2"), "image/png", "corrupt"),
        HostileImage("PNG of no size", SIGNATURE + ihdr(0, 0) + IEND, "image/png", "corrupt"),
        HostileImage("PNG starting with IEND", SIGNATURE + IEND * 4, "image/png", "corrupt"),
        HostileImage("TIFF of its signature alone", b"II*\x00\x08\x00\x00\x00", "image/tiff", "corrupt"),
    ]


def _tiff(
    image: np.ndarray,
    *,
    photometric: int = 1,
    sample_format: int = 1,
    height: int | None = None,
    width: int | None = None,
) -> bytes:
    """Return a little-endian uncompressed 8-bit TIFF with tags as told."""
    tags = {
        256: width or image.shape[1],
        257: height or image.shape[0],
        258: 8,
        259: 1,
        262: photometric,
        273: 8 + 2 + 12 * 10 + 4,
        277: 1,
        278: height or image.shape[0],
        279: image.size,
        339: sample_format,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + image.tobytes()
