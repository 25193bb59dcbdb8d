"""Draws simulated hours into a file: load, replicas and lag over time, a column for each trace."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cygnet.scaling.simulator import MAX_PODS, TARGET_LAG_SECONDS, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, and a line of its own for each policy: told apart without any colour, too.
STYLES: dict[str, dict[str, Any]] = {
    "cygnet": {"color": "#0072B2", "linestyle": "-", "linewidth": 2.0, "zorder": 3},
    "numaflow": {"color": "#E69F00", "linestyle": "--", "linewidth": 1.4},
    "keda-240": {"color": "#009E73", "linestyle": "-", "linewidth": 1.0},
    "keda-100": {"color": "#CC79A7", "linestyle": "-.", "linewidth": 1.0},
    "keda-10": {"color": "#D55E00", "linestyle": ":", "linewidth": 1.2},
}


def save(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the figure to `path`, in the format of its suffix.

    Raises ModuleNotFoundError without matplotlib, OSError when the file can't be written.
    """
    from matplotlib.figure import Figure

    traces = [list(group) for _, group in groupby(outcomes, key=lambda outcome: outcome.trace.name)]
    figure = Figure(figsize=(max(7.0, 4.4 * len(traces)), 7.2), layout="constrained")
    axes = figure.subplots(3, len(traces), sharex=True, sharey="row", squeeze=False)
    for column, group in enumerate(traces):
        _draw_trace([axes[row][column] for row in range(3)], group)
    for row, label in enumerate(("load, frames/s", "pods asked for", "age of the oldest frame, s")):
        axes[row][0].set_ylabel(label)
    handles, labels = axes[1][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=110)


def _draw_trace(axes: "Sequence[Axes]", outcomes: Sequence[Outcome]) -> None:
    load, pods, lag = axes
    minutes = [second.time / 60 for second in outcomes[0].seconds]
    load.fill_between(minutes, outcomes[0].trace.frames, color="#999999", linewidth=0)
    load.set_ylim(bottom=0)
    load.set_title(outcomes[0].trace.title, fontsize=10)
    for outcome in outcomes:
        style = STYLES[outcome.policy.name]
        asked = [second.desired for second in outcome.seconds]
        pods.plot(minutes, asked, label=outcome.policy.title, drawstyle="steps-post", **style)
        lag.plot(minutes, [second.lag_seconds for second in outcome.seconds], **style)
    pods.set_ylim(0, MAX_PODS + 1)
    lag.set_yscale("symlog", linthresh=10)
    lag.set_yticks([0, 10, 30, 100, 300], ["0", "10", "30", "100", "300"])
    lag.minorticks_off()
    lag.set_ylim(0, 400)
    lag.axhline(TARGET_LAG_SECONDS, color="black", linewidth=0.8, linestyle=(0, (6, 3)))
    lag.text(
        59,
        TARGET_LAG_SECONDS,
        f"target {TARGET_LAG_SECONDS} s",
        ha="right",
        va="center",
        fontsize=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )
    lag.set_xlabel("time, min")
    lag.set_xlim(0, 60)
    for one in axes:
        one.grid(color="#dddddd", linewidth=0.6)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
