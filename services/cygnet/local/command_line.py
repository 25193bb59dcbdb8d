"""How a command has to be typed here, for those that are suggested: they are to work as they are printed."""

import shlex
import shutil
import sys
from pathlib import Path

from cygnet.local.data_folder import option


def as_typed(program: str) -> str:
    """Return how the program of this environment is called from here: by name where the path leads to it."""
    own = Path(sys.executable).parent / program
    found = shutil.which(program)
    if found and Path(found).absolute() == own.absolute():
        return program
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)


def command(words: str, folder: Path, pipeline: str | None = None) -> str:
    """Return a whole command of ours, for the data folder and the pipeline that somebody looks at."""
    which = f" --pipeline {shlex.quote(pipeline)}" if pipeline else ""
    return f"{as_typed('cygnet')} {words}{option(folder)}{which}"
