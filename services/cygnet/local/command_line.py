"""How a command has to be typed here, for those that are suggested: they are to work as they are printed."""

import shutil
import sys
from pathlib import Path


def as_typed(program: str) -> str:
    """Return how the program of this environment is called from here: by name where the path leads to it."""
    own = Path(sys.executable).parent / program
    found = shutil.which(program)
    if found and Path(found).absolute() == own.absolute():
        return program
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)
