"""The form of a frame's body, checked once for each form and not once for each frame."""

import math
import re
from functools import lru_cache

import numpy as np

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, ARRAY, ARRAY_FILE, IMAGE_TYPES

ENCODINGS = ("identity", "zstd", "lz4", "bslz4", "blosc2")
MAX_DIMENSIONS = 8
MAX_ARRAY_BYTES = 1 << 34
MAX_TEXT = 128
EARLIEST_NS, LATEST_NS = 0, 7_289_654_400_000_000_000  # 1970 to 2200, as times are read elsewhere

_DTYPE = re.compile(r"[<>|=]?[buifc]\d{1,2}")
_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_AXES = re.compile(r"[A-Za-z0-9_]{1,32}(,[A-Za-z0-9_]{1,32})*")

ANY_SIZE = -1


@lru_cache(maxsize=4096)
def body_size(
    type: str,  # noqa: A002
    content_type: str,
    encoding: str,
    dtype: str,
    shape: tuple[int, ...],
    axes: str,
) -> int:
    """Return how many bytes a body of this form has, ANY_SIZE where its form does not say.

    Raises BadInputError when no body can have this form.
    """
    if not _TYPE.fullmatch(type):
        raise _bad("bad-type", "Cygnet-Type", type, "1 to 64 of A-Z a-z 0-9 _ . -")
    if encoding not in ENCODINGS:
        raise _bad("unknown-encoding", "Content-Encoding", encoding, ", ".join(ENCODINGS))
    if type == ARRAY and content_type not in ("", ANNOUNCEMENT, ARRAY_FILE, *IMAGE_TYPES):
        accepted = ", ".join((*IMAGE_TYPES, ARRAY_FILE, ANNOUNCEMENT)) + ", or none for an array"
        raise _bad("unknown-content-type", "Content-Type", content_type, accepted)
    if len(content_type) > MAX_TEXT:
        raise _bad(
            "unknown-content-type", "Content-Type", content_type[:MAX_TEXT], f"up to {MAX_TEXT} letters"
        )
    described = bool(dtype or shape)
    size = _array_bytes(dtype, shape, axes) if described else ANY_SIZE
    if type == ARRAY and not content_type:
        if not described:
            raise BadInputError(
                "Cygnet-Dtype: missing; an array needs Cygnet-Dtype and Cygnet-Shape", reason="missing-header"
            )
        return size if encoding == "identity" else ANY_SIZE
    return ANY_SIZE


def _array_bytes(dtype: str, shape: tuple[int, ...], axes: str) -> int:
    if not _DTYPE.fullmatch(dtype):
        raise _bad("bad-dtype", "Cygnet-Dtype", dtype, "numpy's spelling of a number, such as <u2 or <f4")
    try:
        itemsize = np.dtype(dtype).itemsize
    except TypeError as error:
        raise _bad("bad-dtype", "Cygnet-Dtype", dtype, "a dtype that numpy knows") from error
    if not 1 <= len(shape) <= MAX_DIMENSIONS or min(shape) < 1:
        raise _bad("bad-shape", "Cygnet-Shape", shape, f"1 to {MAX_DIMENSIONS} whole numbers from 1")
    size = math.prod(shape) * itemsize
    if size > MAX_ARRAY_BYTES:
        raise _bad("bad-shape", "Cygnet-Shape", shape, f"arrays up to {MAX_ARRAY_BYTES} bytes")
    if not _AXES.fullmatch(axes) or axes.count(",") + 1 != len(shape):
        raise _bad("bad-axes", "Cygnet-Axes", axes, f"{len(shape)} names, one for each number of {shape}")
    return size


def check_body(expected: int, body_bytes: int, parts: tuple[int, ...], encoding: str) -> None:
    """Raise BadInputError when the body's length is not what form and parts say."""
    if expected not in (ANY_SIZE, body_bytes):
        raise BadInputError(
            f"body: {body_bytes} bytes; accepted: {expected}, the size of its shape and dtype",
            reason="size-mismatch",
        )
    if parts and encoding == "identity" and (min(parts) < 0 or sum(parts) != body_bytes):
        raise BadInputError(
            f"Cygnet-Parts: {sum(parts)} bytes in all; accepted: {body_bytes}, the body's", reason="bad-parts"
        )


def check_time(time_ns: int) -> int:
    """Return the time if it lies between 1970 and 2200, else raise BadInputError."""
    if not EARLIEST_NS <= time_ns <= LATEST_NS:
        raise _bad("bad-time", "Cygnet-Time", time_ns, "nanoseconds since 1970, up to the year 2200")
    return time_ns


def _bad(reason: str, field: str, value: object, accepted: str) -> BadInputError:
    return BadInputError(f"{field}: {str(value)[:MAX_TEXT]!r}; accepted: {accepted}", reason=reason)
