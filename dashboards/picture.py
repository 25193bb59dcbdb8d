"""Draws a committed dashboard from Prometheus' answers, as Grafana lays it out: a picture for the docs.

python -m dashboards.picture charts/cygnet/dashboards/pipeline.json http://127.0.0.1:9090 board.png
    --minutes 10 --set namespace=local --set pipeline=lime --set run=.*
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from dashboards.ask import Prometheus, Span, filled, interval_of
from dashboards.panel_pictures import INK, PAPER, draw_panel

_CELL_WIDTH, _CELL_HEIGHT = 0.56, 0.30
_HEAD_CELLS = 2.2
_GAP_WIDTH, _GAP_HEIGHT = 0.12, 0.10
_DPI = 75
_COLUMNS = 24


def draw(
    document: Mapping[str, Any], prometheus: Prometheus, variables: Mapping[str, str], span: Span, file: Path
) -> int:
    """Write the picture of a dashboard over `span`; return how many panels are in it."""
    mpl.use("Agg")
    panels: Sequence[Mapping[str, Any]] = document["panels"]
    height = max(panel["gridPos"].get("y", 0) + panel["gridPos"]["h"] for panel in panels) + _HEAD_CELLS
    size = (_COLUMNS * _CELL_WIDTH, height * _CELL_HEIGHT)
    figure = plt.figure(figsize=size, facecolor=PAPER)
    try:
        _head(figure, document, variables, height)
        marks = _marks(document, prometheus, variables, span)
        drawn = 0
        for panel in panels:
            x, y, w, h = _place(panel, height)
            if panel["type"] == "row":
                figure.text(
                    x / size[0], (y + h / 3) / size[1], f"⌄  {panel['title']}", color=INK, fontsize=11
                )
                continue
            box = (x / size[0], y / size[1], w / size[0], h / size[1])
            draw_panel(figure, box, panel, prometheus, variables, span, marks)
            drawn += 1
        figure.savefig(file, dpi=_DPI, facecolor=PAPER, pil_kwargs={"optimize": True})
    finally:
        plt.close(figure)
    _lighten(file)
    return drawn


def _head(figure: Figure, document: Mapping[str, Any], variables: Mapping[str, str], height: float) -> None:
    labels = {each["name"]: each.get("label", each["name"]) for each in document["templating"]["list"]}
    chosen = "     ".join(
        f"{labels[name]}: {'All' if value == '.*' else value}" for name, value in variables.items()
    )
    top = 1 - 0.9 / height
    figure.text(0.008, top, document["title"], color=INK, fontsize=15, weight="bold", va="center")
    figure.text(0.992, top, chosen, color=INK, fontsize=11, ha="right", va="center")


def _place(panel: Mapping[str, Any], height: float) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of a panel in inches."""
    grid = panel["gridPos"]
    left = grid.get("x", 0) * _CELL_WIDTH + _GAP_WIDTH / 2
    bottom = (height - _HEAD_CELLS - grid.get("y", 0) - grid["h"]) * _CELL_HEIGHT + _GAP_HEIGHT / 2
    return left, bottom, grid["w"] * _CELL_WIDTH - _GAP_WIDTH, grid["h"] * _CELL_HEIGHT - _GAP_HEIGHT


def _marks(
    document: Mapping[str, Any], prometheus: Prometheus, variables: Mapping[str, str], span: Span
) -> list[float]:
    """Return when something that is marked began."""
    found: set[float] = set()
    for each in document["annotations"]["list"]:
        for series in prometheus.over(filled(each["expr"], variables, interval_of(span)), span):
            times = [float(moment) for moment, _ in series["values"]]
            found |= {
                now for before, now in zip([0.0, *times], times, strict=False) if now - before > 2 * span.step
            }
    return sorted(found)


def _lighten(file: Path) -> None:
    """Keep 128 colours: half the bytes, and nobody sees it."""
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


def main() -> None:
    """Draw what the command line says."""
    parser = argparse.ArgumentParser(description="Draw a dashboard from Prometheus' answers.")
    parser.add_argument("dashboard", type=Path)
    parser.add_argument("prometheus")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE")
    wish = parser.parse_args()
    variables = dict(each.split("=", 1) for each in wish.set)
    now = time.time()
    span = Span(now - 60 * wish.minutes, now, max(1.0, 60 * wish.minutes / 240))
    draw(json.loads(wish.dashboard.read_text()), Prometheus(wish.prometheus), variables, span, wish.out)


if __name__ == "__main__":
    main()
