"""Starting up: who does not simulate pays for no compiler, and threads run beside the kernels."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cygnet
import cygnet.simulator.cygno
from cygnet.simulator.cygno import warm_up
from cygnet.simulator.cygno._cloud import light_of
from cygnet.simulator.cygno._noise import add_light, camera_base, dark_frame

FORBIDDEN = {"cygnet.transport", "cygnet.storage", "cygnet.runtime", "cygnet.spec", "nats", "boto3"}


def loaded(code, names):
    asked = f"import sys; {code}; print(*({names!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", asked],
        env={**os.environ, "PYTHONPATH": str(Path(cygnet.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout.split()


def test_import_loads_no_compiler():
    assert loaded("import cygnet.simulator.cygno", {"numba", "numpy", "PIL"}) == []


def test_truth_type_and_presets_load_no_compiler():
    code = "from cygnet.simulator.cygno import PRESETS, Primary, detector_seed"
    assert loaded(code, {"numba", "numpy", "PIL"}) == []


def test_detector_knows_neither_transport_nor_storage_nor_spec():
    assert loaded("from cygnet.simulator.cygno import Detector", FORBIDDEN) == []


def test_every_public_name_is_there_and_unknown_ones_are_not():
    for name in cygnet.simulator.cygno.__all__:
        assert getattr(cygnet.simulator.cygno, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        cygnet.simulator.cygno.nonsense  # noqa: B018


@pytest.mark.parametrize("kernel", [light_of, dark_frame, add_light, camera_base])
def test_kernels_let_other_threads_run(kernel):
    assert kernel.targetoptions["nogil"] is True


def test_warm_up_can_be_called_more_than_once():
    warm_up()
    warm_up()
