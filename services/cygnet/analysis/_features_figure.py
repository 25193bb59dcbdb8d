"""Draws the features that part the recoils: five histograms, each group's as shares of it, and density."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cygnet.analysis._features import Tracks
from cygnet.analysis._figure import ELECTRONIC, NEUTRAL, NUCLEAR, new_figure, plain, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = {
    "light": "light integral, counts",
    "density": "light density δ, counts/px",
    "length": "length, px",
    "rms_wide": "width (standard deviation), px",
    "slimness": "slimness, width / length",
}
_BINS = 50
_MOST_POINTS = 3000
_ALPHA = 0.35

Groups = dict[str, npt.NDArray[np.bool_]]
_COLORS = {"nuclear": NUCLEAR, "electronic": ELECTRONIC}


def draw_features(tracks: Tracks, groups: Groups, title: str, path: Path) -> None:
    """Draw the features of each group of tracks; groups called nuclear and electronic have their colours."""
    figure = new_figure(11.0, 6.4)
    axes = figure.subplots(2, 3).ravel()
    for each, (name, label) in zip(axes, SHOWN.items(), strict=False):
        _histogram(each, getattr(tracks, name), groups)
        each.set_xlabel(label)
        each.set_ylabel("share of the group")
    for group, members in groups.items():
        some = np.flatnonzero(members)[:_MOST_POINTS]
        axes[5].scatter(
            tracks.light[some], tracks.density[some], s=4, alpha=_ALPHA, linewidths=0, color=_color(group)
        )
    axes[5].set_xlabel(SHOWN["light"])
    axes[5].set_ylabel(SHOWN["density"])
    axes[5].locator_params(axis="x", nbins=5)
    plain(axes[5])
    figure.suptitle(title, fontsize=11)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    write(figure, path)


def _histogram(axes: "Axes", values: npt.NDArray[np.float64], groups: Groups) -> None:
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [0.001, 0.999]) if len(finite) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    for group, members in groups.items():
        counts, _ = np.histogram(values[members & np.isfinite(values)], edges)
        size = int(members.sum())
        axes.stairs(counts / max(size, 1), edges, color=_color(group), label=f"{group} ({size})")
    plain(axes)


def _color(group: str) -> str:
    return _COLORS.get(group, NEUTRAL)
