"""Message ids: what a message is, so that JetStream stores it once inside its duplicate window."""

import hashlib
from array import array
from collections.abc import Sequence

from cygnet.model.identity import FrameId


def frame_message_id(id: FrameId, stage: str) -> str:  # noqa: A002
    """Return the id of a message with one frame or result: `run/detector/event/stage`."""
    return f"{id.run}/{id.detector}/{id.event}/{stage}"


def pack_message_id(ids: Sequence[FrameId], stage: str) -> str:
    """Return the id of a message with many: `run/detector/first-last/hash/stage`, the hash over all."""
    if not ids:
        raise ValueError("a pack holds at least one frame")
    digest = hashlib.blake2b(array("q", [each.event for each in ids]).tobytes(), digest_size=8)
    run = ids[0].run
    for each in ids:
        if each.run != run:
            digest.update(f"{each.run}/{each.event}\n".encode())
    first, last = ids[0], ids[-1]
    return f"{run}/{first.detector}/{first.event}-{last.event}/{digest.hexdigest()}/{stage}"


def replay_message_id(id: FrameId, number: int) -> str:  # noqa: A002
    """Return the id of a dead letter's frame, published again: the old id would be a duplicate."""
    return f"{id.run}/{id.detector}/{id.event}/frame/replay-{number}"
