"""The aggregator: results in, committed chunks out; one at a time, by a lease with an epoch."""

import asyncio
import contextlib
from dataclasses import replace

from cygnet.aggregator.accession import accede
from cygnet.aggregator.collector import Collector
from cygnet.aggregator.takeover import FencedError
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import Context, open_window
from cygnet.runtime.metrics import LEASE_EPOCH, LEASE_HELD
from cygnet.transport.errors import ConsumerGoneError, LeaseLostError, TransportError
from cygnet.transport.lease import Lease

ROLE = "aggregator"
_PAUSE_SECONDS = 1.0
_LAST_SECONDS = 2.0


async def body(context: Context) -> None:
    """Aggregate whenever the lease is ours, until stopped; what is unacked then goes to the next."""
    lease = Lease(context.values, ROLE, context.holder)
    context.health.ready()
    while not context.stop.is_set():
        epoch = await lease.acquire(context.stop)
        if epoch is None:
            return
        LEASE_HELD.labels(ROLE).set(1)
        LEASE_EPOCH.labels(ROLE).set(epoch)
        context.log.info("lease taken", epoch=epoch)
        overtaken = ""
        try:
            await _reign(context, lease, epoch)
        except* (FencedError, ConsumerGoneError, LeaseLostError) as lost:
            overtaken = str(lost.exceptions[0])
        except* StoppedError:
            context.log.info("stopped while waiting")
        finally:
            LEASE_HELD.labels(ROLE).set(0)
            await lease.release()
        if overtaken:
            context.log.warning("overtaken", epoch=epoch, why=overtaken)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.stop.wait(), _PAUSE_SECONDS)


async def _reign(context: Context, lease: Lease, epoch: int) -> None:
    """Take over, then collect for as long as the lease is kept.

    What this reign has submitted ends with it: a window of its own is closed at the end.
    """
    window = open_window(context.nc, context.health, context.log)
    reigning = replace(context, window=window)
    collector: Collector | None = None
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(lease.keep())
            accession = await context.patiently(lambda: accede(reigning, epoch))
            collector = Collector(reigning, epoch, accession)
            await collector.run()
            keeping.cancel()
    finally:
        await window.close()
        if collector is not None:
            with contextlib.suppress(TimeoutError, TransportError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await collector.abandon()
