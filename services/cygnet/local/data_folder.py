"""The usual data folder, and how a command is told of another one."""

import shlex
from pathlib import Path

DEFAULT_FOLDER = Path("cygnet-data")


def option(folder: Path) -> str:
    """Return the words that make another command look into the folder; none for the usual one."""
    return "" if folder == DEFAULT_FOLDER else f" --data {shlex.quote(str(folder))}"
