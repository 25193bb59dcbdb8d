"""`cygnet version`."""

import typer

from cygnet import __version__


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
