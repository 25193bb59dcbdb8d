"""Random walks: one scenario a seed."""

from functools import partial

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import SLOTS, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, reached
from tests.faults.scenario import Scenario
from tests.faults.walk import Walk

_RATE_HZ = 30.0
_WALKED = 0.7  # of the time; the rest is for healing
_COMPLETE_SECONDS = 120.0


def scenarios(seeds: int, seconds: float) -> list[Scenario]:
    """One for each seed from 1 on."""
    return [
        Scenario(
            name=f"walk {seed}",
            what=f"seed {seed}: kills, outages, freezes, seconds and crash points for {seconds:g} s",
            family=f"walk {seed}",
            plan=partial(_plan, seed),
            play=partial(_play, seed=seed, seconds=seconds),
        )
        for seed in range(1, seeds + 1)
    ]


def _plan(seed: int, rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    transport = "reference" if seed % 2 else "auto"
    return Plan(name=f"walk-{seed}", frames=frames, rate_hz=_RATE_HZ, transport=transport)


async def _play(fleet: Fleet, *, seed: int, seconds: float) -> Checked:
    await fleet.whole()
    events = int(_RATE_HZ * _WALKED * seconds)
    run = await ask_for_run(fleet, events)
    await reached(fleet, run, 1, 30)
    await Walk(fleet, seed).wander(_WALKED * seconds)
    fleet.check_alive()
    await fleet.ready(*SLOTS)
    await complete(fleet, run, _COMPLETE_SECONDS)
    return await check_run(fleet, run, replayed(fleet.plan.frames, events))
