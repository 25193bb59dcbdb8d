"""The body codecs of array frames: one table of names, and the checks that stand before every one of them."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cygnet.imaging._arguments import integer
from cygnet.imaging._errors import DecodeError, DecodeLimits, refusal

Body = bytes | bytearray | memoryview

_MODULES = {  # loaded at first use: nobody pays for a codec that is not used
    "identity": "cygnet.imaging._codec_identity",
    "zstd": "cygnet.imaging._codec_zstd",
    "lz4": "cygnet.imaging._codec_lz4",
    "blosc2": "cygnet.imaging._codec_blosc2",
    "bslz4": "cygnet.imaging._codec_bslz4",
}
CODECS = tuple(_MODULES)
"""The accepted values of `Content-Encoding`."""

_MOST_AXES = 8


class _Codec(Protocol):
    """What a codec's module offers. `itemsize` is the size in bytes of one element."""

    def compress(self, data: memoryview, itemsize: int) -> bytes:
        """Return the encoded bytes."""

    def decompress(self, body: memoryview, size: int, itemsize: int) -> Body:
        """Return exactly `size` bytes or raise DecodeError; allocate no more than that."""


def compress(data: Body | NDArray[Any], codec: str, dtype: DTypeLike) -> bytes:
    """Return the bytes of a C-contiguous array, encoded.

    data: the array, or its bytes; dtype: of its elements (shuffling codecs need their size).
    ValueError: unknown codec, a dtype that is no number, bytes that are no whole elements, a strided array.
    """
    if codec not in _MODULES:
        raise refusal("codec", codec, ", ".join(CODECS))
    itemsize = _element(dtype).itemsize
    if isinstance(data, np.ndarray) and not data.flags.c_contiguous:
        raise refusal("data", f"array with strides {data.strides}", "a C-contiguous array")
    size = data.nbytes if isinstance(data, (np.ndarray, memoryview)) else len(data)
    if size == 0 or size % itemsize:
        raise refusal("data", f"{size} bytes", f"a positive multiple of {itemsize} bytes")
    return _loaded(codec).compress(np.frombuffer(data, np.uint8).data, itemsize)


def decompress(
    body: Body, codec: str, dtype: DTypeLike, shape: Sequence[int], limits: DecodeLimits
) -> NDArray[Any]:
    """Return the array that a body holds: read-only, of the given dtype (byte order kept) and shape.

    With `identity` it is a view of `body`. DecodeError, before anything is allocated: an unknown codec, a
    dtype or shape that is none, sizes beyond the limits, a body that states another size; then: a damaged
    body.
    """
    if codec not in _MODULES:
        raise DecodeError("unsupported", f"codec: {codec!r:.80} refused; accepted: {', '.join(CODECS)}")
    try:
        element = _element(dtype)
        sides = tuple(_side(side) for side in shape)
        if not 1 <= len(sides) <= _MOST_AXES:
            raise refusal("shape", sides, f"1 to {_MOST_AXES} axes")
    except ValueError as error:
        raise DecodeError("unsupported", str(error)) from error
    pixels = math.prod(sides)
    limits.check_pixels(pixels, f"an array of shape {sides}")
    view = memoryview(body).cast("B")
    limits.check_body(view.nbytes)
    size = pixels * element.itemsize
    data = _loaded(codec).decompress(view, size, element.itemsize)
    if len(data) != size:
        raise DecodeError("size-mismatch", f"the {codec} body holds {len(data)} bytes; accepted: {size}")
    array = np.frombuffer(data, element).reshape(sides)
    array.flags.writeable = False
    return array


def _loaded(codec: str) -> _Codec:
    return cast("_Codec", import_module(_MODULES[codec]))


def _element(dtype: DTypeLike) -> np.dtype[Any]:
    accepted = "a number type such as <u2, |u1, <f4"
    try:
        element = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):
        raise refusal("dtype", dtype, accepted) from None
    if element.kind not in "uif" or element.itemsize > 8:
        raise refusal("dtype", str(dtype), accepted)
    return element


def _side(value: object) -> int:
    accepted = "integers of at least 1"
    side = integer("shape", value, accepted)
    if side < 1:
        raise refusal("shape", value, accepted)
    return side
