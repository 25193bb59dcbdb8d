"""The port through which services are started, and its first implementation: processes on this machine."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cygnet.local.child import last_words, spawn
from cygnet.local.plan import Slot
from cygnet.runtime.crash import VARIABLE as CRASH_AT


class Handle(Protocol):
    """One service that was started."""

    def poll(self) -> int | None:
        """Return the exit code (minus the signal that killed it), or None while it lives."""

    def stop(self) -> None:
        """Ask it to end in order."""

    def kill(self) -> None:
        """End it at once."""

    def address(self) -> str:
        """Return `host:port` of its health and metrics, empty until it listens."""

    def last_words(self) -> str:
        """Return the last line that it wrote."""


class Launcher(Protocol):
    """Starts services somewhere."""

    def start(self, slot: Slot, spec: Path, env: Mapping[str, str]) -> Handle:
        """Start the service of a slot on a resolved spec, with `env` beside what the launcher adds."""


class ProcessHandle:
    """A service as a child process."""

    def __init__(self, process: subprocess.Popen[bytes], http_file: Path, log: Path) -> None:
        self._process = process
        self._http_file = http_file
        self._log = log

    def poll(self) -> int | None:
        """Return the exit code, or None while it lives."""
        return self._process.poll()

    def stop(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self._process.kill()
        self._process.wait()

    def address(self) -> str:
        """Return `host:port` of its health and metrics, empty until it listens."""
        try:
            return self._http_file.read_text()
        except OSError:
            return ""

    def last_words(self) -> str:
        """Return the last line that it wrote."""
        return last_words(self._log)


class ProcessLauncher:
    """Starts services as processes of this interpreter; logs are in `logs/`, addresses in `http/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: set[Slot] = set()

    def start(self, slot: Slot, spec: Path, env: Mapping[str, str]) -> ProcessHandle:
        """Start `cygnet service`. CYGNET_CRASH_AT reaches only the first start of a slot: it kills once."""
        http_file = self._folder / "http" / str(slot)
        http_file.parent.mkdir(parents=True, exist_ok=True)
        http_file.unlink(missing_ok=True)
        log = self._folder / "logs" / f"{slot}.log"
        environment = {
            **os.environ,
            "CYGNET_HTTP": "127.0.0.1:0",
            "CYGNET_HTTP_FILE": str(http_file.resolve()),
            "CYGNET_INSTANCE": str(slot),
            **env,
        }
        if slot in self._started:
            environment.pop(CRASH_AT, None)
        self._started.add(slot)
        command = [sys.executable, "-m", "cygnet", "service", slot.service, "--spec", str(spec)]
        return ProcessHandle(spawn(command, log, environment), http_file, log)
