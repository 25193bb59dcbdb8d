"""What a person sees while `cygnet up` runs: numbers, a progress bar for each run, what went wrong last."""

import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cygnet.local.view import View

_NEWS_SECONDS = 60.0
_MOST_NEWS, _MOST_KEPT = 4, 100
_BAR_WIDTH, _SHORT_BAR = 22, 10
_LFLAG = 3
_NAME_WIDTH, _RUN_WIDTH = 13, 20
_STALLED_SECONDS = 10.0
_ROOMY = 100


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened, `times` over, last at `time` (UTC, seconds since 1970)."""

    time: float
    what: str
    times: int = 1


def add_news(news: list[News], time: float, what: str) -> list[News]:
    """Return the news with one more; what is said again is counted."""
    if news and news[-1].what == what:
        return [*news[:-1], News(time, what, news[-1].times + 1)]
    return [*news[-_MOST_KEPT:], News(time, what)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that is shown at one moment."""

    views: Sequence[View]
    header: Sequence[tuple[str, str]]
    """What is where: (word, address)."""
    news: Sequence[News] = ()
    """What happened, oldest first."""
    phase: str = ""
    """What is going on beside running: draining, ending."""


class LiveTable:
    """Redraws the scene in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._terminal: list[Any] | None = None

    def __enter__(self) -> Self:
        if sys.stdin.isatty():  # an echoed ^C would push the table down by a line
            self._terminal = termios.tcgetattr(sys.stdin)
            quiet = list(self._terminal)
            quiet[_LFLAG] &= ~termios.ECHO
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._terminal:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)

    def show(self, scene: Scene) -> None:
        """Draw."""
        self._live.update(render(scene, time.time(), self._live.console.width), refresh=True)


def render(scene: Scene, now: float, width: int) -> RenderableType:
    """Return the scene as rich draws it in `width` columns; 80 are enough for all headings and numbers."""
    parts: list[RenderableType] = [_header(scene.header), Text(), _numbers(scene.views, width), Text()]
    parts.append(_progress(scene.views, _SHORT_BAR if width < _ROOMY else _BAR_WIDTH))
    parts += [_scaling(view) for view in scene.views if view.decision]
    parts += _news(scene, now)
    if scene.phase:
        parts.append(Text(scene.phase, style="bold yellow"))
    return Group(*parts)


def _header(places: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for word, place in places:
        table.add_row(Text(word, style="dim"), Text(place, overflow="ellipsis", no_wrap=True))
    return table


def _numbers(views: Sequence[View], width: int) -> Table:
    consumed = any(view.counts.consumed for view in views)
    tight = width < _ROOMY
    table = Table(box=None, padding=(0, 1 if tight else 2, 0, 0), header_style="dim", pad_edge=False)
    name_width = len("pipeline") if tight and consumed else _NAME_WIDTH
    table.add_column("pipeline", no_wrap=True, max_width=name_width, style="bold", vertical="bottom")
    names = ["frames/s", "lag", "workers", "announced", "stored", "dead", "in flight", "chunks"]
    if consumed:
        names.insert(5, "consumed")
        names[-2] = "in\nflight" if tight else "in flight"
    for name in names:
        least = max(map(len, name.split("\n")))
        table.add_column(
            name,
            justify="right",
            no_wrap=True,
            min_width=len("stalled") if name == "lag" else least,
            vertical="bottom",
        )
    for view in views:
        counts = view.counts
        cells: list[RenderableType] = [
            _short(view.rate_hz),
            _lag(view),
            _of(view.ready, view.replicas),
            _count(counts.announced),
            Text(_count(counts.stored), style="green"),
            Text(_count(counts.dead), style="bold red" if counts.dead else ""),
            _count(counts.in_flight),
            _of(counts.chunks_stored, counts.chunks_committed),
        ]
        if consumed:
            cells.insert(5, _count(counts.consumed))
        table.add_row(view.pipeline, *cells, style="dim" if view.is_old else "")
    return table


def _of(have: int, want: int) -> Text:
    return Text(f"{have}" if have == want else f"{have}/{want}", style="" if have == want else "yellow")


def _lag(view: View) -> Text:
    if view.lag_seconds is None and not view.ready and view.counts.announced == view.counts.in_flight:
        return Text("start…", style="dim")  # the first worker is only coming up
    if view.lag_seconds is None:
        return Text("stalled", style="bold red" if view.oldest_age_seconds > _STALLED_SECONDS else "yellow")
    return Text(f"{_short(view.lag_seconds)} s")


def _short(number: float) -> str:
    return _count(round(number)) if number >= 100 or number == 0 else f"{number:.1f}"


def _count(number: int) -> str:
    return f"{number}" if number < 10_000_000 else f"{number / 1e6:.1f} M"


def _progress(views: Sequence[View], bar_width: int) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    width = min(_NAME_WIDTH, max((len(view.pipeline) for view in views), default=0))
    grid.add_column(no_wrap=True, width=width, style="bold")
    grid.add_column(no_wrap=True, width=_RUN_WIDTH, style="dim")
    grid.add_column(width=bar_width)
    grid.add_column(no_wrap=True, min_width=5, justify="right")
    grid.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
    for view in views:
        counts = view.counts
        closed = counts.announced - counts.in_flight
        is_open = view.state in ("waiting", "running")  # else no more comes than was announced
        total = max(view.events_wanted or 0 if is_open else 0, counts.announced)
        bar: RenderableType
        if view.events_wanted or view.state != "running":
            bar = ProgressBar(total=max(1, total), completed=closed, width=bar_width)
        else:
            bar = Text("until it is ended", style="dim")
        share = f"{100 * closed // total} %" if view.events_wanted and total else _count(closed)
        grid.add_row(view.pipeline, view.run or "no run yet", bar, share, _state(view))
    return grid


def _state(view: View) -> str:
    words = {
        "waiting": "waiting for the source",
        "running": "running",
        "ended": "source done, storing the rest",
        "complete": "complete",
    }
    held = f", source waited {view.held_seconds:.0f} s for workers" if view.held_seconds >= 1 else ""
    dropped = f", {view.counts.dropped} dropped at source" if view.counts.dropped else ""
    restarts = f", {view.restarts} restart{'' if view.restarts == 1 else 's'}" if view.restarts else ""
    behind = f", {view.runs_behind} earlier run{'' if view.runs_behind == 1 else 's'} not complete"
    return (
        words.get(view.state, view.state) + (behind if view.runs_behind else "") + restarts + held + dropped
    )


def _scaling(view: View) -> Text:
    text = Text.assemble((view.pipeline, "bold"), (" scaling ", "dim"), view.decision)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _news(scene: Scene, now: float) -> list[RenderableType]:
    lines = [
        Text(
            f"! {view.pipeline}: {view.trouble}", style="bold yellow", overflow="fold"
        )  # whole: it says what to do
        for view in scene.views
        if view.trouble
    ]
    for each in [each for each in scene.news if now - each.time < _NEWS_SECONDS][-_MOST_NEWS:]:
        times = f" ×{each.times}" if each.times > 1 else ""
        text = f"! {max(0, now - each.time):.0f} s ago{times}: {each.what}"
        lines.append(Text(text, style="yellow", no_wrap=True, overflow="ellipsis"))
    return list(lines)
