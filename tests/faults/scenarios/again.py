"""Frames published a second time, with the same ids, after JetStream has forgotten that it had them."""

from dataclasses import replace

from tests.faults.again import publish_again, waiting_frames
from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import PREPROCESSOR, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, reached, stored
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

from cygnet.transport.stored import StoredMessage

_EVENTS = 200
_FRAME_SECONDS = 0.03


def scenarios() -> list[Scenario]:
    """All frames again, in mid-run and after the run."""
    return [
        Scenario(
            name="frames again",
            what="nats-server killed, all frames published again in mid-run; the same after the run",
            family="again",
            plan=_plan,
            play=_play,
        )
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name="again", frames=frames, transport="inline")


async def _play(fleet: Fleet) -> Checked:
    await fleet.whole()
    await fleet.stop(PREPROCESSOR)
    run = await ask_for_run(fleet, _EVENTS)
    await reached(fleet, run, _EVENTS, 30)
    messages = await waiting_frames(fleet)
    fleet.start(PREPROCESSOR, plan=replace(fleet.plan, delay_seconds=_FRAME_SECONDS))
    await stored(fleet, run, _EVENTS // 4, 60)
    await _publish_again(fleet, messages)
    await complete(fleet, run, 120)
    expected = replayed(fleet.plan.frames, _EVENTS)
    await check_run(fleet, run, expected)
    await _publish_again(fleet, messages)
    await complete(fleet, run, 120)
    return await check_run(fleet, run, expected)


async def _publish_again(fleet: Fleet, messages: list[StoredMessage]) -> None:
    """Have the server forget its duplicate window, and publish everything with the ids of the first time."""
    await fleet.kill_nats()
    await fleet.start_nats()
    if not await publish_again(fleet, messages):
        raise FaultError("the server still knew every id: nothing was delivered again")
