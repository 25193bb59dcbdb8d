"""Crop and window in one pass: what a preprocessor does to every frame."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet.imaging._arguments import float32_bounds, frames_of, half_window_inside
from cygnet.imaging._errors import refusal
from cygnet.imaging._window_kernel import is_kernel_input, kernel_input, window_into


def crop_window(
    frame_or_stack: object,
    half_window: object,
    minimum: object,
    maximum: object,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return window(crop_center(frame_or_stack, half_window), minimum, maximum) in one pass.

    frame_or_stack: (H, W) or (N, H, W), in counts. Result: float32 in [0, 1] of 2 half_window pixels a
    side. `out`, if given, is filled and returned: float32, C-contiguous, of the result's shape (a slot of a
    chunk's buffer). ValueError: as `crop_center` and `window`, or an `out` that does not fit.
    """
    frames = frames_of(frame_or_stack)
    height, width = frames.shape[-2:]
    half = half_window_inside(half_window, height, width)
    low, span = float32_bounds(minimum, maximum)
    side = 2 * half
    shape = (*frames.shape[:-2], side, side)
    top, left = height // 2 - half, width // 2 - half
    if out is None:
        out = np.empty(shape, np.float32)
    elif not _fits(out, shape):
        raise refusal("out", _described(out), f"a writable C-contiguous float32 array of shape {shape}")
    if not is_kernel_input(frames):
        frames, top, left = kernel_input(frames[..., top : top + side, left : left + side]), 0, 0
    if frames.ndim == 2:
        window_into(frames[None], top, left, low, span, out[None])
    else:
        stack = frames.reshape((math.prod(shape[:-2]), *frames.shape[-2:]))
        window_into(stack, top, left, low, span, out.reshape((len(stack), side, side)))
    return out


def _fits(out: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return out.dtype == np.float32 and out.shape == shape and out.flags.carray


def _described(out: NDArray[Any]) -> str:
    return f"{out.dtype} {out.shape} {'contiguous' if out.flags.c_contiguous else 'not contiguous'}"
