"""A frame that ends the process of whoever decodes it: it is given up, and every other one is stored."""

import signal
from dataclasses import replace

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import PREPROCESSOR, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError, until

from cygnet.transport.runs import run_state

_EVENTS, _POISON_EVENT = 60, 5
_MAX_DELIVER, _ATTEMPTS_ALONE = 2, 2
_POISON = f"frame-{_POISON_EVENT:04d}.png"


def scenarios() -> list[Scenario]:
    """One poisonous frame among sixty."""
    return [
        Scenario(
            name="poison frame",
            what="one frame ends its worker by SIGSEGV, each time",
            family="poison",
            plan=_plan,
            play=_play,
        )
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("many", count=_EVENTS, half_window=12)
    return Plan(name="poison", frames=frames, max_deliver=_MAX_DELIVER)


async def _play(fleet: Fleet) -> Checked:
    await fleet.whole()
    await fleet.stop(PREPROCESSOR)
    poisoned = replace(fleet.plan, poison=_POISON)
    run = await ask_for_run(fleet, _EVENTS)
    deaths = 0
    while True:
        fleet.start(PREPROCESSOR, plan=poisoned)
        if not await _dies(fleet, run):
            break
        deaths += 1
        fleet.tally.killed(f"{PREPROCESSOR} by its frame")
        if deaths > _MAX_DELIVER + _ATTEMPTS_ALONE:
            raise FaultError(f"the frame was tried for the {deaths}th time")
    await complete(fleet, run, 60)
    await fleet.restart(PREPROCESSOR)
    sound = frozenset(range(_EVENTS)) - {_POISON_EVENT}
    reasons = {_POISON_EVENT: ("killed-the-worker",)}
    expected = replayed(fleet.plan.frames, _EVENTS)
    expected = replace(expected, stored=sound, dead=frozenset({_POISON_EVENT}), reasons=reasons)
    return await check_run(fleet, run, expected)


async def _dies(fleet: Fleet, run: str) -> bool:
    """Wait for the worker's death, or for the run to be complete; return which it was."""
    worker = fleet.service(PREPROCESSOR)

    async def decided() -> bool:
        fleet.check_alive(but=PREPROCESSOR)
        return worker.exit_code is not None or await run_state(fleet.values, run) == "complete"

    await until(decided, 60, "the worker neither dies nor stores the run")
    if worker.exit_code not in (None, -signal.SIGSEGV):
        raise FaultError(f"{PREPROCESSOR} ended with code {worker.exit_code}")
    return worker.exit_code is not None
