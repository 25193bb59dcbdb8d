"""One service as a process of its own: started, killed, frozen, and ended by its process id alone."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from cygnet.runtime.crash import VARIABLE as CRASH_AT
from cygnet.runtime.parent import VARIABLE as PARENT

GRACE_SECONDS = 20.0
_LEFT_OUT = ("AWS_", "CYGNET_", "NATS_")


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class Service:
    """A place for one process of one service; its log goes on over restarts."""

    def __init__(self, slot: str, folder: Path) -> None:
        self.slot = slot
        self.name = slot.rpartition("-")[0]
        self.log = folder / f"{slot}.log"
        self.address_file = folder / f"{slot}.http"
        self.crash_at = ""
        self.spec: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, spec: Path, environment: Mapping[str, str], *, crash_at: str = "", entry: str = "cygnet"
    ) -> None:
        """Start the process; `entry` is the module that is run."""
        self.address_file.unlink(missing_ok=True)
        self.crash_at, self.spec = crash_at, spec
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_LEFT_OUT)}
        own = {
            "CYGNET_INSTANCE": self.slot,
            "CYGNET_HTTP": "127.0.0.1:0",
            "CYGNET_HTTP_FILE": str(self.address_file),
            "CYGNET_GRACE_SECONDS": str(GRACE_SECONDS),
            PARENT: str(os.getpid()),
        }
        if crash_at:
            own[CRASH_AT] = crash_at
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", entry, "service", self.name, "--spec", str(spec)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited, **environment, **own},
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether its health server listens, which is before it connects."""
        return self.is_alive and self.address_file.exists()

    @property
    def exit_code(self) -> int | None:
        """How it ended, minus the signal if by one; None while it lives or when it was ended on purpose."""
        return self._process.poll() if self._process else None

    @property
    def resident_bytes(self) -> int:
        """Memory that the process holds; 0 without one."""
        if self._process is None:
            return 0
        with contextlib.suppress(psutil.NoSuchProcess):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end in order and return its exit code; by force after the grace period."""
        return self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it stand still, its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
        try:
            return process.wait(GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
