"""`cygnet up`: pipelines on this machine, from one command."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cygnet.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from cygnet.cli.options import DEFAULT_DATA, Data, Json
from cygnet.model.errors import BadInputError

if TYPE_CHECKING:
    from cygnet.local.table import Scene


def up(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Pipeline files.")] = None,
    events: Annotated[
        int | None,
        typer.Option("--events", min=1, help="End the run after this many events of each detector."),
    ] = None,
    data: Data = DEFAULT_DATA,
    nats: Annotated[
        str | None, typer.Option("--nats", metavar="URL", help="A NATS server of your own.")
    ] = None,
    s3: Annotated[
        str | None,
        typer.Option(
            "--s3", metavar="URL", help="An S3 endpoint of your own; keys from AWS_ACCESS_KEY_ID, …."
        ),
    ] = None,
    json_output: Json = False,
) -> None:
    """Run pipelines on this machine: NATS, S3, the services as processes, scaled by lag.

    Ctrl-C ends the run and stores what is in flight; a second one stops at once, and the next up goes on.
    Exit code 0 only if every ledger closes.

    Examples:
        cygnet up examples/cygno-frames.yaml --events 210

        cygnet up raw.yaml preprocessed.yaml --data /scratch/run7
    """
    if not files:
        _list_examples()
        raise typer.Exit(EXIT_USAGE)
    from cygnet.cli.up_end import say_how_it_ended
    from cygnet.local.places import Given
    from cygnet.local.up import Outcome, Up, Wish
    from cygnet.spec.loader import load_files

    pipelines = load_files(files)
    names = [pipeline.metadata.name for _, pipeline in pipelines]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInputError(
            f"two pipelines are named {', '.join(sorted(twice))}; accepted: a name of its own for each"
        )
    given = Given.from_environment(os.environ, nats, s3)
    wish = Wish(pipelines=pipelines, folder=data, events=events, given=given)

    async def run() -> Outcome:
        if json_output or not sys.stdout.isatty():
            return await Up(wish, _Lines().show).run()
        from rich.console import Console

        from cygnet.local.table import LiveTable

        with LiveTable(Console()) as table:
            return await Up(wish, table.show).run()

    try:
        outcome = asyncio.run(run())
    except asyncio.CancelledError:
        typer.echo("stopped while starting", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    say_how_it_ended(outcome, data, json_output=json_output)
    raise typer.Exit(EXIT_OK if outcome.closes else EXIT_FAILED)


class _Lines:
    """JSON lines for programs on stdout; what the table would say above and below itself on stderr."""

    def __init__(self) -> None:
        self._places: set[tuple[str, str]] = set()
        self._news_until = 0.0

    def show(self, scene: "Scene") -> None:
        """Write one line for each pipeline, and each address and piece of news once."""
        for word, address in scene.header:
            if word != "metrics" and (word, address) not in self._places:
                self._places.add((word, address))
                typer.echo(f"{word}: {address}", err=True)
        for news in scene.news:
            if news.time > self._news_until:
                self._news_until = news.time
                typer.echo(news.what, err=True)
        for view in scene.views:
            typer.echo(json.dumps(view.to_document() | {"phase": scene.phase}))


def _list_examples() -> None:
    found = sorted(Path("examples").glob("*.yaml")) if Path("examples").is_dir() else []
    typer.echo("which pipeline? Say it with: cygnet up FILE", err=True)
    if not found:
        typer.echo("There is no folder examples here; write a spec with: cygnet init NAME FRAMES", err=True)
        return
    typer.echo("Examples:", err=True)
    for file in found:
        typer.echo(f"  cygnet up {file!s:<36} {_first_comment(file)}", err=True)


def _first_comment(file: Path) -> str:
    first = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return first if first.startswith("# ") else ""
