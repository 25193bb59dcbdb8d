"""Draws one panel of a dashboard into a figure, in Grafana's dark colours."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dashboards.ask import Prometheus, Result, Span, filled, interval_of

PAPER, CARD, INK, FAINT = "#111217", "#181b1f", "#d8d9da", "#2c3037"
_COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffee52", "#96d98d")
_WORDS = {"green": "#73bf69", "orange": "#ff9830", "gray": "#6e7178", "red": "#f2495c"}
_MARK = "#b877d9"
_INCH = 0.30
Box = tuple[float, float, float, float]
Panel = Mapping[str, Any]


def draw_panel(
    figure: Figure,
    box: Box,
    panel: Panel,
    prometheus: Prometheus,
    variables: Mapping[str, str],
    span: Span,
    marks: Sequence[float],
) -> None:
    """Draw a panel into `box`: left, bottom, width, height as parts of the figure."""
    card = figure.add_axes(box, facecolor=CARD)
    card.set(xticks=[], yticks=[])
    for spine in card.spines.values():
        spine.set_color(FAINT)
    inch = _INCH / figure.get_size_inches()[1]
    figure.text(
        box[0] + 0.006, box[1] + box[3] - 0.55 * inch, panel["title"], color=INK, fontsize=9, va="center"
    )
    interval = interval_of(span)
    queries = [(target, filled(target["expr"], variables, interval)) for target in panel["targets"]]
    if panel["type"] == "table":
        _table(figure, _inside(box, inch, figure), panel, prometheus.now(queries[0][1]))
        return
    answers = [(target, prometheus.over(expr, span)) for target, expr in queries]
    match panel["type"]:
        case "stat":
            _number(figure, box, panel, answers[0][1], span)
        case "state-timeline":
            _states(figure, _inside(box, inch, figure, left=1.5), panel, answers, span)
        case _:
            _lines(figure, _inside(box, inch, figure, below=1.5), panel, answers, span, marks)


def _inside(box: Box, inch: float, figure: Figure, below: float = 0.9, left: float = 0.62) -> Box:
    left_part = left / figure.get_size_inches()[0]
    return (
        box[0] + left_part,
        box[1] + below * inch,
        box[2] - left_part - 0.008,
        box[3] - (below + 1.15) * inch,
    )


def _axes(figure: Figure, box: Box, span: Span) -> Axes:
    axes = figure.add_axes(box, facecolor=CARD)
    axes.tick_params(colors=INK, labelsize=7, length=0)
    axes.grid(visible=True, color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(span.begin, span.end)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"))
    return axes


def _lines(
    figure: Figure,
    box: Box,
    panel: Panel,
    answers: Sequence[tuple[Panel, Result]],
    span: Span,
    marks: Sequence[float],
) -> None:
    axes = _axes(figure, box, span)
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    dashed = {each["matcher"]["options"] for each in panel["fieldConfig"].get("overrides", [])}
    times = np.arange(span.begin, span.end + span.step / 2, span.step)
    floor = np.zeros(len(times))
    names: list[str] = []
    for target, series in answers:
        for each in series:
            colour = _COLOURS[len(names) % len(_COLOURS)]
            names.append(_legend(target["legendFormat"], each["metric"]))
            values = _on(times, each["values"], span.step)
            if stacked:
                top = floor + np.nan_to_num(values)
                step: Literal["mid"] | None = "mid" if custom.get("drawStyle") == "bars" else None
                axes.fill_between(
                    times, floor, top, color=colour, alpha=0.75, linewidth=0, label=names[-1], step=step
                )
                floor = top
            else:
                style = "--" if target["refId"] in dashed else "-"
                axes.plot(times, values, style, color=colour, linewidth=1.4, label=names[-1])
    for mark in marks:
        axes.axvline(mark, color=_MARK, linestyle=":", linewidth=1)
    top = axes.get_ylim()[1]
    most = panel["fieldConfig"]["defaults"].get("max")
    axes.set_ylim(0, most if most is not None else max(top, 1e-9) * (1.0 if stacked else 1.05))
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, unit)))
    if names:
        legend = axes.legend(
            loc="upper left",
            bbox_to_anchor=(-0.08, -0.14),
            ncols=4 if sum(map(len, names)) < 60 else 3,
            fontsize=7,
            frameon=False,
            labelcolor=INK,
            handlelength=1.1,
            columnspacing=1.0,
            borderpad=0,
        )
        legend.set_in_layout(False)


def _number(figure: Figure, box: Box, panel: Panel, series: Result, span: Span) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    middle = (box[0] + box[2] / 2, box[1] + box[3] * 0.46)
    if not series:
        figure.text(*middle, "–", color=INK, fontsize=22, ha="center", va="center")
        return
    value = float(series[0]["values"][-1][1])
    steps = defaults.get("thresholds", {}).get("steps", [{"color": "green", "value": None}])
    colour = [_WORDS[step["color"]] for step in steps if step.get("value") is None or value >= step["value"]][
        -1
    ]
    times = np.arange(span.begin, span.end + span.step / 2, span.step)
    axes = figure.add_axes((box[0], box[1], box[2], box[3] * 0.3))
    axes.axis("off")
    axes.set_xlim(span.begin, span.end)
    axes.fill_between(
        times, np.nan_to_num(_on(times, series[0]["values"], span.step)), color=colour, alpha=0.3, lw=0
    )
    text = in_unit(value, defaults["unit"])
    figure.text(*middle, text, color=colour, fontsize=17, weight="bold", ha="center", va="center")


def _states(
    figure: Figure, box: Box, panel: Panel, answers: Sequence[tuple[Panel, Result]], span: Span
) -> None:
    axes = _axes(figure, box, span)
    axes.grid(visible=False)
    words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    names = []
    for target, series in answers:
        for each in series:
            names.append(_legend(target["legendFormat"], each["metric"]))
            for moment, value in each["values"]:
                word = words[str(int(float(value)))]
                axes.barh(
                    len(names) - 1, span.step * 1.02, left=moment, height=0.7, color=_WORDS[word["color"]]
                )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _table(figure: Figure, box: Box, panel: Panel, result: Result) -> None:
    matrix = panel["transformations"][0]["options"]
    rows = sorted({each["metric"][matrix["rowField"]] for each in result}, reverse=True)
    columns = sorted({each["metric"][matrix["columnField"]] for each in result})
    cells = {
        (each["metric"][matrix["rowField"]], each["metric"][matrix["columnField"]]): each["value"][1]
        for each in result
    }
    axes = figure.add_axes((box[0] - 0.03, box[1], box[2] + 0.03, box[3]))
    axes.axis("off")
    text = [[row, *(f"{float(cells.get((row, column), 'nan')):g}" for column in columns)] for row in rows]
    widths = [0.26, *([0.74 / len(columns)] * len(columns))]
    table = axes.table(
        text, colLabels=[matrix["rowField"], *columns], colWidths=widths, loc="upper left", edges="B"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(7.5)
    table.scale(1, 1.3)
    for cell in table.get_celld().values():
        cell.set_edgecolor(FAINT)
        cell.get_text().set_color(INK)


def _on(
    times: np.ndarray[Any, Any], values: Sequence[tuple[float, str]], step: float
) -> np.ndarray[Any, Any]:
    """Return values on the grid of times, NaN where there is none."""
    found = np.full(len(times), np.nan)
    for moment, value in values:
        found[min(len(times) - 1, max(0, round((float(moment) - times[0]) / step)))] = float(value)
    return found


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), pattern).strip()


def in_unit(value: float, unit: str) -> str:
    """Return a number as Grafana would write it."""
    match unit:
        case "bytes" | "Bps":
            end = "/s" if unit == "Bps" else ""
            for factor, word in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
                if value >= 1 << factor:
                    return f"{value / (1 << factor):.3g} {word}{end}"
            return f"{value:.3g} B{end}"
        case "s":
            return f"{1000 * value:.3g} ms" if 0 < value < 1 else f"{value:.3g} s"
        case "percentunit":
            return f"{100 * value:.3g} %"
    return f"{value:.3g}{unit.removeprefix('suffix:')}" if unit.startswith("suffix:") else f"{value:.4g}"
