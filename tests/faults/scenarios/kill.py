"""`kill -9` in mid-stream: of each service in turn, and of nats-server."""

import asyncio
import time
from functools import partial

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import SLOTS, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, cursor_of, reached
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

_RATE_HZ = 60.0
_EVENTS, _KILLS, _KILL_SECONDS = 3000, 20, 2.0
_NATS_EVENTS, _NATS_KILLS, _NATS_AWAY_SECONDS = 1500, 5, 1.0


def scenarios() -> list[Scenario]:
    """Kills of services, kills of nats-server."""
    plan = partial(_plan)
    return [
        Scenario(
            name="kill services",
            what=f"{_KILLS} times kill -9 of each service in turn, every {_KILL_SECONDS:g} s, at 60 events/s",
            family="kill",
            plan=plan,
            play=_kill_services,
        ),
        Scenario(
            name="kill nats-server",
            what=f"{_NATS_KILLS} times kill -9 of nats-server, {_NATS_AWAY_SECONDS:g} s away",
            family="kill",
            plan=plan,
            play=_kill_nats,
        ),
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name="kill", frames=frames, rate_hz=_RATE_HZ, chunk_events=100)


async def _kill_services(fleet: Fleet) -> Checked:
    await fleet.whole()
    run = await ask_for_run(fleet, _EVENTS)
    await reached(fleet, run, 1, 30)
    due = time.monotonic()
    for number in range(_KILLS):
        due += _KILL_SECONDS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        slot = SLOTS[number % len(SLOTS)]
        await fleet.kill(slot)
        fleet.start(slot)
    await _still_streams(fleet, run, _EVENTS)
    await complete(fleet, run, 150)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))


async def _kill_nats(fleet: Fleet) -> Checked:
    await fleet.whole()
    run = await ask_for_run(fleet, _NATS_EVENTS)
    for number in range(_NATS_KILLS):
        await reached(fleet, run, (number + 1) * _NATS_EVENTS // (_NATS_KILLS + 2), 60)
        await fleet.kill_nats()
        await asyncio.sleep(_NATS_AWAY_SECONDS)
        await fleet.start_nats()
    await _still_streams(fleet, run, _NATS_EVENTS)
    await complete(fleet, run, 120)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _NATS_EVENTS))


async def _still_streams(fleet: Fleet, run: str, events: int) -> None:
    if await cursor_of(fleet, run) >= events:
        raise FaultError("the run was over before the last kill: it was not killed in mid-stream")
