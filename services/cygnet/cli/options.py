"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Data folder of `cygnet up`.")]
Pipeline = Annotated[
    str | None, typer.Option("--pipeline", "-p", metavar="NAME", help="Which pipeline, if several run.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DEFAULT_DATA = Path("cygnet-data")
