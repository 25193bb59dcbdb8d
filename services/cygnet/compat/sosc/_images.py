"""What the notebooks do to an image: window, crop, histogram."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet import imaging


def crop_center(np_image: object, half_win: int = 64) -> NDArray[Any]:
    """Return the central 2 half_win pixels a side of (H, W), or of each of (N, H, W), as a copy.

    The same pixels as in both notebooks for 576 × 576. Different: a copy, where theirs is a view that keeps
    the whole frame in memory; the centre is the image's own (2023: of 576 × 576, whatever comes); a stack is
    cropped frame by frame. ValueError for a window that does not fit, where theirs returns another one.
    """
    return imaging.crop_center(np.asarray(np_image), half_win)


def windowing(np_image: object, x_min: float, x_max: float) -> NDArray[np.floating[Any]]:
    """Return counts from x_min to x_max as 0 … 1, clipped: float32 of the shape of (H, W) or (N, H, W).

    Different: a pixel darker than x_min becomes 0. In both notebooks the subtraction wraps round for unsigned
    pixels and whole bounds, and such a pixel becomes 1, white; `cygnet.imaging.window(…,
    legacy_underflow=True)` does the same, bit for bit. float32, where theirs is float64, 1e-6 apart at most.
    ValueError unless x_min < x_max, where theirs gives NaN or a negative.
    """
    return imaging.window(np.asarray(np_image), x_min, x_max)


def preprocessing_step(img: object) -> NDArray[np.float32]:
    """Return the central 128 × 128 pixels of an image, counts from 80 to 120 as 0 … 1: float32.

    Different: one pass over the pixels that remain, where the notebook windows all of them first; see
    `windowing`.
    """
    return imaging.crop_window(np.asarray(img), 64, 80, 120)


def compute_pixel_hist(np_image: object) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (boundaries, contents) of the histogram of uint8 or uint16 pixels, (H, W) or (N, H, W).

    One bin a value, as the exercise asks: of uint8, boundaries linspace(-0.5, 255.5, 257), contents (256,).
    Different: the notebook's linspace(0, 255, 256) makes 255 bins, the last one of 254 and 255 together.
    ValueError for pixels of another type.
    """
    return imaging.pixel_histogram(np.asarray(np_image))
