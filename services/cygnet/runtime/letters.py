"""Dead letters whole: a body that would crowd the stream goes to the bucket, and its letter points at it."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable

from cygnet.model.errors import NoSuchError
from cygnet.model.frame import Frame
from cygnet.runtime.context import Context
from cygnet.runtime.metrics import DEAD_LETTERS, FRAMES
from cygnet.storage.errors import CorruptedError, NoSuchObjectError
from cygnet.storage.keys import dead_key
from cygnet.storage.port import Bucket
from cygnet.transport.codec import BrokenFrame
from cygnet.transport.connection import inline_limit
from cygnet.transport.dead import DeadBody, DeadLetter
from cygnet.transport.dead import bury as bury_message

_SHARE_OF_STREAM = 16  # a letter larger than this part of DEAD would drive too many others out


async def bury(
    context: Context,
    frame: Frame | BrokenFrame,
    *,
    reason: str,
    message: str,
    stage: str,
    deliveries: int,
    sequence: int | None = None,
    between: Callable[[], None] | None = None,
) -> None:
    """Keep the frame among the dead letters, as `transport.dead.bury` does, however large it is.

    An outage of the bucket holds it here. Raises StoppedError when the service is to stop meanwhile.
    """
    limit = min(inline_limit(context.nc), context.pipeline.spec.streams.dead_bytes // _SHARE_OF_STREAM)
    elsewhere = await _put(context, frame, sequence) if len(frame.body) > limit else None
    await bury_message(
        context.window,
        context.names,
        frame,
        reason=reason,
        message=message,
        stage=stage,
        deliveries=deliveries,
        sequence=sequence,
        elsewhere=elsewhere,
        between=between,
    )
    detector = frame.id.detector if frame.id else "unknown"
    DEAD_LETTERS.labels(detector, reason).inc()
    FRAMES.labels(detector, "dead").inc()


async def body_of(bucket: Bucket, letter: DeadLetter) -> bytes:
    """Return a letter's body, wherever it is. Raises NoSuchError, CorruptedError."""
    if letter.elsewhere is None:
        return letter.body
    try:
        body = await bucket.get(letter.elsewhere.key)
    except NoSuchObjectError as error:
        raise NoSuchError(
            f"the body of dead letter {letter.sequence} is gone: {letter.elsewhere.key}"
        ) from error
    if await asyncio.to_thread(_sha256, body) != letter.elsewhere.sha256:
        raise CorruptedError(f"{letter.elsewhere.key}: not the bytes of dead letter {letter.sequence}")
    return body


async def remove_body(bucket: Bucket, letter: DeadLetter) -> None:
    """Remove what a letter that is gone has pointed at."""
    if letter.elsewhere is not None:
        await bucket.delete([letter.elsewhere.key])


async def _put(context: Context, frame: Frame | BrokenFrame, sequence: int | None) -> DeadBody:
    """Put a body into the bucket. Each letter has its own object: it goes when the letter goes."""
    body = frame.body
    sha256 = await asyncio.to_thread(_sha256, body)
    mark = secrets.token_hex(8) if sequence is None else str(sequence)
    key = dead_key(context.pipeline.prefix, frame.id, f"{mark}-{sha256[:16]}")
    await context.patiently(lambda: context.bucket.put(key, body, content_type="application/octet-stream"))
    return DeadBody(key=key, size=len(body), sha256=sha256)


def _sha256(body: bytes | memoryview) -> str:
    return hashlib.sha256(body).hexdigest()
