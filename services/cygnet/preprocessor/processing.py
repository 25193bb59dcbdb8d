"""Frames to outcomes: fetch what is announced, decode, apply the stages. One bad frame costs one frame."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec

from cygnet.imaging import DecodeLimits
from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, MAX_ATTRIBUTES_BYTES, Announcement, Frame
from cygnet.model.result import Result
from cygnet.model.timestamp import parse_time
from cygnet.preprocessor.fetch import Fetcher
from cygnet.preprocessor.images import to_array
from cygnet.preprocessor.outcome import Consumed, Done, GivenUp, Outcome, give_up
from cygnet.preprocessor.parameters import Snapshot
from cygnet.preprocessor.stages import Recipe
from cygnet.runtime.context import Context
from cygnet.spec.sources import ExpectedFrame
from cygnet.storage.checksum import crc32c
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
        self._most_bytes = spec.streams.chunks_bytes // 2
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
        for frame, each in zip(frames, fetched, strict=True):
            outcome = next(processed) if isinstance(each, Frame) else each
            if isinstance(outcome, GivenUp):  # the letter holds what came, so that a replay fetches again
                outcome = replace(outcome, frame=frame)
            elif isinstance(outcome, Done) and not store.get(outcome.result.id.run, True):
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
            _check_crc(announcement, body)
            return announced_frame(frame, announcement, body, time_ns)
        except BadInputError as error:
            return give_up(frame, error, "fetch")

    async def _in_threads(self, frames: Sequence[Frame], snapshot: Snapshot) -> list[Outcome]:
        """Process all in one thread; if that takes too long, one by one, so that the slow one is known."""
        if not frames:
            return []
        if self._recipe.delay_seconds:
            async with self._one_at_a_time:
                await asyncio.sleep(self._recipe.delay_seconds * len(frames))
        pool = self._pool
        work = pool.submit(self._process_all, frames, snapshot)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(work)), self._too_slow_seconds)
        except TimeoutError:
            was_begun = not work.cancel()
            if pool is self._pool:  # what waits in it has its own time-out
                pool.shutdown(wait=False)
                self._pool = ThreadPoolExecutor(2, thread_name_prefix="kernels")
        if not was_begun:  # others took both threads: that says nothing about these frames
            return await self._in_threads(frames, snapshot)
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
            if array.nbytes > self._most_bytes:
                raise BadInputError(
                    f"result: {array.nbytes} bytes; accepted: {self._most_bytes}, half of"
                    " streams.chunksBytes",
                    reason="too-large",
                )
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


def _check_crc(announcement: Announcement, body: bytes) -> None:
    if announcement.crc32c is not None and (found := crc32c(body)) != announcement.crc32c:
        raise BadInputError(
            f"crc32c: the body has {found}; announced: {announcement.crc32c}", reason="wrong-checksum"
        )


def announced_frame(frame: Frame, announcement: Announcement, body: bytes, time_ns: int) -> Frame:
    """Return the frame with the bytes that its announcement points at and the time that it tells.

    Raises BadInputError when its attributes are more than a result may carry.
    """
    # What this source stored itself has its exact time in the header; a stored run that is announced
    # again, or another pipeline's, has it in the announcement only.
    ours = (announcement.run, announcement.detector, announcement.event) == (
        frame.id.run,
        frame.id.detector,
        frame.id.event,
    )
    attrs = {**frame.attrs, **(announcement.attrs or {})}
    if announcement.filename:
        attrs.setdefault("filename", announcement.filename)
    if not ours:  # who the frame was elsewhere is no identity here, but worth knowing
        for name in ("run", "event", "detector"):
            if (value := getattr(announcement, name)) is not None:
                attrs.setdefault(f"announced_{name}", value)
    if (size := len(msgspec.json.encode(attrs))) > MAX_ATTRIBUTES_BYTES:
        raise BadInputError(
            f"attrs and filename: {size} bytes; accepted: up to {MAX_ATTRIBUTES_BYTES}",
            reason="attrs-too-large",
        )
    described = announcement.dtype is not None and announcement.shape is not None
    return replace(
        frame,
        body=body,
        content_type="",
        encoding=(announcement.codec or "identity") if described else "identity",
        dtype=announcement.dtype or "" if described else "",
        shape=tuple(announcement.shape or ()) if described else (),
        axes=_axes(frame.axes, announcement.shape) if described else frame.axes,
        time_ns=frame.time_ns if ours else time_ns,
        attrs=attrs,
    )


def _axes(axes: str, shape: Sequence[int] | None) -> str:
    """Return the axes as the header names them; an announcement says a shape and no axes."""
    if shape is not None and len(shape) == 3 and axes.count(",") != 2:
        return "panel,y,x"
    return axes
