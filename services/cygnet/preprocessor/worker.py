"""The pull loop: messages in, outcomes out, and an input is acknowledged only after its outputs are."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from cygnet.model.account import ALL_DETECTORS, Begin
from cygnet.model.frame import Frame
from cygnet.preprocessor.appetite import Appetite
from cygnet.preprocessor.attempts import Attempts
from cygnet.preprocessor.outcome import GivenUp
from cygnet.preprocessor.outputs import Outputs
from cygnet.preprocessor.parameters import Parameters
from cygnet.preprocessor.processing import Processor
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.metrics import BATCH_FRAMES, DEAD_BODIES_LOST, PARAMS_REVISION, PROCESSING_SECONDS
from cygnet.transport.account import last_record
from cygnet.transport.codec import BrokenFrame, decode_frames, frame_count
from cygnet.transport.errors import TransportError
from cygnet.transport.puller import Delivery, Keeper, Puller
from cygnet.transport.streams import PREPROCESSOR, stream_state

_PULL_BYTES = 8 << 20
_KILLED_TWICE = 2
_TURN_SECONDS = 1.0
_SHARE_OF_GRACE = 0.7  # in which what is begun is finished; then it is given back
_STATS_SECONDS = 5.0
_RUNS_KNOWN = 1024  # begin records that are kept: more runs than a batch has frames of
_LAST_SECONDS = 2.0


class Worker:
    """One preprocessor's data path, from FRAMES to RESULTS."""

    def __init__(self, context: Context, processor: Processor, parameters: Parameters) -> None:
        spec = context.pipeline.spec
        self._context = context
        self._processor = processor
        self._parameters = parameters
        self._keeper = Keeper(spec.streams.ack_wait_seconds)
        self._max_deliver = spec.dead_letters.max_deliver
        self._outputs = Outputs(context)
        self._attempts = Attempts(context)
        self._begins: dict[str, Begin] = {}
        self._appetite = Appetite()
        self._suspects: list[Delivery] = []
        self._group: asyncio.TaskGroup | None = None
        self._begun: set[asyncio.Task[None]] = set()
        self._in_hand = 0  # frames of the batches that are begun
        self._handled = {"frames": 0, "messages": 0, "processed": 0}

    async def run(self) -> None:
        """Pull and process until the service is stopped; what is held then is finished first."""
        context = self._context
        puller = Puller(
            context.nc,
            context.names.frames,
            PREPROCESSOR,
            batch=self._appetite.messages,
            max_bytes=_PULL_BYTES,
            keeper=self._keeper,
        )
        await puller.start()
        beat = context.health.loop("pull", 120)
        context.health.ready()
        async with asyncio.TaskGroup() as group:
            self._group = group
            helpers = [group.create_task(self._keeper.run()), group.create_task(self._tell_stats())]
            while not context.stop.is_set():
                beat()
                await self._alone(beat)
                if not await self._room(beat):
                    break
                puller.batch = self._appetite.messages
                if deliveries := await puller.next(timeout=0.5):
                    frames = sum(frame_count(delivery.headers) for delivery in deliveries)
                    self._in_hand += frames
                    self._begin(self._batch(deliveries, frames))
            await puller.stop()
            if self._begun:
                await asyncio.wait(self._begun, timeout=_SHARE_OF_GRACE * context.settings.grace_seconds)
            for task in (*self._begun, *helpers):
                task.cancel()
        await _give_back(self._suspects)

    async def _batch(self, deliveries: Sequence[Delivery], count: int) -> None:
        """Handle what was pulled together, `count` frames; suspects are put aside, to be processed alone."""
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
            self._in_hand -= count

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin what is finished, or given back, before the service ends."""
        if self._group is None:
            raise RuntimeError("the worker does not run")
        task = self._group.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def _watched(self, task: asyncio.Task[None], beat: Beat) -> None:
        """Wait for a task, alive, or for the end of the service."""
        while not (task.done() or self._context.stop.is_set()):
            beat()
            await asyncio.wait({task}, timeout=_TURN_SECONDS)

    async def _room(self, beat: Beat, *, alone: bool = False) -> bool:
        """Wait until another batch may begin; False if the service is to stop. An outage holds, alive.

        `alone`: with nothing else in this process.
        """
        while not self._context.stop.is_set():
            beat()
            if not self._begun or (not alone and self._appetite.takes_more(len(self._begun), self._in_hand)):
                return True
            await asyncio.wait(self._begun, timeout=_TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return False

    async def _handle(self, deliveries: Sequence[Delivery], *, apart: bool = False) -> None:
        """Process all frames of the messages, publish, acknowledge."""
        if not deliveries:
            return
        frames, origins = [], []
        for delivery in deliveries:
            entries = decode_frames(delivery.headers, delivery.data)
            frames += entries
            origins += [delivery] * len(entries)
        self._appetite.learn_packing(len(frames), len(deliveries))
        begun = 0
        while begun < len(frames):
            size = 1 if apart else self._appetite.portion(len(frames) - begun)
            portion = slice(begun, begun + size)
            taken = await self._portion(frames[portion], origins[portion])
            if not apart:
                self._appetite.learn_time(size, taken)
            begun += size
        for delivery in deliveries:
            await delivery.ack()
        crash_point("preprocessor.acked")
        self._handled["frames"] += len(frames)
        self._handled["messages"] += len(deliveries)

    async def _portion(self, frames: Sequence[Frame | BrokenFrame], origins: Sequence[Delivery]) -> float:
        """Process and publish what makes a turn; return how many seconds it took."""
        started = time.monotonic()
        await self._process_and_publish(frames, origins)
        taken = time.monotonic() - started
        self._handled["processed"] += len(frames)
        PROCESSING_SECONDS.labels("batch").observe(taken)
        BATCH_FRAMES.observe(len(frames))
        return taken

    async def _process_and_publish(
        self, frames: Sequence[Frame | BrokenFrame], origins: Sequence[Delivery]
    ) -> None:
        snapshot = await self._context.patiently(self._parameters.snapshot)
        PARAMS_REVISION.set(snapshot.revision)
        await self._read_begins(frames)
        store = {run: begin.store for run, begin in self._begins.items()}
        crash_point("preprocessor.pulled")
        outcomes = await self._processor.process(frames, snapshot, store)
        crash_point("preprocessor.processed")
        await self._outputs.publish(outcomes, origins)

    # --- frames that may kill ---------------------------------------------------------------------

    async def _alone(self, beat: Beat) -> None:
        """Process the suspects, with nothing else in this process."""
        while self._suspects and await self._room(beat, alone=True):
            await self._watched(self._begin(self._try_alone(self._suspects.pop(0))), beat)

    async def _try_alone(self, delivery: Delivery) -> None:
        """Try each frame of a message that was seen too often, after writing the attempt down."""
        try:
            for frame in decode_frames(delivery.headers, delivery.data):
                if await self._attempts.count(frame.id) >= _KILLED_TWICE:
                    text = f"{_KILLED_TWICE} attempts to process it alone ended with the process"
                    killer = GivenUp(frame, "killed-the-worker", text, "process")
                    await self._outputs.publish([killer], [delivery])
                else:
                    await self._attempts.note(frame.id)
                    crash_point("preprocessor.attempt-noted")
                    try:
                        await self._process_and_publish([frame], [delivery])
                    except (StoppedError, asyncio.CancelledError):  # we were held, and end: not its fault
                        async with asyncio.timeout(_LAST_SECONDS):
                            await self._attempts.forget(frame.id)
                        raise
                await self._attempts.forget(frame.id)
            await delivery.ack()
        except StoppedError:
            await delivery.nak()
        except asyncio.CancelledError:
            await delivery.nak()
            raise

    # --- around -----------------------------------------------------------------------------------

    async def _read_begins(self, frames: Iterable[Frame | BrokenFrame]) -> None:
        """Read the begin records of the frames' runs, each once."""
        for run in {frame.id.run for frame in frames if frame.id is not None} - self._begins.keys():
            begin = await self._context.patiently(partial(self._begin_of, run))
            if begin is not None:
                if len(self._begins) >= _RUNS_KNOWN:
                    self._begins.pop(next(iter(self._begins)))
                self._begins[run] = begin

    async def _begin_of(self, run: str) -> Begin | None:
        record = await last_record(self._context.nc, self._context.names, run, ALL_DETECTORS, Begin.kind)
        return record if isinstance(record, Begin) else None

    async def _tell_stats(self) -> None:
        """Say every 5 s what was handled, so that lag can be told in frames.

        `frames`, `messages`: of messages that are done with; `processed`: frames, also of those in hand.
        """
        context = self._context
        subject = context.names.stats_subject(context.settings.instance).encode()
        while True:
            await asyncio.sleep(_STATS_SECONDS)
            context.nc.send_message(subject, msgspec.json.encode(self._handled))
            with contextlib.suppress(TransportError):
                state = await stream_state(context.nc, context.names.dead)
                DEAD_BODIES_LOST.set(max(0, state.first_seq - 1))  # what has left, left at the old end


async def _give_back(deliveries: Iterable[Delivery]) -> None:
    """Hand messages to whoever asks next, at once; those that are acknowledged stay so."""
    for delivery in deliveries:
        await delivery.nak()
