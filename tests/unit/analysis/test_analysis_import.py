"""Starting up: who does not analyse pays for no compiler, no scipy and no matplotlib."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cygnet
import cygnet.analysis
from cygnet.analysis._track_kernel import measure

HEAVY = "numpy", "numba", "scipy", "matplotlib", "pyarrow", "obstore"


@pytest.mark.parametrize("package", ["cygnet", "cygnet.analysis"])
def test_import_loads_nothing_heavy(package):
    code = f"import sys, {package}; print(*(name for name in {HEAVY} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(Path(cygnet.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.split() == []


def test_every_public_name_is_there_and_unknown_ones_are_not():
    for name in cygnet.analysis.__all__:
        assert getattr(cygnet.analysis, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        cygnet.analysis.nonsense  # noqa: B018


def test_the_kernel_lets_other_threads_run():
    assert measure.targetoptions["nogil"] is True
