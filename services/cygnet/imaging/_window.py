"""Windowing: map a range of counts to [0, 1], or to exact integer levels."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet.imaging._arguments import Number, float32_bounds, frames_of, integer, window_bounds
from cygnet.imaging._errors import refusal
from cygnet.imaging._window_kernel import kernel_input, window_into

_LEVEL_BOUND = 2**32


def window(
    image: object, minimum: object, maximum: object, *, legacy_underflow: bool = False
) -> NDArray[np.floating[Any]]:
    """Return clip((image - minimum) / (maximum - minimum), 0, 1).

    image: (H, W) or a stack (N, H, W), integers or floats, in counts. Result: float32 of the same shape,
    computed in float32, so that a pixel darker than `minimum` is 0.

    `legacy_underflow` gives instead, bit for bit, what the CYGNO school's notebooks compute: float64 for
    integer images; with an integer `minimum` unsigned pixels below it wrap around and become 1 (white).

    ValueError: a bound that is no finite number or not representable, minimum >= maximum, a complex or 1-D
    image.
    """
    frames = frames_of(image)
    if legacy_underflow:
        return _notebook_window(frames, *window_bounds(minimum, maximum))
    low, span = float32_bounds(minimum, maximum)
    stack = kernel_input(frames).reshape((math.prod(frames.shape[:-2]), *frames.shape[-2:]))
    windowed = np.empty(stack.shape, np.float32)
    window_into(stack, 0, 0, low, span, windowed)
    return windowed.reshape(frames.shape)


def window_levels(image: object, minimum: object, maximum: object) -> NDArray[np.unsignedinteger[Any]]:
    """Return clip(image, minimum, maximum) - minimum, exactly, as the smallest unsigned type.

    image: (H, W) or (N, H, W), integers of up to 32 bits, in counts; both bounds are integers. Result:
    uint8 if maximum - minimum <= 255, else uint16. `levels / (maximum - minimum)` is the window, without
    loss.

    ValueError: bounds that are no integers or 65536 or more apart, an image of floats or of 64-bit
    integers.
    """
    frames = frames_of(image)
    if frames.dtype.kind == "f" or frames.dtype.itemsize > 4:
        raise refusal("image dtype", str(frames.dtype), "integers of up to 32 bits")
    low = _level_bound("minimum", minimum)
    high = _level_bound("maximum", maximum)
    if not low < high <= low + 65535:
        raise refusal("maximum", maximum, f"an integer from minimum + 1 to minimum + 65535 (minimum = {low})")
    levels = np.dtype(np.uint8 if high - low <= 255 else np.uint16)
    limits = np.iinfo(frames.dtype)
    if limits.min <= low and high <= limits.max:
        native: NDArray[Any] = np.clip(frames, frames.dtype.type(low), frames.dtype.type(high))
        native -= frames.dtype.type(low)
        return native.astype(levels, copy=False)
    return (np.clip(frames.astype(np.int64), low, high) - low).astype(levels)


def _level_bound(field: str, value: object) -> int:
    accepted = f"an integer from {-_LEVEL_BOUND} to {_LEVEL_BOUND}"
    bound = integer(field, value, accepted)
    if not -_LEVEL_BOUND <= bound <= _LEVEL_BOUND:
        raise refusal(field, value, accepted)
    return bound


def _notebook_window(frames: NDArray[Any], minimum: Number, maximum: Number) -> NDArray[np.floating[Any]]:
    """Evaluate the notebooks' expression as it stands; numpy's promotion rules are part of the contract."""
    try:
        windowed: NDArray[np.floating[Any]] = np.clip((frames - minimum) / (maximum - minimum), 0, 1)
    except OverflowError as error:
        accepted = (
            f"bounds that an image of {frames.dtype} can hold, as the notebooks need (legacy_underflow)"
        )
        raise refusal("minimum, maximum", (minimum, maximum), accepted) from error
    return windowed
