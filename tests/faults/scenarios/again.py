"""Frames published a second time, with the same ids, after JetStream has forgotten that it had them."""

from dataclasses import replace

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import PREPROCESSOR, Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, reached, stored
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

from cygnet.transport.publisher import PublishWindow
from cygnet.transport.stored import StoredMessage, stored_message
from cygnet.transport.streams import stream_state

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
    messages = await _frames(fleet)
    fleet.start(PREPROCESSOR, plan=replace(fleet.plan, delay_seconds=_FRAME_SECONDS))
    await stored(fleet, run, _EVENTS // 4, 60)
    await _publish_again(fleet, messages)
    await complete(fleet, run, 120)
    expected = replayed(fleet.plan.frames, _EVENTS)
    await check_run(fleet, run, expected)
    await _publish_again(fleet, messages)
    await complete(fleet, run, 120)
    return await check_run(fleet, run, expected)


async def _frames(fleet: Fleet) -> list[StoredMessage]:
    """Return all messages that wait in FRAMES."""
    state = await stream_state(fleet.nc, fleet.names.frames)
    sequences = range(state.first_seq, state.last_seq + 1)
    found = [await stored_message(fleet.nc, fleet.names.frames, sequence) for sequence in sequences]
    return [message for message in found if message is not None]


async def _publish_again(fleet: Fleet, messages: list[StoredMessage]) -> None:
    """Have the server forget its duplicate window, and publish everything with the ids of the first time."""
    await fleet.kill_nats()
    await fleet.start_nats()
    window = PublishWindow(fleet.nc)
    acks = []
    for message in messages:
        headers = {name: value for name, value in message.headers.items() if not name.startswith("Nats-")}
        msg_id = message.headers["Nats-Msg-Id"]
        acks.append(await window.publish(message.subject, message.data, headers, msg_id=msg_id))
    await window.close()
    accepted = sum(not ack.duplicate for ack in acks)
    fleet.tally.note(f"{accepted} of {len(acks)} messages were accepted a second time")
    if not accepted:
        raise FaultError("the server still knew every id: nothing was delivered again")
