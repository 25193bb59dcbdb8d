"""`cygnet up`: pipelines on this machine, from one command."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from cygnet.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from cygnet.cli.options import DEFAULT_DATA, Data, Json
from cygnet.local.command_line import as_typed
from cygnet.model.errors import BadInputError

_PIPELINE = re.compile(r"^kind:\s*[\"']?Pipeline\b", re.MULTILINE)


def up(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Pipeline files.")] = None,
    events: Annotated[
        int | None,
        typer.Option("--events", min=1, help="End the run after this many events of each detector."),
    ] = None,
    no_run: Annotated[
        bool,
        typer.Option("--no-run", help="Begin no run: to replay dead letters of those that have ended."),
    ] = False,
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
    Exit code 0 only if every ledger closes. A run that was left unfinished goes on; --events limits it too.

    Examples:
        cygnet up examples/cygno-frames.yaml --events 210

        cygnet up raw.yaml preprocessed.yaml --data /scratch/run7

        cygnet up raw.yaml --no-run                # then, elsewhere: cygnet dead replay --all
    """
    if not files:
        _list_pipelines()
        raise typer.Exit(EXIT_USAGE)
    from cygnet.cli.lines import JsonLines, PlainLines
    from cygnet.cli.up_end import say_how_it_ended
    from cygnet.local.conductor import Task
    from cygnet.local.frames import check_frames
    from cygnet.local.places import Given
    from cygnet.local.up import Outcome, Up, Wish
    from cygnet.spec.loader import load_files

    if no_run and events is not None:
        raise BadInputError("--events: there is no run to limit with --no-run; accepted: one of the two")
    pipelines = load_files(files)
    names = [pipeline.metadata.name for _, pipeline in pipelines]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInputError(
            f"two pipelines are named {', '.join(sorted(twice))}; accepted: a name of its own for each"
        )
    if not no_run:
        check_frames(pipelines)
    given = Given.from_environment(os.environ, nats, s3)
    task = Task(runs=not no_run, events=events)
    wish = Wish(pipelines=pipelines, folder=data, task=task, given=given)

    async def run() -> Outcome:
        if json_output:
            return await Up(wish, JsonLines().show).run()
        if not sys.stdout.isatty():
            return await Up(wish, PlainLines().show).run()
        from rich.console import Console

        from cygnet.local.table import LiveTable

        with LiveTable(Console()) as table:
            return await Up(wish, table.show).run()

    try:
        outcome = asyncio.run(run())
    except asyncio.CancelledError:
        typer.echo("stopped while starting", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    say_how_it_ended(outcome, wish, json_output=json_output)
    raise typer.Exit(EXIT_OK if outcome.closes else EXIT_FAILED)


def _list_pipelines() -> None:
    cygnet = as_typed("cygnet")
    typer.echo(f"which pipeline? Say it with: {cygnet} up FILE", err=True)
    places = (("Here:", Path()), ("Examples:", Path("examples")))
    found = {heading: files for heading, folder in places if (files := _pipelines_in(folder))}
    for heading, files in found.items():
        typer.echo(heading, err=True)
        for file in files:
            typer.echo(f"  {cygnet} up {file!s:<36} {_first_comment(file)}".rstrip(), err=True)
    if not found:
        typer.echo(f"There is none here; write one with: {cygnet} init NAME FRAMES", err=True)


def _pipelines_in(folder: Path) -> list[Path]:
    files = sorted(file for ending in ("*.yaml", "*.yml") for file in folder.glob(ending) if file.is_file())
    return [file for file in files if _PIPELINE.search(file.read_text(encoding="utf-8", errors="replace"))]


def _first_comment(file: Path) -> str:
    first = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return first if first.startswith("# ") else ""
