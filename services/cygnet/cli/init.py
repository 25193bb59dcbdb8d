"""`cygnet init`: a commented spec of own frames, an announcer or a simulated detector, to start from."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cygnet.cli.exit_codes import EXIT_USAGE
from cygnet.cli.frame_folder import FolderError, FrameFolder, survey
from cygnet.cli.output import counted
from cygnet.local.command_line import as_typed
from cygnet.spec.example import announcements_spec, replay_spec, simulator_spec
from cygnet.spec.loader import loads
from cygnet.spec.problems import Problem, SpecError

_OPTIONS = {"metadata.name": "NAME", "spec.sources[0].replay.path": "FRAMES"}
_MOST_NAMED = 10


def init(
    name: Annotated[str, typer.Argument(help="Name of the pipeline and of its detector.")],
    frames: Annotated[
        Path | None, typer.Argument(help="Folder of PNG, JPEG, TIFF or npy frames to replay.")
    ] = None,
    announcements: Annotated[
        str | None,
        typer.Option(metavar="SUBJECT", help="Subject of a foreign announcer; instead of a folder."),
    ] = None,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="Simulate a CYGNO detector; instead of a folder.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; NAME.yaml if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write a commented Pipeline file to start from.

    Examples:
        cygnet init lime frames/

        cygnet init lime --announcements daq/data -o pipelines/lime.yaml

        cygnet init lime --simulator
    """
    given = sum((bool(frames), bool(announcements), simulator))
    if given > 1:
        _refuse("give one of a folder of frames, --announcements SUBJECT and --simulator, not several")
    if not given:
        _refuse(
            "give a folder of frames to replay, --announcements SUBJECT to listen to, or --simulator to have"
            " a detector simulated"
        )
    file = output or Path(f"{name}.yaml")
    folder = _survey(frames) if frames else None
    if folder:
        text = replay_spec(name, _from(file, folder.path))
    elif simulator:
        text = simulator_spec(name)
    else:
        text = announcements_spec(name, announcements or "")
    try:
        loads(text, str(file))
    except SpecError as error:
        _refuse(_in_options(error.problems[0]))  # a bad name is in the file more than once, first as the name
    _write(file, text, force=force)
    _tell(file, name, folder, announcements, json_output=json_output)


def _survey(frames: Path) -> FrameFolder:
    try:
        return survey(frames)
    except FolderError as error:
        _refuse(f"FRAMES: {error}")


def _from(file: Path, folder: Path) -> str:
    """Return the folder as seen from the file's own folder."""
    return Path(os.path.relpath(folder.resolve(), file.parent.resolve())).as_posix()


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        _refuse(f"{file} is there already; --force overwrites it, --output FILE writes another one")
    except (OSError, ValueError) as error:
        _refuse(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}")


def _tell(
    file: Path, name: str, folder: FrameFolder | None, subject: str | None, *, json_output: bool
) -> None:
    cygnet = as_typed("cygnet")
    following = [f"{cygnet} up {shlex.quote(str(file))}", f"{cygnet} chunks ls"]
    if json_output:
        kinds, bad = (folder.kinds, folder.bad) if folder else ({}, {})
        written = {"file": str(file), "name": name, "frames": kinds, "bad": bad, "subject": subject}
        typer.echo(json.dumps(written | {"next": following}))
        return
    does = "simulates a CYGNO detector"
    if folder:
        does = f"replays {folder} from {folder.path}"
    elif subject:
        does = f"listens to {subject}"
    typer.echo(f"Wrote {file}: {does}.")
    if folder and folder.bad:
        _tell_bad(folder.bad)
    typer.echo("\nNext:")
    for command, why in zip(following, ("run it on this machine", "what it has stored"), strict=True):
        typer.echo(f"  {command:<32} # {why}")


def _tell_bad(bad: Mapping[str, str]) -> None:
    typer.echo(f"No frames, to become dead letters: {counted(len(bad), 'file')}")
    for name, wrong in list(bad.items())[:_MOST_NAMED]:
        typer.echo(f"  {name} {wrong}")
    if len(bad) > _MOST_NAMED:
        typer.echo(f"  and {len(bad) - _MOST_NAMED} more")


def _in_options(problem: Problem) -> str:
    field = _OPTIONS.get(problem.field, "--announcements")
    return f"{field}: {problem.message}; accepted: {problem.accepted}"


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(EXIT_USAGE)
