"""`cygnet version`."""

import typer

from cygnet import __version__
from cygnet.cli.options import Json
from cygnet.cli.output import print_json


def version(json_output: Json = False) -> None:
    """Print the version.

    Example:
        cygnet version
    """
    if json_output:
        print_json({"version": __version__})
    else:
        typer.echo(__version__)
