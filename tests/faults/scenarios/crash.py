"""Every crash point of every service, one by one: it dies there, is started again, and nothing is missing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from tests.faults.check import Checked, Expected, check_run, replayed
from tests.faults.fleet import AGGREGATOR, PREPROCESSOR, SIMULATOR, Fleet
from tests.faults.frames import Pixels, cropped
from tests.faults.plan import DETECTOR, Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete
from tests.faults.scenario import Scenario

from cygnet.runtime.crash import CRASH_POINTS
from cygnet.simulator.cygno import Detector, detector_seed

_EVENTS = 100
_DEATH_SECONDS, _COMPLETE_SECONDS = 60.0, 90.0
_NEEDS_A_MESS = {
    "aggregator.fenced": "aggregator.committed",
    "aggregator.purged": "aggregator.half-sliced",
    "aggregator.notified-again": "aggregator.committed",
}
"""Points of a takeover, and where an aggregator must have died before so that it has work to do."""


def scenarios() -> list[Scenario]:
    """One for each point."""
    return [
        Scenario(
            name=f"crash {point}",
            what=f"{service} dies by SIGKILL at {point.partition('.')[2]}, restarts",
            family="crash",
            plan=partial(_plan, service),
            play=partial(_play, point=point),
            leaves_servers_alone=True,
        )
        for service, points in CRASH_POINTS.items()
        for point in points
    ]


def _plan(service: str, rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name=f"crash-{service}", frames=frames, transport="reference")


async def _play(fleet: Fleet, *, point: str) -> Checked:
    special: dict[str, Callable[[Fleet, str], Awaitable[Checked]]] = {
        "preprocessor.consumed": _not_saved,
        "preprocessor.result-stored": _large,
        "preprocessor.attempt-noted": _suspect,
        "simulator.truth-written": _simulated,
    }
    if point in _NEEDS_A_MESS:
        return await _second_takeover(fleet, point)
    return await special.get(point, _die_once)(fleet, point)


async def _die_once(fleet: Fleet, point: str, *, plan: Plan | None = None) -> Checked:
    """Die at the point in the course of a run, and go on."""
    plan = plan or fleet.plan
    slot = f"{point.partition('.')[0]}-0"
    await fleet.whole()
    if plan.store != fleet.plan.store or plan.frames != fleet.plan.frames:
        await fleet.restart(SIMULATOR, plan=plan)
    await fleet.restart(slot, plan=plan, crash_at=point)
    run = await ask_for_run(fleet, _EVENTS)
    await fleet.death(slot, _DEATH_SECONDS)
    fleet.start(slot, plan=plan)
    await complete(fleet, run, _COMPLETE_SECONDS)
    return await check_run(fleet, run, replayed(plan.frames, _EVENTS, store=plan.store))


async def _not_saved(fleet: Fleet, point: str) -> Checked:
    """A run that is not to be stored: its frames are consumed."""
    return await _die_once(fleet, point, plan=replace(fleet.plan, store=False))


async def _large(fleet: Fleet, point: str) -> Checked:
    """Results above what a message carries."""
    frames = fleet.rig.frames("large", count=3, half_window=None, rows=1000, columns=1100)
    return await _die_once(fleet, point, plan=replace(fleet.plan, frames=frames))


async def _simulated(fleet: Fleet, point: str) -> Checked:
    """A source that makes its frames: what is stored is compared with the model, as no file holds it."""
    half = fleet.plan.frames.half_window
    plan = replace(fleet.plan, source={"simulator": {"model": "cygno"}})
    model = Detector("sosc", seed=detector_seed(0, DETECTOR))

    def pixels(event: int) -> Pixels:
        return cropped(model.image(event, model.primary(event)), half)

    await fleet.whole()
    await fleet.restart(SIMULATOR, plan=plan, crash_at=point)
    run = await ask_for_run(fleet, _EVENTS)
    await fleet.death(SIMULATOR, _DEATH_SECONDS)
    fleet.start(SIMULATOR, plan=plan)
    await complete(fleet, run, _COMPLETE_SECONDS)
    return await check_run(fleet, run, Expected(stored=frozenset(range(_EVENTS)), pixels=pixels))


async def _suspect(fleet: Fleet, point: str) -> Checked:
    """A worker that was killed with frames in its hands, so that its successor tries them alone."""
    plan = replace(fleet.plan, max_deliver=1)
    await fleet.whole()
    await fleet.restart(PREPROCESSOR, plan=plan, crash_at="preprocessor.processed")
    run = await ask_for_run(fleet, _EVENTS)
    await fleet.death(PREPROCESSOR, _DEATH_SECONDS)
    fleet.start(PREPROCESSOR, plan=plan, crash_at=point)
    await fleet.death(PREPROCESSOR, _DEATH_SECONDS)
    fleet.start(PREPROCESSOR, plan=plan)
    await complete(fleet, run, _COMPLETE_SECONDS)
    return await check_run(fleet, run, replayed(plan.frames, _EVENTS))


async def _second_takeover(fleet: Fleet, point: str) -> Checked:
    """An aggregator dies in mid-commit, and the next one while it clears up behind it."""
    await fleet.whole()
    await fleet.restart(AGGREGATOR, crash_at=_NEEDS_A_MESS[point])
    run = await ask_for_run(fleet, _EVENTS)
    await fleet.death(AGGREGATOR, _DEATH_SECONDS)
    fleet.start(AGGREGATOR, crash_at=point)
    await fleet.death(AGGREGATOR, _DEATH_SECONDS)
    fleet.start(AGGREGATOR)
    await complete(fleet, run, _COMPLETE_SECONDS)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))
