"""Draws events into a file: one with its truth, or a gallery of both recoils as the school's notebooks do."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cygnet.model.errors import BadInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Counts = npt.NDArray[np.int64]
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
WINDOW_COUNTS = (80.0, 110.0)  # of the school's notebook 001
COLORS = {"nuclear": "Blues_r", "electronic": "pink"}
_UNKNOWN = "gray"
_DARKEST, _BRIGHTEST = 1.0, 99.9  # percentiles that are shown where nothing else is known
_COLUMNS = 5
_MOST_BINS = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """An image (H, W), what stands above it, and its recoil if that is known, which gives it its colours."""

    image: npt.NDArray[Any]
    title: str
    recoil: str | None = None


def check_figure(path: Path, option: str) -> None:
    """Raise BadInputError unless a figure can be written in the format of the file's suffix."""
    if path.suffix.lower() not in FIGURE_SUFFIXES:
        said = path.suffix or "missing"
        raise BadInputError(f"{option} {path}: the suffix is {said}; accepted: {', '.join(FIGURE_SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise BadInputError(f"{option} needs matplotlib: pip install 'cygnet[analysis]'")


def save_event(picture: Picture, path: Path) -> None:
    """Write one event: its image with a scale, and beside it the histogram of its pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.4), layout="constrained")
    image, histogram = figure.subplots(1, 2, width_ratios=(1.2, 1))
    shown = _show(image, picture, _limits([picture]))
    figure.colorbar(shown, ax=image, shrink=0.85, extend="both")
    figure.suptitle(picture.title, fontsize=10)
    image.set_xlabel("column")
    image.set_ylabel("row")
    bins = min(_MOST_BINS, len(np.unique(picture.image)))  # levels must not fall between bins
    histogram.hist(picture.image.ravel(), bins=bins, histtype="step", color="#0072B2")
    _label_histogram(histogram)
    _write(figure, path)


def save_gallery(
    pictures: Sequence[Picture], path: Path, title: str, histograms: dict[str, Counts] | None = None
) -> None:
    """Write pictures in rows of five, all with the same limits, which the title says.

    Below them, if given, are histograms of counts by name, in unit bins.
    """
    from matplotlib.figure import Figure

    rows = -(-len(pictures) // _COLUMNS)
    figure = Figure(figsize=(10.0, 2.3 * rows + (2.8 if histograms else 0.4)), layout="constrained")
    limits = _limits(pictures)
    figure.suptitle(f"{title}; shown from {limits[0]:.4g} to {limits[1]:.4g}", fontsize=11)
    heights = (2.3 * rows, 2.4) if histograms else (1,)
    above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    for axes in (places := above.subplots(rows, _COLUMNS, squeeze=False)).flat:
        axes.set_axis_off()
    for axes, picture in zip(places.flat, pictures, strict=False):
        _show(axes, picture, limits)
        axes.set_title(picture.title, fontsize=8)
    if histograms:
        axes = below[0].subplots()
        for (name, counts), color in zip(histograms.items(), ("#0072B2", "#D55E00"), strict=False):
            axes.stairs(counts, np.arange(len(counts) + 1) - 0.5, label=name, color=color)
        first, last = np.flatnonzero(sum(histograms.values()))[[0, -1]]
        axes.set_xlim(first - 1, last + 1)
        axes.legend(frameon=False)
        _label_histogram(axes)
    _write(figure, path)


def _limits(pictures: Sequence[Picture]) -> tuple[float, float]:
    """Return what is drawn darkest and brightest.

    The school's window for counts like its own, 0 to 1 for fractions, and for the images of other cameras
    what nearly all of their pixels are within.
    """
    pixels = np.concatenate([each.image.ravel() for each in pictures] or [np.zeros(1)])
    finite = pixels[np.isfinite(pixels)]
    if not len(finite):
        return 0.0, 1.0
    low, middle, high = np.percentile(finite, (_DARKEST, 50, _BRIGHTEST))
    if finite.dtype.kind in "iu" and WINDOW_COUNTS[0] <= middle <= WINDOW_COUNTS[1]:
        return WINDOW_COUNTS
    if finite.dtype.kind == "f" and finite.min() >= 0 and finite.max() <= 1:
        return 0.0, 1.0
    return float(low), float(high if high > low else low + 1)


def _show(axes: "Axes", picture: Picture, limits: tuple[float, float]) -> Any:
    """Show an image (H, W) between limits."""
    if picture.image.ndim != 2:
        raise BadInputError(
            f"{picture.title}: an array of shape {picture.image.shape} cannot be drawn;"
            " accepted: (rows, columns)"
        )
    low, high = limits
    color = COLORS[picture.recoil] if picture.recoil else _UNKNOWN
    return axes.imshow(picture.image, cmap=color, vmin=low, vmax=high, interpolation="nearest")


def _label_histogram(axes: "Axes") -> None:
    axes.set_yscale("log")
    axes.set_xlabel("pixel value")
    axes.set_ylabel("pixels")
    axes.spines[["top", "right"]].set_visible(False)


def _write(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise BadInputError(f"{path} cannot be written: {error.strerror or error}") from error
