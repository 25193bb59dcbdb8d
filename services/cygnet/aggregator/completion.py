"""What a run gets in the bucket beside its chunks: index segments, then index and ledger."""

import asyncio
import time

from cygnet.model.ledger import RunAccount, ledger, total
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.storage.errors import StorageError
from cygnet.storage.index import compact, segments_cover, write_segment
from cygnet.storage.ledger_files import write_ledger
from cygnet.transport import runs
from cygnet.transport.reference import reference_folder, referenced

SEGMENT_CHUNKS = 1000


class Completion:
    """Writes what readers need without NATS. Every step may be repeated, also by another aggregator."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._segments: dict[
            str, tuple[int, frozenset[str]]
        ] = {}  # run → number of segments, manifests in them

    async def extend_index(self, account: RunAccount) -> None:
        """Write a segment for each thousand chunks that have been stored since the last one.

        Raises StorageError; what is known of the run's segments is then read again by the next try.
        """
        try:
            await self._extend_index(account)
        except StorageError:
            self._segments.pop(account.run, None)
            raise

    async def _extend_index(self, account: RunAccount) -> None:
        context, run, prefix = self._context, account.run, self._context.pipeline.prefix
        written = self._segments[run][0] if run in self._segments else 0
        if sum(len(each.stored_chunks) for each in account.detectors.values()) < SEGMENT_CHUNKS * (
            written + 1
        ):
            return
        stored = [
            commit.manifest_key
            for detector in account.detectors.values()
            for name, commit in detector.commits.items()
            if name in detector.stored_chunks
        ]
        if run not in self._segments:
            reader = context.bucket.reader
            self._segments[run] = await context.patiently(
                lambda: asyncio.to_thread(segments_cover, reader, prefix, run)
            )
        number, covered = self._segments[run]
        fresh = [key for key in stored if key not in covered]
        if len(fresh) < SEGMENT_CHUNKS:
            return
        chosen = fresh[:SEGMENT_CHUNKS]
        await context.patiently(lambda: write_segment(context.bucket, prefix, run, number, chosen))
        self._segments[run] = number + 1, covered.union(chosen)

    async def finish(self, account: RunAccount) -> None:
        """Write index and ledger of a complete run, then mark it complete."""
        context, run, prefix = self._context, account.run, self._context.pipeline.prefix
        index = await context.patiently(lambda: compact(context.bucket, prefix, run))
        crash_point("aggregator.compacted")
        await context.patiently(lambda: self._clean(account))
        await context.patiently(lambda: runs.forget_attempts(context.values, run))
        await context.patiently(lambda: write_ledger(context.bucket, prefix, account))
        crash_point("aggregator.ledger-written")
        await context.patiently(
            lambda: runs.set_run_state(
                context.values, run, "complete", index=index, completed_ns=time.time_ns()
            )
        )
        self._segments.pop(run, None)
        line = total(ledger(account), run)
        context.log.info("run complete", run=run, ledger=line.equation(), index=index)

    async def _clean(self, account: RunAccount) -> None:
        """Remove results by reference of settled events: left by an aggregator that died right then."""
        bucket = self._context.bucket
        folder = reference_folder(self._context.pipeline.prefix, account.run)
        leftovers = []
        async for each in bucket.list(folder):
            identity = referenced(each.key, account.run)
            if identity and account.detector(identity.detector).is_settled(identity.event):
                leftovers.append(each.key)
        if leftovers:
            await bucket.delete(leftovers)
