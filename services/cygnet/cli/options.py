"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from cygnet.local.data_folder import DEFAULT_FOLDER

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Data folder of `cygnet up`.")]
Pipeline = Annotated[
    str | None, typer.Option("--pipeline", "-p", metavar="NAME", help="Which pipeline, if several run.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NS", help="Look at a cluster, in this namespace; not at DIR."),
]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Look at the cluster of this context.")
]
DEFAULT_DATA = DEFAULT_FOLDER
