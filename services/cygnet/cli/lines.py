"""What `cygnet up` writes where there is no terminal: JSON lines for programs, plain ones for a log."""

import json

import typer

from cygnet.local.table import Scene
from cygnet.local.view import View

_AGAIN_SECONDS = 10.0


class _Aside:
    """What the table would say above and below itself, on stderr, each address and piece of news once."""

    def __init__(self) -> None:
        self._places: set[tuple[str, str]] = set()
        self._news_until = 0.0

    def show(self, scene: Scene) -> None:
        for word, address in scene.header:
            if word != "metrics" and (word, address) not in self._places:
                self._places.add((word, address))
                typer.echo(f"{word}: {address}", err=True)
        for news in scene.news:
            if news.time > self._news_until:
                self._news_until = news.time
                typer.echo(news.what, err=True)


class JsonLines:
    """One line of JSON for each pipeline and look."""

    def __init__(self) -> None:
        self._aside = _Aside()

    def show(self, scene: Scene) -> None:
        """Write how each pipeline is."""
        self._aside.show(scene)
        for view in scene.views:
            typer.echo(json.dumps(view.to_document() | {"phase": scene.phase}))


class PlainLines:
    """A line of words for each pipeline every ten seconds, and whenever it or its run is in another state."""

    def __init__(self) -> None:
        self._aside = _Aside()
        self._last: dict[str, View] = {}

    def show(self, scene: Scene) -> None:
        """Write how each pipeline is, if that is due."""
        self._aside.show(scene)
        for view in scene.views:
            last = self._last.get(view.pipeline)
            if last is None or _state(last) != _state(view) or view.time - last.time >= _AGAIN_SECONDS:
                self._last[view.pipeline] = view
                typer.echo(in_words(view))


def in_words(view: View) -> str:
    """Return a pipeline's numbers as a line of a log."""
    counts = view.counts
    lag = "stalled" if view.lag_seconds is None else f"lag {view.lag_seconds:.1f} s"
    line = (
        f"{view.pipeline} {view.run or 'no run yet'} {view.state}: {view.rate_hz:.1f} frames/s, {lag},"
        f" announced {counts.announced}, stored {counts.stored}, dead {counts.dead},"
        f" in flight {counts.in_flight}"
    )
    return f"{line}; {view.trouble}" if view.trouble else line


def _state(view: View) -> tuple[str, str, str]:
    return view.run, view.state, view.trouble
