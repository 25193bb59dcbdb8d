"""A crash point kills its process once, at the passage that was asked for, and nowhere else."""

import signal
import subprocess
import sys

import pytest

from cygnet.runtime import crash

PROGRAM = """
import os
from cygnet.runtime import crash
crash.CRASH_POINTS["aggregator"] = ("aggregator.test",)
crash.arm(os.environ)
for n in range(5):
    print(n, flush=True)
    crash.crash_point("aggregator.other")
    crash.crash_point("aggregator.test")
"""


def run(value):
    env = {} if value is None else {crash.VARIABLE: value}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, timeout=60
    )


def test_process_dies_by_sigkill_at_the_named_passage():
    done = run("aggregator.test:3")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["0", "1", "2"]


def test_nothing_happens_when_no_point_is_named():
    done = run(None)
    assert done.returncode == 0
    assert done.stdout.split() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("value", ["aggregator.tset", "aggregator.test:0", "aggregator.test:x"])
def test_a_misspelt_point_is_refused_so_that_a_fault_test_cannot_pass_in_vain(value, monkeypatch):
    monkeypatch.setitem(crash.CRASH_POINTS, "aggregator", ("aggregator.test",))
    with pytest.raises(ValueError, match="CYGNET_CRASH_AT"):
        crash.CrashPoint(value)


def test_points_carry_the_name_of_their_service():
    assert all(
        name.startswith(f"{service}.") for service, names in crash.CRASH_POINTS.items() for name in names
    )
    assert len(crash.all_points()) == len(set(crash.all_points()))
