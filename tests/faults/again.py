"""Frames published a second time, with the ids of the first."""

from collections.abc import Iterable

from tests.faults.fleet import Fleet

from cygnet.transport.publisher import PublishWindow
from cygnet.transport.stored import StoredMessage, stored_message
from cygnet.transport.streams import stream_state


async def waiting_frames(fleet: Fleet, most: int | None = None) -> list[StoredMessage]:
    """Return the messages that wait in FRAMES, `most` of the newest, or all."""
    state = await stream_state(fleet.nc, fleet.names.frames)
    first = state.first_seq if most is None else max(state.first_seq, state.last_seq + 1 - most)
    found = [
        await stored_message(fleet.nc, fleet.names.frames, sequence)
        for sequence in range(first, state.last_seq + 1)
    ]
    return [message for message in found if message is not None]


async def publish_again(fleet: Fleet, messages: Iterable[StoredMessage]) -> int:
    """Publish messages with the ids that they had; return how many the server took as new."""
    window = PublishWindow(fleet.nc)
    acks = []
    for message in messages:
        headers = {name: value for name, value in message.headers.items() if not name.startswith("Nats-")}
        msg_id = message.headers["Nats-Msg-Id"]
        acks.append(await window.publish(message.subject, message.data, headers, msg_id=msg_id))
    await window.close()
    accepted = sum(not ack.duplicate for ack in acks)
    fleet.tally.note(f"{accepted} of {len(acks)} messages were accepted a second time")
    return accepted
