"""Checks of shared arguments, so that every imaging function refuses the same values in the same words."""

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet.imaging._errors import refusal

Number = int | float

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def number(field: str, value: object) -> Number:
    """Return a finite int or float; integers stay integers: the notebooks' arithmetic depends on it."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        return float(value)
    raise refusal(field, value, "a finite number")


def window_bounds(minimum: object, maximum: object) -> tuple[Number, Number]:
    """Return (minimum, maximum) in counts; ValueError unless both are finite and minimum < maximum."""
    low, high = number("minimum", minimum), number("maximum", maximum)
    if low >= high:
        raise refusal("minimum", minimum, f"a number below maximum ({maximum!r})")
    return low, high


def float32_bounds(minimum: object, maximum: object) -> tuple[np.float32, np.float32]:
    """Return (minimum, maximum - minimum) as float32; ValueError if they cannot be told apart in float32."""
    low, high = window_bounds(minimum, maximum)
    if low < -_FLOAT32_MAX:
        raise refusal("minimum", minimum, "a number in the range of float32")
    if high > _FLOAT32_MAX:
        raise refusal("maximum", maximum, "a number in the range of float32")
    low32, high32 = np.float32(low), np.float32(high)
    span = float(high32) - float(low32)
    if not 0 < span <= _FLOAT32_MAX:
        raise refusal("maximum", maximum, f"a number that differs from minimum ({minimum!r}) within float32")
    return low32, np.float32(span)


def integer(field: str, value: object, accepted: str) -> int:
    """Return an int; ValueError for bool, float and everything else that is no integer."""
    if isinstance(value, (bool, np.bool)):
        raise refusal(field, value, accepted)
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise refusal(field, value, accepted) from None


def half_window_inside(half_window: object, height: int, width: int) -> int:
    """Return the half window in pixels; ValueError unless 1 <= half_window <= half of the shorter side."""
    largest = min(height, width) // 2
    if type(half_window) is int and 1 <= half_window <= largest:
        return half_window
    accepted = f"an integer from 1 to {largest} for a frame of {height}x{width}"
    half = integer("half_window", half_window, accepted)
    if not 1 <= half <= largest:
        raise refusal("half_window", half_window, accepted)
    return half


def frames_of(image: object) -> NDArray[Any]:
    """Return the image as an array; ValueError unless it is real numbers over at least two axes (…, H, W)."""
    frames = np.asarray(image)
    if frames.dtype.kind not in "uif" or frames.dtype.itemsize > 8:
        raise refusal("image dtype", str(frames.dtype), "integers or floats of up to 64 bits")
    if frames.ndim < 2:
        raise refusal("image shape", frames.shape, "(H, W) or (N, H, W)")
    return frames
