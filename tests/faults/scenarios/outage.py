"""S3 away in mid-stream: frames wait at the source, in the workers and in CHUNKS, and none is given up."""

import asyncio

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, progress, reached
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

_EVENTS, _RATE_HZ = 900, 60.0
_AWAY_SECONDS = 20.0


def scenarios() -> list[Scenario]:
    """S3 stopped for 20 s."""
    return [
        Scenario(
            name="S3 away",
            what=f"S3 killed for {_AWAY_SECONDS:g} s, frames by reference",
            family="outage",
            plan=_plan,
            play=_away,
        )
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name="outage", frames=frames, rate_hz=_RATE_HZ, transport="reference")


async def _away(fleet: Fleet) -> Checked:
    await fleet.whole()
    run = await ask_for_run(fleet, _EVENTS)
    await reached(fleet, run, _EVENTS // 4, 40)
    await fleet.kill_s3()
    await asyncio.sleep(_AWAY_SECONDS)
    during = await progress(fleet, run)
    await fleet.start_s3()
    if during.line.closes or during.announced >= _EVENTS:
        raise FaultError(f"the run went on without S3: {during.line.equation()}")
    await complete(fleet, run, 90)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))
