"""Draws a simulated hour in a terminal: load, replicas and lag of each policy, one below the other."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cygnet.scaling.simulator import MAX_PODS, TARGET_LAG_SECONDS, Outcome, Second
from cygnet.scaling.traces import Trace

LABEL_COLUMNS = 27
MAX_PLOT_COLUMNS = 120
LAG_AXIS_SECONDS = 120
BLOCKS = " ▁▂▃▄▅▆▇█"

# Okabe and Ito's palette: told apart with any colour vision, on dark and on light.
LOAD_COLOUR = "#999999"
PODS_COLOUR = "#56B4E9"
LAG_COLOUR = "#009E73"
LATE_COLOUR = "#D55E00"


def draw(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Draw the outcomes of one trace, in the width of the console."""
    trace = outcomes[0].trace
    columns = max(20, min(MAX_PLOT_COLUMNS, console.width - LABEL_COLUMNS - 1))
    lines = [Text(trace.title, style="bold")]
    peak = max(trace.frames)
    load = _highest(outcomes[0].seconds, columns, lambda second: second.arrived)
    lines += _chart("load, frames/s", load, peak, 3, lambda _: LOAD_COLOUR)
    for outcome in outcomes:
        pods = _mean_pods(outcome.seconds, columns)
        lag = _highest(outcome.seconds, columns, lambda second: second.lag_seconds)
        lines += _chart(f"{outcome.policy.title}\npods", pods, MAX_PODS, 3, lambda _: PODS_COLOUR)
        lines += _chart("lag, s", lag, LAG_AXIS_SECONDS, 2, _lag_colour)
    lines.append(_time_axis(trace, columns))
    for line in lines:
        console.print(line, no_wrap=True, crop=True, highlight=False)
    console.print()


def legend() -> Text:
    """Say what the drawing means."""
    return Text.assemble(
        ("█", PODS_COLOUR),
        " pods asked for   ",
        ("█", LAG_COLOUR),
        f" age of the oldest frame   {'':1}",
        ("█", LATE_COLOUR),
        f" older than {TARGET_LAG_SECONDS} s (the axis ends at {LAG_AXIS_SECONDS} s)",
    )


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the figures of all outcomes, a block for each trace."""
    result = Table(
        title=f"One hour of each load; late: the oldest frame is older than {TARGET_LAG_SECONDS} s",
        title_justify="left",
        title_style="bold",
    )
    result.add_column("load")
    result.add_column("policy", no_wrap=True)
    for heading in (
        "changes",
        "reversals",
        "late, s",
        "worst lag, s",
        "mean pods",
    ):
        result.add_column(heading, justify="right")
    for number, outcome in enumerate(outcomes):
        following = outcomes[number + 1 :][:1]
        last = not following or following[0].trace.name != outcome.trace.name
        first = number == 0 or outcomes[number - 1].trace.name != outcome.trace.name
        result.add_row(
            outcome.trace.name if first else "",
            outcome.policy.title,
            f"{len(outcome.steps)}",
            f"{outcome.reversals}",
            f"{outcome.seconds_over:,}",
            f"{outcome.worst_lag_seconds:,}",
            f"{outcome.mean_pods:.1f}",
            style="bold" if outcome.policy.name == "cygnet" else None,
            end_section=last,
        )
    return result


def _parts(seconds: Sequence[Second], columns: int) -> list[Sequence[Second]]:
    edges = [len(seconds) * column // columns for column in range(columns + 1)]
    return [seconds[begin:end] for begin, end in pairwise(edges)]


def _mean_pods(seconds: Sequence[Second], columns: int) -> list[float]:
    """The mean in the time of each column: neither a peak nor a dip disappears."""
    return [sum(second.desired for second in part) / len(part) for part in _parts(seconds, columns)]


def _highest(seconds: Sequence[Second], columns: int, value: Callable[[Second], int]) -> list[float]:
    """The highest value in the time of each column: a short lag must not disappear."""
    return [max(value(second) for second in part) for part in _parts(seconds, columns)]


def _chart(
    label: str, values: Sequence[float], top: int, rows: int, colour: Callable[[float], str]
) -> list[Text]:
    """Columns of blocks, `rows` lines high, with the label in the first lines and the axis beside it."""
    names = label.split("\n")
    lines = []
    for row in range(rows):
        name = names[row] if row < len(names) else ""
        tick = f"{top:,}" if row == 0 else "0" if row == rows - 1 else ""
        line = Text(f"{name:<{LABEL_COLUMNS - 7}}", style="bold" if len(names) > 1 and row == 0 else "")
        line.append(f"{tick:>5} ┤" if tick else f"{'':>5} │", style="dim")
        for value in values:
            eighths = min(rows * 8, math.ceil(value * rows * 8 / top)) - (rows - 1 - row) * 8
            line.append(BLOCKS[max(0, min(8, eighths))], style=colour(value))
        lines.append(line)
    return lines


def _lag_colour(lag_seconds: float) -> str:
    return LATE_COLOUR if lag_seconds > TARGET_LAG_SECONDS else LAG_COLOUR


def _time_axis(trace: Trace, columns: int) -> Text:
    minutes = len(trace.frames) // 60
    axis = [" "] * (columns + 4)
    for minute in range(0, minutes + 1, 10):
        at = columns * minute // minutes
        text = f"{minute} min" if minute == minutes else f"{minute}"
        start = min(at, columns - len(text)) if minute == minutes else at
        axis[start : start + len(text)] = text
    return Text(" " * LABEL_COLUMNS + "".join(axis).rstrip(), style="dim")
