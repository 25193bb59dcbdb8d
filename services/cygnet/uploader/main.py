"""The uploader: notices in, objects in the bucket out."""

import asyncio
import contextlib
import time

import msgspec

from cygnet.model.account import Commit
from cygnet.model.errors import BadInputError
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.metrics import UPLOADS_FAILED
from cygnet.storage.errors import StorageDeniedError, StorageError, StorageUnavailableError
from cygnet.transport.notices import read_notice
from cygnet.transport.puller import Delivery, Keeper, Puller
from cygnet.transport.streams import UPLOADER
from cygnet.uploader.documents import Documents
from cygnet.uploader.upload import DataLossError, ForeignObjectError, upload

_UPLOADS_AT_ONCE = 2
_LOOK_AGAIN_SECONDS = 30.0
_TURN_SECONDS = 1.0
_REASONS = ("away", "refused", "foreign", "lost")
_PATIENCE_SECONDS = 60.0  # for one chunk that the bucket does not take; then others have their turn


class _OthersFirstError(Exception):
    """The bucket has not taken this chunk for too long: an outage, or it is the chunk."""


async def body(context: Context) -> None:
    """Upload chunks until the service is stopped; what is begun then is finished first."""
    keeper = Keeper(context.pipeline.spec.streams.ack_wait_seconds)
    puller = Puller(
        context.nc,
        context.names.notices,
        UPLOADER,
        batch=_UPLOADS_AT_ONCE,
        max_bytes=1 << 20,
        keeper=keeper,
    )
    await puller.start()
    for reason in _REASONS:  # from 0: the first one is an increase too
        UPLOADS_FAILED.labels(reason)
    context.health.ready()
    beat = context.health.loop("notices", 120)
    keeping = asyncio.create_task(keeper.run())
    slots = asyncio.Semaphore(_UPLOADS_AT_ONCE)
    documents = Documents(context)
    try:
        async with asyncio.TaskGroup() as uploads:
            while not context.stop.is_set():
                beat()
                for delivery in await puller.next(timeout=0.5):
                    if await _slot(context, slots, beat):
                        uploads.create_task(_handle(context, delivery, documents, slots))
                    else:
                        await delivery.nak()
            await puller.stop()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _slot(context: Context, slots: asyncio.Semaphore, beat: Beat) -> bool:
    """Wait until another upload may begin; False if the service is to stop. An outage holds, alive."""
    while not context.stop.is_set():
        beat()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                return await slots.acquire()
    return False


async def _handle(
    context: Context, delivery: Delivery, documents: Documents, slots: asyncio.Semaphore
) -> None:
    try:
        commit = read_notice(delivery.data)
    except msgspec.DecodeError as error:
        context.log.error("not a notice", error=str(error))
        await delivery.ack()
    else:
        await _store(context, commit, delivery, documents)
    finally:
        slots.release()


async def _store(context: Context, commit: Commit, delivery: Delivery, documents: Documents) -> None:
    """Upload a chunk; whatever speaks against it, its notice stays and others have their turn."""
    try:
        await _upload(context, commit, documents, again=delivery.delivered > 1)
        await delivery.ack()
        crash_point("uploader.acked")
        context.log.info("chunk stored", run=commit.run, key=commit.key, bytes=commit.size)
    except StoppedError:
        await delivery.nak()
    except _OthersFirstError as error:
        UPLOADS_FAILED.labels("away").inc()
        context.log.warning("chunk put off", run=commit.run, key=commit.key, error=str(error))
        await delivery.nak(_LOOK_AGAIN_SECONDS)
    except (DataLossError, ForeignObjectError, StorageError, BadInputError) as error:
        UPLOADS_FAILED.labels(_reason(error)).inc()
        context.log.critical("chunk cannot be stored", run=commit.run, key=commit.key, error=str(error))
        await delivery.nak(_LOOK_AGAIN_SECONDS)


async def _upload(context: Context, commit: Commit, documents: Documents, *, again: bool) -> None:
    """Upload a chunk with patience for an outage, but not with so much that two chunks stop all others."""
    begun = time.monotonic()

    async def attempt() -> None:
        try:
            await upload(context, commit, documents, again=again)
        except (StorageUnavailableError, StorageDeniedError) as error:
            if time.monotonic() - begun > _PATIENCE_SECONDS:
                raise _OthersFirstError(str(error)) from error
            raise

    await context.patiently(attempt)


def _reason(error: Exception) -> str:
    match error:
        case DataLossError():
            return "lost"
        case ForeignObjectError():
            return "foreign"
    return "refused"
