"""Frames to outcomes: fetch what is announced, decode, apply the stages. One bad frame costs one frame."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cygnet.imaging import DecodeLimits
from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.model.result import Result
from cygnet.model.timestamp import parse_time
from cygnet.preprocessor.fetch import Fetcher
from cygnet.preprocessor.images import to_array
from cygnet.preprocessor.outcome import Consumed, Done, GivenUp, Outcome, give_up
from cygnet.preprocessor.parameters import Snapshot
from cygnet.preprocessor.stages import Recipe
from cygnet.runtime.context import Context
from cygnet.spec.sources import ExpectedFrame
from cygnet.transport.codec import BrokenFrame, decode_announcement

_ARRAY_NAME = "image"
_ANY = ExpectedFrame()
NOT_SAVED = "run-not-saved"


class Processor:
    """Holds what the frames of one pipeline are processed with; knows nothing of messages."""

    def __init__(self, context: Context, recipe: Recipe, fetcher: Fetcher) -> None:
        spec = context.pipeline.spec
        limits = spec.preprocessor.image_limits
        self._context = context
        self._recipe = recipe
        self._fetcher = fetcher
        self._limits = DecodeLimits(max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)
        self._expected = {source.name: source.expect for source in spec.sources}
        self._too_slow_seconds = spec.streams.max_processing_seconds
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="kernels")
        self._one_at_a_time = asyncio.Lock()

    async def process(
        self, frames: Sequence[Frame | BrokenFrame], snapshot: Snapshot, store: dict[str, bool]
    ) -> list[Outcome]:
        """Return the outcome of each frame, in order; `store`: which runs are stored."""
        fetched = await asyncio.gather(*(self._fetched(frame) for frame in frames))
        frames_only = [each for each in fetched if isinstance(each, Frame)]
        processed = iter(await self._in_threads(frames_only, snapshot))
        outcomes: list[Outcome] = []
        for each in fetched:
            outcome = next(processed) if isinstance(each, Frame) else each
            if isinstance(outcome, Done) and not store.get(outcome.result.id.run, True):
                outcome = Consumed(outcome.result.id, NOT_SAVED)
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _fetched(self, frame: Frame | BrokenFrame) -> Frame | GivenUp:
        """Return the frame with its bytes; an outage of our own storage holds it here."""
        if isinstance(frame, BrokenFrame):
            return GivenUp(frame, frame.reason, frame.message, "decode")
        if frame.content_type != ANNOUNCEMENT:
            return frame
        try:
            announcement = decode_announcement(frame.body)
            time_ns = parse_time(announcement.time)
            body = await self._context.patiently(lambda: self._fetcher.fetch(announcement))
        except BadInputError as error:
            return give_up(frame, error, "fetch")
        return announced_frame(frame, announcement, body, time_ns)

    async def _in_threads(self, frames: Sequence[Frame], snapshot: Snapshot) -> list[Outcome]:
        """Process all in one thread; if that takes too long, one by one, so that the slow one is known."""
        if not frames:
            return []
        if self._recipe.delay_seconds:
            async with self._one_at_a_time:
                await asyncio.sleep(self._recipe.delay_seconds * len(frames))
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, self._process_all, frames, snapshot)
        try:
            return await asyncio.wait_for(work, self._too_slow_seconds)
        except TimeoutError:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = ThreadPoolExecutor(2, thread_name_prefix="kernels")
        if len(frames) > 1:
            return [outcome for frame in frames for outcome in await self._in_threads([frame], snapshot)]
        text = f"processing took longer than streams.maxProcessingSeconds, {self._too_slow_seconds:g} s"
        return [GivenUp(frames[0], "too-slow", text, "process")]

    def _process_all(self, frames: Sequence[Frame], snapshot: Snapshot) -> list[Outcome]:
        return [self._process_one(frame, snapshot) for frame in frames]

    def _process_one(self, frame: Frame, snapshot: Snapshot) -> Outcome:
        expected = self._expected.get(frame.id.detector, _ANY)
        try:
            image = to_array(frame, self._limits, expected, self._recipe)
            array = self._recipe.apply(image, snapshot.window)
        except Exception as error:  # whatever a frame does to us, it costs that frame
            return give_up(frame, error, "process")
        return Done(
            Result(
                id=frame.id,
                time_ns=frame.time_ns,
                arrays={_ARRAY_NAME: array},
                axes={_ARRAY_NAME: frame.axes},
                revision=snapshot.revision,
                provenance=snapshot.provenance,
                attrs=frame.attrs,
            )
        )


def announced_frame(frame: Frame, announcement: Announcement, body: bytes, time_ns: int) -> Frame:
    """Return the frame with the bytes that its announcement points at and the time that it tells."""
    ours = announcement.run is not None  # our own announcements carry the exact time in the header
    attrs = {**frame.attrs, **(announcement.attrs or {})}
    if announcement.filename:
        attrs.setdefault("filename", announcement.filename)
    described = announcement.dtype is not None and announcement.shape is not None
    return replace(
        frame,
        body=body,
        content_type="",
        encoding=(announcement.codec or "identity") if described else "identity",
        dtype=announcement.dtype or "" if described else "",
        shape=tuple(announcement.shape or ()) if described else (),
        time_ns=frame.time_ns if ours else time_ns,
        attrs=attrs,
    )
