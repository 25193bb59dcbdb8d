"""`python -m tests.faults.poisoned` is the command `cygnet` with a decoder that one frame brings down.

It stands for a defect in a library: no exception, the process is gone.
"""

import os
import signal
from typing import Any

from cygnet.cli.main import run
from cygnet.preprocessor import processing
from cygnet.preprocessor.images import to_array

POISON = "FAULTS_POISON"
"""Variable that names the file of the frame."""
POISONED = "tests.faults.poisoned"


def killed_by_poison(frame: Any, *rest: Any) -> Any:
    """Decode a frame, unless it is the one that must not be decoded."""
    if os.environ[POISON] in (frame.attrs.get("file"), frame.attrs.get("filename")):
        os.kill(os.getpid(), signal.SIGSEGV)
    return to_array(frame, *rest)


if __name__ == "__main__":
    vars(processing).update(to_array=killed_by_poison)
    run()
