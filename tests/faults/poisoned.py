"""`python -m tests.faults.poisoned` is the command `cygnet` with a decoder that one frame brings down.

It stands for a defect in a library: no exception, the process is gone.
"""

import os
import signal
from typing import Any

from cygnet.cli.main import run
from cygnet.preprocessor import processing

POISON = "frame-0005.png"
_decoded = processing.to_array


def _killed_by_poison(frame: Any, *rest: Any) -> Any:
    if frame.attrs.get("file") == POISON:
        os.kill(os.getpid(), signal.SIGSEGV)
    return _decoded(frame, *rest)


if __name__ == "__main__":
    processing.to_array = _killed_by_poison
    run()
