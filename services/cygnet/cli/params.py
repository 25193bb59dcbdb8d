"""`cygnet params`: what can be changed while a run is on."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cygnet.cli.access import Link, target, with_link
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.cli.output import print_json
from cygnet.local.command_line import as_typed
from cygnet.local.errors import LocalError
from cygnet.model.errors import BadInputError
from cygnet.spec.loader import load
from cygnet.spec.stages import Window
from cygnet.transport.parameters import PARAMETERS_KEY, check_window
from cygnet.transport.values import ConflictError, Value

app = typer.Typer(no_args_is_help=True)
_WATCH_SECONDS = 0.5
_NAMES = ("min", "max")


@app.callback()
def group() -> None:
    """Get, set and watch live parameters.

    Example:
        cygnet params set min=85 max=130
    """


@app.command("get")
def get(
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Print the parameters in use, and their revision.

    Example:
        cygnet params get
    """
    _print(*with_link(target(data, namespace, context), pipeline, _read), json_output=json_output)


@app.command("set")
def set_window(
    bounds: Annotated[list[str], typer.Argument(metavar="min=N max=N", help="Bounds of the window.")],
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Change the window; frames that are processed from now on carry the new revision.

    Example:
        cygnet params set min=85 max=130
    """
    given = _parse(bounds)
    revision, document = with_link(
        target(data, namespace, context), pipeline, lambda link: _write(link, given)
    )
    _print(revision, document, json_output=json_output)


@app.command("watch")
def watch(
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Print the parameters now and whenever they change, until Ctrl-C.

    Example:
        cygnet params watch
    """

    async def follow(link: Link) -> None:
        seen = None
        while True:
            revision, document = await _read(link)
            if (revision, document) != seen:
                seen = (revision, document)
                _print(revision, document, json_output=json_output, time=True)
            await asyncio.sleep(_WATCH_SECONDS)

    try:
        with_link(target(data, namespace, context), pipeline, follow)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command("suggest-window")
def suggest_window(
    frames: Annotated[
        Path | None, typer.Argument(help="Folder of raw frames; if not given, that of the replay source.")
    ] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Suggest window bounds from the pixels of raw frames; nothing is changed.

    min is what half of all pixels reach (the pedestal), max what all but one in ten thousand stay below.

    Example:
        cygnet params suggest-window frames/
    """
    from cygnet.cli.window_suggestion import suggest

    found = suggest(frames or _replay_folder(data, pipeline))
    if json_output:
        print_json(found.to_document())
        return
    typer.echo(
        f"{found.frames} frames, {found.pixels} pixels of {found.dtype}, {found.least} to {found.most}"
    )
    typer.echo(f"  half of them up to {found.min}, all but 1 in 10,000 up to {found.max}")
    typer.echo(f"  {as_typed('cygnet')} params set min={found.min} max={found.max}")


def _parse(bounds: list[str]) -> dict[str, float]:
    given: dict[str, float] = {}
    for bound in bounds:
        name, equals, text = bound.partition("=")
        if not equals or name not in _NAMES or name in given:
            raise BadInputError(f"{bound!r}: accepted: min=N and max=N, each once")
        try:
            given[name] = float(text)
        except ValueError:
            raise BadInputError(f"{name}: {text!r} is not a number; accepted: a finite number") from None
    return given


async def _read(link: Link) -> tuple[int, dict[str, Any]]:
    value, window = await _present(link)
    return (value.revision if value else 0), {"window": window}


async def _write(link: Link, given: dict[str, float]) -> tuple[int, dict[str, Any]]:
    spec = _window(link)
    while True:
        value, window = await _present(link)
        document = {"window": window | given}
        bounds = check_window(document["window"], field="window")
        if spec.output == "levels" and not (bounds.min.is_integer() and bounds.max.is_integer()):
            raise BadInputError(f"window: {document['window']}; accepted: whole numbers for output: levels")
        try:
            if value is None:
                return await link.values.create(PARAMETERS_KEY, document), document
            return await link.values.update(PARAMETERS_KEY, document, value.revision), document
        except ConflictError:
            continue


async def _present(link: Link) -> tuple[Value | None, dict[str, float]]:
    spec = _window(link)
    value = await link.values.get(PARAMETERS_KEY)
    if value is not None and isinstance(value.data, dict) and "window" in value.data:
        return value, dict(value.data["window"])
    return value, {"min": spec.min, "max": spec.max}


def _window(link: Link) -> Window:
    window = link.spec().spec.preprocessor.window
    if window is None:
        raise LocalError(
            f"pipeline {link.name} has no window stage, so that nothing can be set; accepted: a pipeline with"
            " `- window: {min: 80, max: 120}` under preprocessor.stages of its file"
        )
    return window


def _replay_folder(data: Path, pipeline: str | None) -> Path:
    from cygnet.cli.access import places

    for _, place in places(data, pipeline):
        (found,) = load(place.spec)
        for source in found.spec.sources:
            if source.replay:
                return Path(source.replay.path)
    raise BadInputError("FRAMES: no replay source is known here; accepted: a folder of raw frames")


def _print(revision: int, document: dict[str, Any], *, json_output: bool, time: bool = False) -> None:
    when = f"{datetime.now(UTC):%H:%M:%S}Z  " if time else ""
    if json_output:
        print_json({"revision": revision} | document)
        return
    source = f"revision {revision}" if revision else "as the spec says"
    typer.echo(f"{when}{json.dumps(document)}  ({source})")
