"""Draws ROC curves: what each cut keeps of nuclear recoils, and what it lets through of electrons."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cygnet.analysis._correction import Selection
from cygnet.analysis._figure import SERIES, new_figure, plain, write
from cygnet.analysis._roc import Roc

_STYLES = ("--", "-", ":")
_LEAST = 1e-4


def draw_rocs(rocs: Sequence[Roc], selection: Selection | None, title: str, path: Path) -> None:
    """Draw the curve of each bin of light; the selection is that among all events, also those too faint."""
    figure = new_figure(6.4, 5.2)
    axes = figure.subplots()
    for number, roc in enumerate(rocs):
        axes.plot(
            np.maximum(roc.leakage, _LEAST),
            roc.efficiency,
            color=SERIES[number % len(SERIES)],
            linestyle=_STYLES[number % len(_STYLES)],
            label=f"{light_range(roc)}: AUC {roc.auc:.4f} ± {roc.auc_error:.4f}",
        )
    if selection:
        axes.errorbar(
            selection.leakage,
            selection.efficiency,
            xerr=selection.leakage_error,
            yerr=selection.efficiency_error,
            fmt="s",
            color="black",
            markersize=5,
            label=f"the cut, all events: e {selection.efficiency:.3f}, f {selection.leakage:.4f}",
        )
    axes.set_xscale("log")
    axes.set_xlim(_LEAST, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("leakage: electron recoils taken for nuclear ones")
    axes.set_ylabel("efficiency: nuclear recoils kept")
    axes.set_title(title, fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left" if not rocs else "lower right")
    plain(axes)
    write(figure, path)


def light_range(roc: Roc) -> str:
    """Return a bin of light in words."""
    if not np.isfinite(roc.high):
        return f"above {roc.low / 1000:g} k counts"
    return f"{roc.low / 1000:g} to {roc.high / 1000:g} k counts"
