"""What can go wrong on one machine, said in one line."""

import errno
from pathlib import Path

from cygnet.model.errors import CygnetError


class LocalError(CygnetError):
    """Something on this machine stands in the way; the message says what, and what would help."""


class FolderHeldError(LocalError):
    """Another `cygnet up` holds the data folder."""


class NotRunningError(LocalError):
    """No `cygnet up` holds the data folder."""


def disk_trouble(path: Path, error: OSError) -> LocalError:
    """Return what a failed write into `path` means."""
    if error.errno == errno.ENOSPC:
        return LocalError(f"the disk under {path} is full; free some space, or choose another with --data")
    why = error.strerror or str(error)
    return LocalError(f"can't write in {path}: {why}; choose another folder with --data")
