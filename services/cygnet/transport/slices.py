"""Slices of finished objects in CHUNKS: published in order, read back by sequence, purged by subject."""

import asyncio
import base64
from collections.abc import Iterator, Sequence

from nats.aio.client import Client as NatsClient

from cygnet.transport.api import NOT_FOUND, api
from cygnet.transport.connection import inline_limit
from cygnet.transport.errors import ApiError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.stored import stored_message

SLICE_BYTES = 4 << 20
_READS_AT_ONCE = 4


def cut(body: memoryview, size: int) -> Iterator[memoryview]:
    """Yield `body` in pieces of at most `size` bytes; an empty body is one empty piece."""
    for start in range(0, max(len(body), 1), size):
        yield body[start : start + size]


async def publish_slices(
    window: PublishWindow, nc: NatsClient, subject: str, attempt: str, body: memoryview, part: str
) -> list[int]:
    """Publish the bytes of one object as slices; return their stream sequences, in order.

    `attempt` is fresh for each try at a chunk and `part` differs for its objects, so that the server's
    memory of message ids never mistakes one slice for another.
    """
    size = min(SLICE_BYTES, inline_limit(nc))
    futures = [
        await window.submit(subject, piece, msg_id=f"{attempt}/{part}/{number}")
        for number, piece in enumerate(cut(body, size))
    ]
    return [ack.sequence for ack in await asyncio.gather(*futures)]


class SlicesGoneError(Exception):
    """The stream's leader confirms that slices of this object are not there (any more)."""


async def read_slices(nc: NatsClient, names: Names, sequences: Sequence[int]) -> bytes:
    """Return the object that these slices make; raise SlicesGoneError if one is missing for certain."""
    slots = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(sequence: int) -> bytes:
        async with slots:
            message = await stored_message(nc, names.chunks, sequence)
        if message is not None:
            return message.data
        return await _ask_leader(nc, names.chunks, sequence)

    return b"".join(await asyncio.gather(*(read(sequence) for sequence in sequences)))


async def _ask_leader(nc: NatsClient, stream: str, sequence: int) -> bytes:
    """Read through the leader: a direct get may be answered by a replica that is behind."""
    try:
        answer = await api(nc, f"STREAM.MSG.GET.{stream}", {"seq": sequence})
    except ApiError as error:
        if error.err_code in NOT_FOUND:
            raise SlicesGoneError(f"{stream}: slice {sequence} is gone") from error
        raise
    return base64.b64decode(answer["message"].get("data", ""))
