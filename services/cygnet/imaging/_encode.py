"""Write gray images as standard files that any viewer opens."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cygnet.imaging._arguments import frames_of, integer
from cygnet.imaging._errors import refusal

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FASTEST = 1
_WINDOW_BITS = 15
_MOST_MEMORY = 9
_LARGEST_JPEG_SIDE = 65500


def encode_png(image: object) -> bytes:
    """Return a gray (H, W) uint8 or uint16 image as a PNG.

    Unfiltered and entropy-coded only: on a noisy detector image, PNG's filters and string matching make the
    file larger and writing it many times slower. ValueError: another dtype, not two axes, no pixels.
    """
    pixels = _gray(image, (np.uint8, np.uint16))
    height, width = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    rows = np.zeros((height, 1 + width * pixels.dtype.itemsize), np.uint8)  # a row starts with filter type 0
    rows[:, 1:] = (
        np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    )
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _WINDOW_BITS, _MOST_MEMORY, zlib.Z_HUFFMAN_ONLY)
    data = packer.compress(rows.data) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"".join((_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", data), *_chunk(b"IEND", b"")))


def encode_jpeg(image: object, quality: object = 80) -> bytes:
    """Return a gray (H, W) uint8 image as a JPEG, with loss; quality 1 to 100 (CYGNO's injector: 80).

    ValueError: another dtype, not two axes, a side above 65500, a quality that is no integer in range.
    """
    accepted = "an integer from 1 to 100"
    level = integer("quality", quality, accepted)
    if not 1 <= level <= 100:
        raise refusal("quality", quality, accepted)
    pixels = _gray(image, (np.uint8,))
    if max(pixels.shape) > _LARGEST_JPEG_SIDE:
        raise refusal("image shape", pixels.shape, f"sides of at most {_LARGEST_JPEG_SIDE} in a JPEG")
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "jpeg", quality=level)
    return file.getvalue()


def _gray(image: object, accepted: tuple[type[np.unsignedinteger[Any]], ...]) -> NDArray[Any]:
    pixels = frames_of(image)
    if pixels.dtype.type not in accepted:
        names = " or ".join(dtype.__name__ for dtype in accepted)
        raise refusal("image dtype", str(pixels.dtype), names)
    if pixels.ndim != 2 or pixels.size == 0:
        raise refusal("image shape", pixels.shape, "(H, W) with at least one pixel")
    return pixels


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
