"""Nothing that a supervisor started outlives it, however it ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping

VARIABLE = "CYGNET_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def die_with_parent(env: Mapping[str, str]) -> None:
    """Have the kernel kill this process when the parent that CYGNET_PARENT_PID names ends (Linux)."""
    parent = env.get(VARIABLE)
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)
