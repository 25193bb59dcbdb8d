"""Programs that some tests need beside the cluster's own: built as Go modules, once, into the same cache."""

import os
import subprocess
from pathlib import Path

from cluster.api_server import PROGRAMS


def go_program(module: str, version: str) -> Path:
    """Return the program of a main package, `MODULE/cmd/NAME`; the first time it is built, some minutes."""
    program = PROGRAMS / module.rpartition("/")[2]
    stamp = PROGRAMS.parent / f"{program.name}-{version}"
    if not stamp.exists():
        subprocess.run(
            ["go", "install", "-trimpath", "-ldflags=-s -w", f"{module}@{version}"],
            env={**os.environ, "GOBIN": str(PROGRAMS), "CGO_ENABLED": "0"},
            check=True,
            timeout=1800,
        )
        stamp.touch()
    return program
