"""Full streams: the source is held, memory stays bounded, nothing is lost, and it goes on by itself."""

from dataclasses import replace
from functools import partial

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import AGGREGATOR, PREPROCESSOR, SIMULATOR, UPLOADER, Fleet
from tests.faults.metrics import metric
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, cursor_of, held_seconds, settled
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

from cygnet.transport.streams import stream_state

_EVENTS = 300  # 64 KiB each: nine times what a stream takes
_STREAM_MIB = 2
_MEMORY_BYTES = 600 << 20
_FULL = {"CHUNKS": UPLOADER, "RESULTS": AGGREGATOR, "FRAMES": PREPROCESSOR}
_WAY = (SIMULATOR, PREPROCESSOR, AGGREGATOR, UPLOADER)


def scenarios() -> list[Scenario]:
    """One for each stream that holds back what comes before it, and one for DEAD, which does not."""
    held = [
        Scenario(
            name=f"full {stream}",
            what=f"{slot.rpartition('-')[0]} away until the source is held; {stream} takes {_STREAM_MIB} MiB",
            family="pressure",
            plan=_plan,
            play=partial(_held, stream=stream),
        )
        for stream, slot in _FULL.items()
    ]
    dead = Scenario(
        name="full DEAD",
        what="3 MiB of dead letters into 1 MiB: the oldest bodies leave",
        family="dead letters",
        plan=_dead_plan,
        play=_dead,
    )
    return [*held, dead]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("square", count=11, half_window=None, rows=256, columns=256)
    mib = _STREAM_MIB
    return Plan(name="pressure", frames=frames, frames_mib=mib, results_mib=mib, chunks_mib=mib)


def _dead_plan(rig: Rig) -> Plan:
    frames = rig.frames(
        "mostly-broken", count=60, half_window=12, broken=frozenset(range(5, 55)), garbage=bytes(60 << 10)
    )
    return Plan(name="dead", frames=frames, dead_mib=1)


async def _held(fleet: Fleet, *, stream: str) -> Checked:
    slot = _FULL[stream]
    await fleet.whole()
    await fleet.stop(slot)
    run = await ask_for_run(fleet, _EVENTS)
    await settled(fleet, lambda: _stands_still(fleet, run, slot), 60, "the source was not held")
    state = (await fleet.queues())[stream]
    fleet.tally.note(f"held at event {await cursor_of(fleet, run)}, {stream} has {state.bytes} bytes")
    if state.bytes < state.max_bytes // 3:
        raise FaultError(
            f"{stream} holds {state.bytes} of {state.max_bytes} bytes and the source stands still"
        )
    if large := {slot: size for slot, size in fleet.resident_bytes().items() if size > _MEMORY_BYTES}:
        raise FaultError(f"memory grows while the source is held: {large}")
    fleet.start(slot)
    await complete(fleet, run, 90)
    if not await held_seconds(fleet, run):
        raise FaultError("the source did not count for how long it was held")
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))


async def _stands_still(fleet: Fleet, run: str, away: str) -> bool:
    """Whether each service before the one that is away is held by a full stream: then nothing can move."""
    announced = await cursor_of(fleet, run)
    if announced >= _EVENTS:
        raise FaultError(f"the source was not held: all {announced} events are announced")
    before = _WAY[: _WAY.index(away)]
    blocked = [await metric(fleet.service(slot), "cygnet_publish_blocked") for slot in before]
    return all(blocked)


async def _dead(fleet: Fleet) -> Checked:
    await fleet.whole()
    events = fleet.plan.frames.count
    run = await ask_for_run(fleet, events)
    await complete(fleet, run, 60)
    expected = replace(replayed(fleet.plan.frames, events), letters=False)
    state = await stream_state(fleet.nc, fleet.names.dead)
    lost = len(expected.dead) - state.messages
    fleet.tally.note(f"DEAD holds {state.messages} letters, {lost} have left")
    if lost <= 0 or not state.messages:
        raise FaultError(f"DEAD holds {state.messages} of {len(expected.dead)} letters: it was not filled")
    checked = await check_run(fleet, run, expected)

    async def told() -> bool:
        values = [await metric(service, "cygnet_dead_bodies_lost") for service in fleet.services]
        return max(values) >= lost

    await settled(fleet, told, 15, f"no service's cygnet_dead_bodies_lost says {lost}")
    return checked
