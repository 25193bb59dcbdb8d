"""The pull loop: messages in, outcomes out, and an input is acknowledged only after its outputs are."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from cygnet.model.account import ALL_DETECTORS, Begin
from cygnet.model.account import Consumed as ConsumedRecord
from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.model.intervals import compress
from cygnet.model.result import Result
from cygnet.preprocessor.outcome import Consumed, Done, GivenUp, Outcome
from cygnet.preprocessor.parameters import Parameters
from cygnet.preprocessor.processing import Processor
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.metrics import (
    BATCH_FRAMES,
    DEAD_BODIES_LOST,
    DEAD_LETTERS,
    FRAMES,
    PARAMS_REVISION,
    PROCESSING_SECONDS,
)
from cygnet.transport.account import append, last_record
from cygnet.transport.codec import (
    BrokenFrame,
    decode_frames,
    encode_results,
    frame_message_id,
    pack_message_id,
)
from cygnet.transport.connection import inline_limit
from cygnet.transport.dead import bury
from cygnet.transport.errors import TransportError
from cygnet.transport.publisher import PubAck
from cygnet.transport.puller import Delivery, Keeper, Puller
from cygnet.transport.reference import as_reference, reference_key
from cygnet.transport.streams import PREPROCESSOR, stream_state
from cygnet.transport.values import ConflictError

STAGE = "result"
_BATCHES_AT_ONCE = 3  # one fetches, one is in the kernels, one is being published
_FIRST_BATCH, _LARGEST_BATCH = 4, 64
_BATCH_SECONDS = 0.25
_PULL_BYTES = 8 << 20
_PACK_BYTES = 1 << 20
_KILLED_TWICE = 2
_TURN_SECONDS = 1.0
_SHARE_OF_GRACE = 0.7  # in which what is begun is finished; then it is given back
_STATS_SECONDS = 5.0


def batch_for(seconds_per_frame: float) -> int:
    """Return how many frames to pull so that a batch takes about a quarter of a second."""
    if seconds_per_frame <= 0:
        return _LARGEST_BATCH
    return max(1, int(min(_LARGEST_BATCH, _BATCH_SECONDS / seconds_per_frame)))


class Worker:
    """One preprocessor's data path, from FRAMES to RESULTS."""

    def __init__(self, context: Context, processor: Processor, parameters: Parameters) -> None:
        spec = context.pipeline.spec
        self._context = context
        self._processor = processor
        self._parameters = parameters
        self._keeper = Keeper(spec.streams.ack_wait_seconds)
        self._max_deliver = spec.dead_letters.max_deliver
        self._inline = inline_limit(context.nc)
        self._pack_bytes = min(_PACK_BYTES, self._inline // 2)  # the rest is for index and attributes
        self._begins: dict[str, Begin | None] = {}
        self._seconds_per_frame = _BATCH_SECONDS / _FIRST_BATCH
        self._suspects: list[Delivery] = []
        self._handled = {"frames": 0, "messages": 0}

    async def run(self) -> None:
        """Pull and process until the service is stopped; what is held then is finished first."""
        context = self._context
        puller = Puller(
            context.nc,
            context.names.frames,
            PREPROCESSOR,
            batch=_FIRST_BATCH,
            max_bytes=_PULL_BYTES,
            keeper=self._keeper,
        )
        await puller.start()
        beat = context.health.loop("pull", 120)
        context.health.ready()
        helpers = [asyncio.create_task(self._keeper.run()), asyncio.create_task(self._tell_stats())]
        begun: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as batches:
                slots = asyncio.Semaphore(_BATCHES_AT_ONCE)
                while not context.stop.is_set():
                    beat()
                    deliveries = await puller.next(timeout=0.5)
                    await self._alone(slots, beat)
                    if not deliveries:
                        continue
                    if not await self._slot(slots, beat):
                        await _give_back(deliveries)
                        break
                    task = batches.create_task(self._batch(deliveries, slots))
                    begun.add(task)
                    task.add_done_callback(begun.discard)
                    puller.batch = batch_for(self._seconds_per_frame)
                await puller.stop()
                if begun:
                    await asyncio.wait(begun, timeout=_SHARE_OF_GRACE * context.settings.grace_seconds)
                for task in begun:
                    task.cancel()
            await _give_back(self._suspects)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _batch(self, deliveries: Sequence[Delivery], slots: asyncio.Semaphore) -> None:
        """Handle what was pulled together; suspects are put aside, to be processed alone."""
        try:
            fresh: list[Delivery] = []
            for delivery in deliveries:
                (self._suspects if delivery.delivered > self._max_deliver else fresh).append(delivery)
            once = [delivery for delivery in fresh if delivery.delivered == 1]
            await self._handle(once)
            for delivery in fresh:
                if delivery.delivered > 1:  # what is delivered again is taken apart
                    await self._handle([delivery], apart=True)
        except StoppedError:
            await _give_back(deliveries)
        except asyncio.CancelledError:
            await _give_back(deliveries)
            raise
        finally:
            slots.release()

    async def _slot(self, slots: asyncio.Semaphore, beat: Beat) -> bool:
        """Wait until another batch may begin; False if the service is to stop. An outage holds, alive."""
        while not self._context.stop.is_set():
            beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TURN_SECONDS):
                    return await slots.acquire()
        return False

    async def _handle(self, deliveries: Sequence[Delivery], *, apart: bool = False) -> None:
        """Process all frames of the messages, publish, acknowledge."""
        if not deliveries:
            return
        frames = [
            frame for delivery in deliveries for frame in decode_frames(delivery.headers, delivery.data)
        ]
        started = time.monotonic()
        for group in [[frame] for frame in frames] if apart else [frames]:
            await self._process_and_publish(group, max(delivery.delivered for delivery in deliveries))
        if frames and not apart:
            taken = (time.monotonic() - started) / len(frames)
            self._seconds_per_frame += 0.3 * (taken - self._seconds_per_frame)
            PROCESSING_SECONDS.labels("batch").observe(taken * len(frames))
            BATCH_FRAMES.observe(len(frames))
        for delivery in deliveries:
            await delivery.ack()
        crash_point("preprocessor.acked")
        self._handled["frames"] += len(frames)
        self._handled["messages"] += len(deliveries)

    async def _process_and_publish(self, frames: Sequence[Frame | BrokenFrame], deliveries: int) -> None:
        snapshot = await self._context.patiently(self._parameters.snapshot)
        PARAMS_REVISION.set(snapshot.revision)
        store = {
            run: begin.store if begin else True for run, begin in (await self._begins_of(frames)).items()
        }
        crash_point("preprocessor.pulled")
        outcomes = await self._processor.process(frames, snapshot, store)
        crash_point("preprocessor.processed")
        await self._publish(outcomes, deliveries)

    async def _publish(self, outcomes: Sequence[Outcome], deliveries: int) -> None:
        """Publish results, consumed records and dead letters; return when all are acknowledged."""
        results = [outcome.result for outcome in outcomes if isinstance(outcome, Done)]
        futures = [await self._submit(pack) for pack in packs(results, self._pack_bytes)]
        await self._record_consumed([outcome for outcome in outcomes if isinstance(outcome, Consumed)])
        for outcome in outcomes:
            if isinstance(outcome, GivenUp):
                await self._bury(outcome, deliveries)
        await asyncio.gather(*futures)
        crash_point("preprocessor.published")
        for result in results:
            FRAMES.labels(result.id.detector, "processed").inc()

    async def _submit(self, results: Sequence[Result]) -> "asyncio.Future[PubAck]":
        headers, body = encode_results(results)
        msg_id = pack_message_id([result.id for result in results], STAGE)
        if len(results) == 1:
            msg_id = frame_message_id(results[0].id, STAGE)
        if len(body) > self._inline:
            headers, body = await self._store_result(results[0], headers, body)
        subject = self._context.names.result_subject(results[0].id.detector)
        return await self._context.window.submit(subject, body, headers, msg_id=msg_id)

    async def _store_result(
        self, result: Result, headers: dict[str, str], body: bytes
    ) -> tuple[dict[str, str], bytes]:
        """Put a result that no message can carry into the bucket; return the message that points at it."""
        sha256 = hashlib.sha256(body).hexdigest()
        # Other bytes get another key: a frame processed again must not change what a message points at.
        key = f"{reference_key(self._context.pipeline.prefix, result.id)}-{sha256[:16]}"
        await self._context.patiently(
            lambda: self._context.bucket.put(key, body, content_type="application/octet-stream")
        )
        crash_point("preprocessor.result-stored")
        return as_reference(result.id, headers, key=key, size=len(body), sha256=sha256)

    async def _record_consumed(self, consumed: Iterable[Consumed]) -> None:
        """Write one record for each run, detector and reason."""
        groups: dict[tuple[str, str, str], list[int]] = {}
        for each in consumed:
            groups.setdefault((each.id.run, each.id.detector, each.reason), []).append(each.id.event)
        for (run, detector, reason), events in groups.items():
            record = ConsumedRecord(run=run, detector=detector, events=compress(events), reason=reason)
            await append(self._context.window, self._context.names, record)
            FRAMES.labels(detector, "consumed").inc(len(events))
            crash_point("preprocessor.consumed")

    async def _bury(self, given_up: GivenUp, deliveries: int) -> None:
        frame = given_up.frame
        identity = frame.id
        detector = identity.detector if identity else "unknown"
        self._context.log.warning(
            "frame given up",
            reason=given_up.reason,
            why=given_up.message,
            run=identity.run if identity else None,
            detector=detector,
            _event=identity.event if identity else None,
        )
        await bury(
            self._context.window,
            self._context.names,
            frame,
            reason=given_up.reason,
            message=given_up.message,
            stage=given_up.stage,
            deliveries=deliveries,
            between=lambda: crash_point("preprocessor.dead-lettered"),
        )
        crash_point("preprocessor.dead-recorded")
        DEAD_LETTERS.labels(detector, given_up.reason).inc()

    # --- frames that may kill ---------------------------------------------------------------------

    async def _alone(self, slots: asyncio.Semaphore, beat: Beat) -> None:
        """Process the suspects, with nothing else in this process."""
        if not self._suspects:
            return
        taken = 0
        try:
            while taken < _BATCHES_AT_ONCE:
                if not await self._slot(slots, beat):
                    return
                taken += 1
            while self._suspects and not self._context.stop.is_set():
                beat()
                await self._try_alone(self._suspects.pop(0))
        finally:
            for _ in range(taken):
                slots.release()

    async def _try_alone(self, delivery: Delivery) -> None:
        """Try each frame of a message that was seen too often, after writing the attempt down."""
        try:
            for frame in decode_frames(delivery.headers, delivery.data):
                attempts = await self._context.patiently(partial(self._attempts, frame.id))
                if attempts >= _KILLED_TWICE:
                    text = f"{_KILLED_TWICE} attempts to process it alone ended with the process"
                    await self._bury(GivenUp(frame, "killed-the-worker", text, "process"), delivery.delivered)
                else:
                    await self._context.patiently(partial(self._note_attempt, frame.id))
                    crash_point("preprocessor.attempt-noted")
                    try:
                        await self._process_and_publish([frame], delivery.delivered)
                    except StoppedError:  # an outage and our end: no fault of the frame's
                        await self._context.patiently(partial(self._forget_attempts, frame.id))
                        raise
                await self._context.patiently(partial(self._forget_attempts, frame.id))
            await delivery.ack()
        except StoppedError:
            await delivery.nak()

    async def _attempts(self, identity: FrameId | None) -> int:
        if identity is None:  # it cannot even be told apart: it will not reach the kernels
            return 0
        value = await self._context.values.get(_attempt_key(identity))
        return int(value.data["attempts"]) if value else 0

    async def _forget_attempts(self, identity: FrameId | None) -> None:
        if identity is not None:
            await self._context.values.delete(_attempt_key(identity))

    async def _note_attempt(self, identity: FrameId | None) -> None:
        while identity is not None:
            key = _attempt_key(identity)
            value = await self._context.values.get(key)
            try:
                if value is None:
                    await self._context.values.create(key, {"attempts": 1})
                else:
                    attempts = int(value.data["attempts"]) + 1
                    await self._context.values.update(key, {"attempts": attempts}, value.revision)
            except ConflictError:
                continue
            return

    # --- around -----------------------------------------------------------------------------------

    async def _begins_of(self, frames: Iterable[Frame | BrokenFrame]) -> dict[str, Begin | None]:
        """Return the begin records of the frames' runs; each is read once."""
        for run in {frame.id.run for frame in frames if frame.id is not None}:
            if run not in self._begins:
                self._begins[run] = await self._context.patiently(partial(self._begin_of, run))
        return self._begins

    async def _begin_of(self, run: str) -> Begin | None:
        record = await last_record(self._context.nc, self._context.names, run, ALL_DETECTORS, Begin.kind)
        return record if isinstance(record, Begin) else None

    async def _tell_stats(self) -> None:
        """Say every 5 s how many frames and messages were handled, so that lag can be told in frames."""
        context = self._context
        subject = context.names.stats_subject(context.settings.instance)
        while True:
            await asyncio.sleep(_STATS_SECONDS)
            await context.nc.publish(subject, msgspec.json.encode(self._handled))
            with contextlib.suppress(TransportError):
                state = await stream_state(context.nc, context.names.dead)
                DEAD_BODIES_LOST.set(max(0, state.first_seq - 1))  # what has left, left at the old end


def packs(results: Sequence[Result], most_bytes: int = _PACK_BYTES) -> list[list[Result]]:
    """Return the results in groups of one detector and at most `most_bytes` of arrays, in order."""
    groups: list[list[Result]] = []
    size: dict[str, int] = {}
    last: dict[str, list[Result]] = {}
    for result in results:
        detector = result.id.detector
        if detector not in last or size[detector] + result.nbytes > most_bytes:
            last[detector] = []
            groups.append(last[detector])
            size[detector] = 0
        last[detector].append(result)
        size[detector] += result.nbytes
    return groups


async def _give_back(deliveries: Iterable[Delivery]) -> None:
    """Hand messages to whoever asks next, at once; those that are acknowledged stay so."""
    for delivery in deliveries:
        await delivery.nak()


def _attempt_key(identity: FrameId) -> str:
    return f"attempt.{identity.run}.{identity.detector}.{identity.event}"
