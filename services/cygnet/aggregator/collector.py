"""One aggregator's reign: receive results, follow the account, commit chunks, complete runs."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Sequence

import msgspec

from cygnet.aggregator.accession import Accession, read_run
from cygnet.aggregator.assembly import Assembly, ChunkLimits, OpenChunk
from cygnet.aggregator.books import Books, keep
from cygnet.aggregator.committer import Committer
from cygnet.aggregator.completion import Completion
from cygnet.aggregator.takeover import FencedError
from cygnet.model.account import Begin, Commit, Epoch
from cygnet.model.errors import BadInputError
from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.letters import bury
from cygnet.runtime.metrics import (
    CHUNK_BYTES,
    CHUNK_LATENCY_SECONDS,
    CHUNKS,
    DUPLICATES,
    FRAMES,
    INDEX_TROUBLE,
    OPEN_CHUNKS,
    OPEN_EVENTS,
)
from cygnet.storage.errors import NoSuchObjectError, StorageError
from cygnet.transport import runs
from cygnet.transport.account import Follower
from cygnet.transport.codec import BrokenFrame, broken_pack, decode_results
from cygnet.transport.puller import Delivery, Keeper, Puller
from cygnet.transport.reference import Reference, reference_in

_PULL_MESSAGES, _PULL_BYTES = 64, 8 << 20
_TURN_SECONDS = 0.5
_SHARE_OF_GRACE = 0.5
_TRY_AGAIN_SECONDS = 30.0
_LOOPS = ("results", "commits")


class Collector:
    """Holds the assembly of one epoch and moves what it decides."""

    def __init__(self, context: Context, epoch: int, accession: Accession) -> None:
        spec = context.pipeline.spec
        self._context = context
        self._epoch = epoch
        self._accession = accession
        self._limits = ChunkLimits(
            events=spec.aggregator.chunk_size,
            age_seconds=spec.aggregator.max_age_seconds,
            chunk_bytes=spec.aggregator.max_bytes,
            held_bytes=spec.streams.results_bytes // 2,
            held_messages=accession.max_ack_pending // 2,
        )
        self._assembly = Assembly(self._limits)
        self._committer = Committer(context, epoch)
        for run, found in accession.runs.items():
            self._assembly.load(run, found.records)
            self._committer.learn(found.sequences, found.keys)
        self._committer.learn(accession.fenced)
        self._completion = Completion(context)
        self._books = Books(context.values)
        self._keeper = Keeper(spec.streams.ack_wait_seconds)
        self._deliveries: dict[int, Delivery] = {}
        self._references: dict[int, Reference] = {}  # message → object that carries its body
        self._deletions: set[asyncio.Task[None]] = set()
        self._late = dict(accession.late)  # run that got a result late → revision of what says so
        self._try_again: dict[str, float] = {}  # run that could not be finished → when to try again
        self._moved = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Reign until the service is stopped. Raises FencedError when another epoch has begun."""
        puller = Puller(
            self._context.nc,
            self._context.names.results,
            self._accession.consumer,
            batch=_PULL_MESSAGES,
            max_bytes=_PULL_BYTES,
            keeper=self._keeper,
        )
        follower = Follower(self._context.nc, self._context.names, self._accession.account_position)
        await puller.start()
        self._context.health.ready()
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keeper.run())
                books = group.create_task(keep(self._books, self._assembly.accounts))
                loops = [
                    group.create_task(self._receive(puller)),
                    group.create_task(self._follow(follower)),
                    group.create_task(self._commit()),
                    group.create_task(self._complete()),
                ]
                ending = group.create_task(self._end(loops))
                await asyncio.wait(loops)
                for task in (ending, keeping, books):
                    task.cancel()
        finally:
            for loop in _LOOPS:
                self._context.health.loop_ended(loop)
            with contextlib.suppress(asyncio.CancelledError):
                await puller.stop()
            await follower.stop()

    async def abandon(self) -> None:
        """Take back what is half done, once nothing more of it can be on its way."""
        await self._committer.abandon()

    async def _end(self, loops: Sequence[asyncio.Task[None]]) -> None:
        """Once the service is to stop, let a commit end that can; the successor makes any other anew."""
        await self._context.stop.wait()
        await asyncio.wait(loops, timeout=_SHARE_OF_GRACE * self._context.settings.grace_seconds)
        for loop in loops:
            loop.cancel()

    # --- results ----------------------------------------------------------------------------------

    async def _receive(self, puller: Puller) -> None:
        beat = self._context.health.loop("results", 120)
        while not self._context.stop.is_set():
            beat()
            if self._assembly.held_bytes > 2 * self._limits.held_bytes:
                self._room.clear()
                await _wait(self._room, _TURN_SECONDS)
                continue
            for delivery in await puller.next(timeout=_TURN_SECONDS):
                await self._take(delivery)
            await self._acknowledge()
            self._moved.set()

    async def _take(self, delivery: Delivery) -> None:
        number = delivery.stream_sequence
        known = self._deliveries.get(number)
        if known is not None:
            self._keeper.release(known)
        self._deliveries[number] = delivery  # the newest delivery is the one to acknowledge
        if self._assembly.is_held(number):
            return
        try:
            results = await self._results(delivery)
        except (BadInputError, NoSuchObjectError, msgspec.DecodeError) as error:
            await self._bury(delivery, error)
            return
        while unknown := {r.id.run for r in results if not self._assembly.knows(r.id.run)}:
            for run in unknown:
                await self._know(run)
        before = self._assembly.duplicates
        self._assembly.offer(number, results, time.monotonic(), delivery.size)
        DUPLICATES.labels("aggregator").inc(self._assembly.duplicates - before)

    async def _know(self, run: str) -> None:
        """Load a run's account; what is appended while it is read is folded meanwhile, and not lost."""
        if not self._assembly.knows(run):
            self._assembly.load(run, [])
            self._late[run] = await self._context.patiently(lambda: runs.note_late(self._context.values, run))
            found = await self._context.patiently(lambda: read_run(self._context, run))
            self._committer.learn(found.sequences, found.keys)
            self._assembly.load(run, found.records)

    async def _bury(self, delivery: Delivery, error: Exception) -> None:
        """Keep a message that is no result among the dead letters: it must not stop the stream."""
        self._context.log.error("not a result", error=str(error), sequence=delivery.stream_sequence)
        for frame in self._broken(delivery, str(error)):
            await bury(
                self._context,
                frame,
                reason="bad-result",
                message=str(error),
                stage="aggregate",
                deliveries=delivery.delivered,
                sequence=delivery.stream_sequence,
            )
        del self._deliveries[delivery.stream_sequence]
        await delivery.ack()

    async def _results(self, delivery: Delivery) -> Sequence[Result]:
        reference = reference_in(delivery.headers, delivery.data)
        if reference is None:
            return decode_results(delivery.headers, delivery.data)
        await self._know(reference.run)
        if self._assembly.is_settled(reference.run, reference.detector, reference.event):
            return []  # committed before; the object may be gone already
        self._references[delivery.stream_sequence] = reference
        body = await self._context.patiently(lambda: self._context.bucket.get(reference.key))
        if await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest()) != reference.sha256:
            raise BadInputError(f"{reference.key}: other bytes than the message says", reason="bad-result")
        return decode_results(reference.headers, body)

    def _broken(self, delivery: Delivery, why: str) -> Sequence[Frame | BrokenFrame]:
        """Return the events that are lost with a message that is no result, as far as it tells them."""
        headers = delivery.headers or {}
        reference = self._references.pop(delivery.stream_sequence, None)
        if reference is None:
            return broken_pack(headers, delivery.data, "bad-result", why)
        identity = FrameId(reference.run, reference.detector, reference.event)
        return [
            BrokenFrame(
                id=identity, reason="bad-result", message=why, headers=dict(headers), body=delivery.data
            )
        ]

    async def _acknowledge(self) -> None:
        for number in self._assembly.take_settled():
            delivery = self._deliveries.pop(number, None)
            if delivery is not None:
                await delivery.ack()
            self._delete_later(self._references.pop(number, None))
        OPEN_CHUNKS.labels("all").set(self._assembly.open_chunks)
        OPEN_EVENTS.labels("all").set(self._assembly.held_events)
        self._room.set()

    def _delete_later(self, reference: Reference | None) -> None:
        """Delete the object of a result that is committed; what is left over goes at the end of the run."""
        if reference is None or not self._assembly.knows(reference.run):
            return
        if self._assembly.is_settled(reference.run, reference.detector, reference.event):
            task = asyncio.create_task(self._delete(reference.key))
            self._deletions.add(task)
            task.add_done_callback(self._deletions.discard)

    async def _delete(self, key: str) -> None:
        with contextlib.suppress(StorageError):
            await self._context.bucket.delete([key])

    # --- account ----------------------------------------------------------------------------------

    async def _follow(self, follower: Follower) -> None:
        while not self._context.stop.is_set():
            for _, record in await follower.next(timeout=_TURN_SECONDS):
                if isinstance(record, Epoch) and record.epoch > self._epoch:
                    raise FencedError(f"epoch {record.epoch} has begun")
                if isinstance(record, Begin) and not self._assembly.knows(record.run):
                    self._assembly.load(record.run, [])
                if self._assembly.knows(record.run):
                    self._assembly.fold(record)
            self._moved.set()

    # --- chunks -----------------------------------------------------------------------------------

    async def _commit(self) -> None:
        beat = self._context.health.loop("commits", 600)
        while not self._context.stop.is_set():
            beat()
            self._assembly.tick(time.monotonic())
            chunk = self._assembly.take_due()
            if chunk is None:
                self._moved.clear()
                await _wait(self._moved, self._until_deadline())
                continue
            record = await self._committed(chunk, beat)
            self._assembly.committed(record)
            await self._acknowledge()
            crash_point("aggregator.acked")
            self._count(chunk, record.size)

    async def _committed(self, chunk: OpenChunk, beat: Beat) -> Commit:
        """Commit a chunk; a full CHUNKS may hold it as long as it likes: that is waiting, not death."""
        commit = asyncio.create_task(self._committer.commit(chunk))
        try:
            while not commit.done():
                await asyncio.wait({commit}, timeout=_TURN_SECONDS)
                beat()
            return commit.result()
        finally:
            commit.cancel()

    def _until_deadline(self) -> float:
        deadline = self._assembly.next_deadline()
        if deadline is None:
            return _TURN_SECONDS
        return min(_TURN_SECONDS, max(0.0, deadline - time.monotonic()))

    def _count(self, chunk: OpenChunk, size: int) -> None:
        CHUNKS.labels(chunk.detector, chunk.reason).inc()
        CHUNK_BYTES.labels(chunk.detector).inc(size)
        CHUNK_LATENCY_SECONDS.labels(chunk.detector).observe(time.monotonic() - chunk.born)
        FRAMES.labels(chunk.detector, "committed").inc(len(chunk.results))
        self._context.log.info(
            "chunk committed",
            run=chunk.run,
            detector=chunk.detector,
            events=len(chunk.results),
            first=min(chunk.results),
            closed_by=chunk.reason,
        )

    # --- runs -------------------------------------------------------------------------------------

    async def _complete(self) -> None:
        while not self._context.stop.is_set():
            now = time.monotonic()
            again = {run for run, due in self._try_again.items() if due <= now}
            for run in again | (self._assembly.take_moved() - self._try_again.keys()):
                self._try_again.pop(run, None)
                if self._assembly.knows(run):
                    await self._look_after(run)
            await asyncio.sleep(0.1)

    async def _look_after(self, run: str) -> None:
        """Extend a run's index, or finish it. Objects that somebody damaged stop this run, and no other."""
        account = self._assembly.accounts[run]
        try:
            await self._completion.extend_index(account)
            if self._assembly.is_complete(run):
                self._assembly.forget(run)
                self._committer.forget(run)
                late = self._late.get(run)
                self._books.complete(account)
                await self._completion.finish(account)
                crash_point("aggregator.completed")
                if late is not None:
                    await self._forget_late(run, late)
        except StorageError as error:
            self._context.log.critical("run cannot be finished", run=run, error=str(error))
            INDEX_TROUBLE.inc()
            found = await self._context.patiently(lambda: read_run(self._context, run))
            self._committer.learn(found.sequences, found.keys)
            self._assembly.load(run, found.records)
            self._try_again[run] = time.monotonic() + _TRY_AGAIN_SECONDS

    async def _forget_late(self, run: str, late: int) -> None:
        """Forget that a run got a result late, unless yet another one has come since it was finished."""
        await self._context.patiently(lambda: runs.forget_late(self._context.values, run, late))
        if self._late.get(run) == late:
            del self._late[run]


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, not for longer. `wait_for` would lose a cancellation that comes together with it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
