"""Cropping: the centre of a frame, as a copy that keeps no parent alive."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet.imaging._arguments import frames_of, half_window_inside


def crop_center(image: object, half_window: object = 64) -> NDArray[Any]:
    """Return a contiguous copy of the central window of 2 half_window pixels a side, over the last two axes.

    image: (H, W) or (N, H, W). The window is [H//2 - h : H//2 + h, W//2 - h : W//2 + h]; on an odd side it
    lies half a pixel off the centre. ValueError: a half window that is no integer, below 1, or above half
    of the shorter side.
    """
    frames = frames_of(image)
    height, width = frames.shape[-2:]
    half = half_window_inside(half_window, height, width)
    top, left = height // 2 - half, width // 2 - half
    return np.array(frames[..., top : top + 2 * half, left : left + 2 * half], order="C")


def center_rows(height: int, width: int, half_window: object = 64) -> tuple[int, int]:
    """Return the rows (start, stop) that the central window needs: what `decode` may be asked for.

    `crop_center` of those rows is `crop_center` of the whole frame. ValueError as there.
    """
    half = half_window_inside(half_window, height, width)
    return height // 2 - half, height // 2 + half
