"""Starting up: who does not decode pays for no compiler, and a worker starts without a cache too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cygnet
import cygnet.imaging
from cygnet.imaging import warm_up
from cygnet.imaging._bitshuffle import bitshuffle, bitunshuffle, lz4_block, unpack_blocks
from cygnet.imaging._histogram import _count
from cygnet.imaging._unfilter import _unfilter_together, unfilter
from cygnet.imaging._window_kernel import window_into

HEAVY = "numba", "llvmlite", "blosc2", "zstandard", "isal", "PIL", "pyarrow", "h5py", "numpy"


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(cygnet.__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["cygnet", "cygnet.imaging"])
def test_import_loads_no_compiler_and_no_codec(package):
    loaded = run(f"import sys, {package}; print(*(name for name in {HEAVY} if name in sys.modules))")
    assert loaded.split() == []


def test_codecs_and_limits_load_no_compiler_and_no_codec_library():
    code = "import sys; from cygnet.imaging import DecodeLimits, compress; compress(b'ab', 'identity', 'u1')"
    loaded = run(f"{code}; print(*(name for name in {HEAVY} if name in sys.modules))")
    assert loaded.split() == ["numpy"]


def test_kernels_work_where_nothing_can_be_cached(tmp_path):
    code = (
        "import numpy as np; from cygnet.imaging import crop_window;"
        "print(crop_window(np.full((4, 4), 100, np.uint8), 1, 80, 120).tolist())"
    )
    nowhere = tmp_path / "a-file"
    nowhere.touch()
    uncached = {
        "NUMBA_CACHE_DIR": str(nowhere / "below"),
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    assert run(code, **uncached).strip() == "[[0.5, 0.5], [0.5, 0.5]]"


def test_every_public_name_is_there_and_unknown_ones_are_not():
    for name in cygnet.imaging.__all__:
        assert getattr(cygnet.imaging, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        cygnet.imaging.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "kernel",
    [window_into, unfilter, _unfilter_together, _count, bitshuffle, bitunshuffle, lz4_block, unpack_blocks],
)
def test_kernels_let_other_threads_run(kernel):
    assert kernel.targetoptions["nogil"] is True


def test_warm_up_can_be_called_more_than_once():
    warm_up()
    warm_up()
