"""Options of `cygnet analyse`, and how each of its commands says what it has drawn."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from cygnet.cli.options import DEFAULT_DATA
from cygnet.local.command_line import as_typed
from cygnet.model.errors import NoSuchError

if TYPE_CHECKING:
    from cygnet.analysis import Classifier

Run = Annotated[str | None, typer.Argument(help="The run; the newest if not given.")]
Detector = Annotated[str | None, typer.Option("--detector", help="Which, if there are several.")]
Where = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="WHERE",
        help="Data folder of `cygnet up`, s3://BUCKET/PREFIX, or a folder of npz chunks.",
    ),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE.png", help="Also draw into this file.")]
ClassifierFile = Annotated[
    Path, typer.Option("--classifier", metavar="FILE.json", help="What `cygnet analyse train` has made.")
]
ClassifierIfAny = Annotated[
    Path | None,
    typer.Option("--classifier", metavar="FILE.json", help="Tell recoils by it where truth is missing."),
]
DATA = str(DEFAULT_DATA)


def number(value: float) -> float | None:
    """Return a number that JSON knows."""
    return float(value) if np.isfinite(value) else None


def load_classifier(path: Path) -> "Classifier":
    """Read a classifier. Raises BadInputError, and NoSuchError that says how one is made."""
    from cygnet.analysis import load

    try:
        return load(path)
    except NoSuchError as error:
        train = f"{as_typed('cygnet')} analyse train --out {shlex.quote(str(path))}"
        raise NoSuchError(f"{error}; `{train}` makes one") from None


def check_out(out: Path | None) -> None:
    """Raise BadInputError unless a figure can be written there."""
    if out:
        from cygnet.cli.event_figure import check_figure

        check_figure(out, "--out")


def drawn(out: Path | None) -> str | None:
    """Return the path of the figure for JSON."""
    return str(out) if out else None


def say_drawn(out: Path | None) -> None:
    """Say where the figure is."""
    if out:
        typer.echo(f"drawn: {out}")
