"""The pixel histogram of a whole run, and its figure."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cygnet.analysis._figure import NUCLEAR, new_figure, plain, write
from cygnet.analysis._stored import Stored, blocks
from cygnet.imaging import pixel_histogram
from cygnet.model.errors import BadInputError

_FRACTION_BINS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelHistogram:
    """How often each pixel value occurs."""

    edges: npt.NDArray[np.float64]
    """(B + 1,): unit bins centred on counts, or 256 from 0 to 1 for fractions."""
    counts: npt.NDArray[np.int64]
    """(B,); their sum is the number of pixels."""


def pixels_of(stored: Stored) -> PixelHistogram:
    """Count the pixels of all images: uint8 and uint16 in unit bins, fractions of a window from 0 to 1.

    Raises BadInputError for another dtype and for floats that are no fractions.
    """
    edges, total = np.empty(0), np.zeros(0, np.int64)
    for stack in blocks(stored):
        if stack.dtype.kind == "f":
            if stack.min() < 0 or stack.max() > 1:
                raise BadInputError(
                    f"images: {stack.dtype} from {stack.min():g} to {stack.max():g}; accepted: uint8, uint16,"
                    " or fractions from 0 to 1"
                )
            counts, edges = np.histogram(stack, _FRACTION_BINS, (0, 1))
        else:
            edges, counts = pixel_histogram(stack)
        total = counts.astype(np.int64) if not total.size else total + counts
    return PixelHistogram(edges=edges, counts=total)


def draw_pixels(histogram: PixelHistogram, title: str, path: Path) -> None:
    """Draw the histogram, pixels on a logarithmic scale, from the first value that occurs to the last."""
    figure = new_figure(7.0, 4.0)
    axes = figure.subplots()
    axes.stairs(histogram.counts, histogram.edges, color=NUCLEAR, fill=False)
    there = np.flatnonzero(histogram.counts)
    if len(there):
        low, high = histogram.edges[there[0]], histogram.edges[there[-1] + 1]
        margin = 0.02 * (high - low)
        axes.set_xlim(low - margin, high + margin)
    axes.set_yscale("log")
    axes.set_xlabel("pixel value" if histogram.edges[-1] == 1 else "pixel value, counts")
    axes.set_ylabel("pixels")
    axes.set_title(title, fontsize=10)
    plain(axes)
    write(figure, path)
