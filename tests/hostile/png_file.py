"""Builds PNG files chunk by chunk, so that tests can make every one that a sound encoder would not."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ihdr(height: int, width: int, *, depth: int = 8, colour: int = 0, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png_of_rows(height: int, width: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG whose inflated image data are `rows` (filter bytes included)."""
    return (
        SIGNATURE
        + ihdr(height, width, depth=depth, colour=colour)
        + chunk(b"IDAT", zlib.compress(rows))
        + IEND
    )


IEND = chunk(b"IEND", b"")


def filtered_rows(image: NDArray[np.unsignedinteger], filters: list[int]) -> bytes:
    """Return the image's rows filtered as told, one filter type a row (PNG specification §9)."""
    bpp = image.dtype.itemsize
    big_endian = np.ascontiguousarray(image, image.dtype.newbyteorder(">"))
    pixels = big_endian.view(np.uint8).reshape(image.shape[0], -1).astype(int)
    rows = []
    above = np.zeros(pixels.shape[1], int)
    for row, kind in zip(pixels, filters, strict=True):
        left = np.concatenate([np.zeros(bpp, int), row[:-bpp]])
        corner = np.concatenate([np.zeros(bpp, int), above[:-bpp]])
        predicted = (0 * row, left, above, (left + above) // 2, _paeth(left, above, corner))[kind]
        rows.append(bytes([kind]) + ((row - predicted) % 256).astype(np.uint8).tobytes())
        above = row
    return b"".join(rows)


def _paeth(a: NDArray[np.int_], b: NDArray[np.int_], c: NDArray[np.int_]) -> NDArray[np.int_]:
    estimate = a + b - c
    to_a, to_b, to_c = abs(estimate - a), abs(estimate - b), abs(estimate - c)
    return np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))
