"""Keeps what a fleet made of a load, and draws it beside the simulator's prediction: a row for each load."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.loads import MAX_PODS, Load
from cygnet.scaling.simulator import TARGET_LAG_SECONDS, Outcome, Second, cygnet_policy
from cygnet.scaling.traces import TRACES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = Path(__file__).parents[2] / "docs" / "explanations" / "scaling"
PICTURE = FOLDER / "measured.png"
# Okabe and Ito's palette, and a line of its own for each: told apart without any colour, too.
_MEASURED: dict[str, Any] = {"color": "#0072B2", "linestyle": "-", "linewidth": 1.8, "zorder": 3}
_READY: dict[str, Any] = {"color": "#56B4E9", "linestyle": ":", "linewidth": 1.4, "zorder": 2}
_PREDICTED: dict[str, Any] = {"color": "#D55E00", "linestyle": "--", "linewidth": 1.4}


def keep(load: Load, outcome: Outcome, folder: Path = FOLDER) -> None:
    """Write what was measured, a row for each second."""
    folder.mkdir(exist_ok=True)
    rows = [[s.time, s.arrived, s.desired, s.ready, s.backlog, s.lag_seconds] for s in outcome.seconds]
    columns = ["time_seconds", "arrived", "desired", "ready", "backlog", "oldest_age_seconds"]
    head = {"load": load.name, "times": load.times, "columns": columns}
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = json.dumps(head)[:-1] + f', "seconds": [\n{lines}\n]}}\n'
    (folder / f"{load.name}.json").write_text(text)


def kept(folder: Path = FOLDER) -> list[tuple[Load, Outcome]]:
    """Return what was measured of each load, in the order of the traces."""
    found = []
    for name in TRACES:
        file = folder / f"{name}.json"
        if file.exists():
            document = json.loads(file.read_text())
            load = Load(name, document["times"])
            seconds = tuple(Second(*row) for row in document["seconds"])
            found.append((load, Outcome(load.trace, cygnet_policy(load.spec), seconds)))
    return found


def draw(measured: list[tuple[Load, Outcome]], path: Path = PICTURE) -> None:
    """Write the figure to `path`, in the format of its suffix."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 2.3 * len(measured) + 0.6), layout="constrained")
    axes = figure.subplots(len(measured), 3, squeeze=False)
    for row, (load, outcome) in enumerate(measured):
        _draw(axes[row], load, outcome)
    for axis, title in zip(axes[0], ("load, frames/s", "pods", "age of the oldest frame, s"), strict=True):
        axis.set_title(title, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("time, s")
    handles, labels = axes[0][1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=110)


def _draw(axes: "list[Axes]", load: Load, outcome: Outcome) -> None:
    arrived, pods, age = axes
    predicted = load.predicted()
    times = [second.time for second in outcome.seconds]
    arrived.fill_between(times, [second.arrived for second in outcome.seconds], color="#999999", linewidth=0)
    arrived.set_ylim(bottom=0)
    arrived.set_ylabel(load.name)
    for seconds, style, label in (
        (outcome.seconds, _MEASURED, "asked for, on the cluster"),
        (predicted.seconds, _PREDICTED, "asked for, as simulated"),
    ):
        pods.plot(times, [each.desired for each in seconds], label=label, drawstyle="steps-post", **style)
        age.plot(times, [each.lag_seconds for each in seconds], **style)
    ready = [second.ready for second in outcome.seconds]
    pods.plot(times, ready, label="ready, on the cluster", drawstyle="steps-post", **_READY)
    pods.set_ylim(0, MAX_PODS + 1)
    age.set_ylim(bottom=0)
    age.axhline(TARGET_LAG_SECONDS, color="black", linewidth=0.8, linestyle=(0, (6, 3)))
    for one in axes:
        one.set_xlim(0, times[-1] + 1)
        one.grid(color="#dddddd", linewidth=0.6)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
