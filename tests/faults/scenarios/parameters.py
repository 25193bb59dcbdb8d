"""The window is changed while workers die: each event is windowed as the revision that it states says."""

import random

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import AGGREGATOR, PREPROCESSOR, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, reached
from tests.faults.scenario import Scenario
from tests.faults.windows import FIRST, Windows

_RATE_HZ, _STEP, _CHANGES = 60.0, 60, 8
_EVENTS = (_CHANGES + 1) * _STEP


def scenarios() -> list[Scenario]:
    """Changes and kills in turn, chunks as HDF5."""
    return [
        Scenario(
            name="parameters",
            what=f"the window is changed {_CHANGES} times, a worker killed at each; chunks as hdf5",
            family="parameters",
            plan=_plan,
            play=_play,
        )
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name="parameters", frames=frames, rate_hz=_RATE_HZ, format="hdf5", window=FIRST)


async def _play(fleet: Fleet) -> Checked:
    await fleet.whole()
    run = await ask_for_run(fleet, _EVENTS)
    windows, chance = Windows(fleet), random.Random(1)
    for number in range(1, _CHANGES + 1):
        await reached(fleet, run, number * _STEP, 60)
        await windows.change(chance)
        slot = (PREPROCESSOR, AGGREGATOR)[number % 2]
        await fleet.kill(slot)
        fleet.start(slot)
    await complete(fleet, run, 90)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS, windows=windows.bounds))
