"""Who a process is, across restarts of the machine and reuse of numbers, and whether it is no more."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: `start_time` in ticks since boot tells it from a later one of the same pid."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_time: int


def this_process() -> Process:
    """Return who we are; empty marks where this system does not tell."""
    return Process(
        host=socket.gethostname(),
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        pid_namespace=_link("/proc/self/ns/pid"),
        pid=os.getpid(),
        start_time=start_time_of(os.getpid()) or 0,
    )


def start_time_of(pid: int) -> int | None:
    """Return when the process of this number started, None if there is none (a zombie is none)."""
    text = _read(f"/proc/{pid}/stat")
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


def is_gone(process: Process) -> bool:
    """Return whether a process of this machine is certainly no more; one that is hidden from us may live."""
    started = start_time_of(process.pid)
    if started is not None:
        return started != process.start_time
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(_read(f"/proc/{process.pid}/stat"))  # there and without a start time: a zombie


def is_known_dead(holder: Process | None, me: Process, gone: Callable[[Process], bool] = is_gone) -> bool:
    """Return whether the holder ran where we can see processes, and is certainly not there any more."""
    if holder is None or not me.boot_id or not me.pid_namespace:
        return False
    if (holder.host, holder.boot_id, holder.pid_namespace) != (me.host, me.boot_id, me.pid_namespace):
        return False
    return gone(holder)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
