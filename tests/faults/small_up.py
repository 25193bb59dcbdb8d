"""A `cygnet up` whose data folder lies on a small disk of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from fixtures.running_up import clean_environment
from fixtures.small_disk import SmallDisk

_END_SECONDS = 60.0


class SmallUp:
    """Starts `cygnet up` there, again and again; what it says is kept on another disk."""

    def __init__(self, disk: SmallDisk, spec: Path, events: int, *options: str) -> None:
        self.disk = disk
        self._said = spec.with_suffix(".out")
        self._complained = spec.with_suffix(".err")
        words = [
            "up",
            str(spec),
            "--events",
            str(events),
            "--data",
            str(disk.path / "data"),
            "--json",
            *options,
        ]
        self._command = disk.command([sys.executable, "-m", "cygnet", *words])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Its data folder, as we see it."""
        return self.disk.here / "data"

    @property
    def complaints(self) -> str:
        """What it has written to stderr since its last start."""
        return self._complained.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it."""
        with self._said.open("wb") as out, self._complained.open("wb") as err:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=clean_environment(),
                start_new_session=True,
            )

    def last(self, key: str) -> dict[str, Any]:
        """Return the last thing with this key that it has said; empty while there is none."""
        lines = [line for line in self._said.read_text().splitlines(keepends=True) if line.endswith("\n")]
        documents = (json.loads(line) for line in reversed(lines))
        return next((each for each in documents if key in each), {})

    def log(self, name: str) -> str:
        """Return the log of one of its servers."""
        path = self.data / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        if self._process:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> int:
        """Ask it to stop, with its run unfinished, and return the exit code; by force after a minute."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
