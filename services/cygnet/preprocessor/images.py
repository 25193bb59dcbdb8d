"""From the bytes of a frame to its array: decoded, checked against what the source promised."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cygnet.imaging import DecodeLimits, decode, decompress, image_header, read_npy
from cygnet.model.errors import BadInputError
from cygnet.model.frame import ARRAY, ARRAY_FILE, Frame
from cygnet.preprocessor.stages import Recipe
from cygnet.spec.sources import ExpectedFrame

Image = npt.NDArray[np.generic]


def to_array(frame: Frame, limits: DecodeLimits, expected: ExpectedFrame, recipe: Recipe) -> Image:
    """Return the frame's array (H, W), or (panel, H, W).

    Of an encoded image only the rows that the recipe needs come back; the rest may not even be
    inflated. Raises DecodeError or BadInputError, both with a `reason`, for what is no such frame.
    """
    if frame.type != ARRAY:
        raise BadInputError(
            f"Cygnet-Type: {frame.type!r} has no decoder; accepted: {ARRAY}", reason="unknown-type"
        )
    if frame.dtype:
        dtype = _dtype(frame.dtype)
        _check(dtype, frame.shape, expected)
        return decompress(frame.body, frame.encoding, dtype, frame.shape, limits=limits)
    if frame.content_type == ARRAY_FILE:
        array = read_npy(frame.body, limits=limits)
        _check(array.dtype, array.shape, expected)
        return array
    content_type = frame.content_type or None
    header = image_header(frame.body, content_type, limits=limits)
    _check(header.dtype, (header.height, header.width), expected)
    return decode(frame.body, content_type, limits=limits, rows=recipe.rows(header.height))


def _dtype(name: str) -> np.dtype[np.generic]:
    try:
        return np.dtype(name)
    except (TypeError, ValueError, SyntaxError) as error:
        raise BadInputError(
            f"dtype: {name[:80]!r}; accepted: numpy's spelling of a number, such as <u2", reason="bad-dtype"
        ) from error


def _check(dtype: np.dtype[np.generic], shape: Sequence[int], expected: ExpectedFrame) -> None:
    if expected.dtype is not None and dtype != np.dtype(expected.dtype):
        raise BadInputError(f"dtype: {dtype}; accepted: expect.dtype, {expected.dtype}", reason="wrong-dtype")
    if expected.shape is not None and list(shape) != list(expected.shape):
        raise BadInputError(
            f"shape: {list(shape)}; accepted: expect.shape, {expected.shape}", reason="wrong-shape"
        )
