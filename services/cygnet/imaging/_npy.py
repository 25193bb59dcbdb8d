"""Array files (.npy) of foreign hands: what the header says is held against the bytes before any is used."""

import io
import math
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cygnet.imaging._errors import DecodeError, DecodeLimits

Body = bytes | bytearray | memoryview

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_HEAD_BYTES = 64 << 10  # numpy itself refuses headers above 10,000
_UNREADABLE = (ValueError, TypeError, KeyError, SyntaxError, TokenError, MemoryError, RecursionError)


def read_npy(body: Body, *, limits: DecodeLimits) -> NDArray[Any]:
    """Return the array of an .npy file: a read-only view of its bytes, of any number type, shape and order.

    Format: numpy.lib.format, versions 1.0 and 2.0. DecodeError, and nothing is allocated: empty, too-large,
    corrupt (no .npy file, a header that can't be read), unsupported (elements that are no numbers),
    size-mismatch (less or more bytes than shape and dtype say, such as those of a file that was cut).
    """
    view = memoryview(body).cast("B")
    limits.check_body(len(view))
    head = io.BytesIO(view[:_HEAD_BYTES])
    try:
        version = npy.read_magic(head)
        shape, fortran_order, dtype = _READERS[version](head)
    except _UNREADABLE as error:
        raise DecodeError(
            "corrupt",
            f"the array is damaged: no .npy header, it starts with {bytes(view[:8]).hex(' ')};"
            " accepted: what numpy.save writes",
        ) from error
    if dtype.hasobject or dtype.kind == "V" or min(shape, default=0) < 0:
        raise DecodeError("unsupported", f"the array holds {dtype} of shape {shape}; accepted: numbers")
    pixels = math.prod(shape)
    data = view[head.tell() :]
    if len(data) != pixels * dtype.itemsize:
        raise DecodeError(
            "size-mismatch",
            f"the array is damaged: {len(data)} bytes after its header;"
            f" accepted: {pixels * dtype.itemsize}, {dtype} of shape {shape}",
        )
    limits.check_pixels(pixels, f"an array of shape {shape}")
    if not pixels or not dtype.itemsize:
        return np.empty(shape, dtype)
    flat = np.frombuffer(data, dtype)
    flat.flags.writeable = False
    return flat.reshape(shape[::-1]).T if fortran_order else flat.reshape(shape)
