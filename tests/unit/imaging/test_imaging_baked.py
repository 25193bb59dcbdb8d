"""Kernels that an image brings are read where nothing can be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = """
import errno, tempfile
def refuses(*_, **__):
    raise OSError(errno.EROFS, "Read-only file system")
if {read_only}:
    tempfile.TemporaryFile = refuses
from cygnet.imaging._histogram import _count
print(sum(_count.stats.cache_hits.values()), sum(_count.stats.cache_misses.values()))
"""


def hits_and_misses(folder: Path, *, read_only: bool) -> tuple[int, int]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(read_only=read_only)],
        env={**environment, "CYGNET_KERNELS": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    hits, misses = done.stdout.split()
    return int(hits), int(misses)


@pytest.mark.timeout(240)
def test_kernels_made_at_build_are_read_on_a_read_only_root(tmp_path: Path) -> None:
    hits, misses = hits_and_misses(tmp_path, read_only=False)
    assert hits == 0
    assert misses > 0
    assert hits_and_misses(tmp_path, read_only=True) == (misses, 0)
