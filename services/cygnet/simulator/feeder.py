"""Feeds one detector's frames into FRAMES: paced, in a window of bytes, with a cursor behind it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from cygnet.model.account import DUPLICATE, Dropped
from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.model.identity import FrameId
from cygnet.model.intervals import Pairs, compress
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.metrics import FRAMES, SOURCE_DROPPED_FRAMES, SOURCE_HELD_SECONDS, SOURCE_NEXT_EVENT
from cygnet.simulator.beam import Beam
from cygnet.simulator.cursor import Cursor
from cygnet.simulator.outlet import Route, Store, info_line, pack, route
from cygnet.simulator.pacing import Pace
from cygnet.simulator.schedule import Schedule
from cygnet.simulator.source import Batch, Source
from cygnet.transport.account import append
from cygnet.transport.codec import announcement_frame, encode_announcement
from cygnet.transport.connection import inline_limit

_BATCH = 64  # frames that are made and published together
_IDLE_SECONDS = 0.05
_LAST_LOOK_SECONDS = 5.0  # in which INTAKE gives again what a killed bridge had taken, if it still can
_TURN_WITHIN_SECONDS = 60
_LOOK_SECONDS = 1.0
_SHARE_OF_STREAM = 4  # a message of more than this part of its stream could block it for ever
OVERRUN = "intake-overrun"  # the announcer was faster than the bridge for longer than INTAKE holds


@dataclass(frozen=True, slots=True)
class Feed:
    """How one detector's frames are to be published."""

    source: Source
    schedule: Schedule | None
    events: int | None
    mirror_subjects: Sequence[str]


class Feeder:
    """Publishes one run of one detector until it is exhausted, has made `events`, or is told to end."""

    def __init__(self, context: Context, feed: Feed, run: str, end: asyncio.Event, beam: Beam) -> None:
        self._context = context
        self._feed = feed
        self._run = run
        self._end = end
        self._beam = beam
        self._detector = feed.source.detector
        self.cursor = Cursor(context.values, run, self._detector)
        sources = context.pipeline.spec.sources
        self._spec = next(source for source in sources if source.name == self._detector)
        self._store = Store(
            context.bucket_of(self._spec.frames_bucket),
            self._spec.frames_bucket or context.pipeline.spec.uploader.bucket,
            context.pipeline.prefix,
            by_content=self._spec.frame_keys == "content",
        )
        frames_bytes = context.pipeline.spec.streams.frames_bytes
        self._limit = min(inline_limit(context.nc), frames_bytes // _SHARE_OF_STREAM)
        self._mode = context.pipeline.spec.transport.mode
        for reason in (OVERRUN, Route.TOO_LARGE.value):  # from 0: the first one is an increase too
            SOURCE_DROPPED_FRAMES.labels(self._detector, reason)
        SOURCE_HELD_SECONDS.labels(self._detector)

    async def prepare(self) -> None:
        """Go to the cursor and open the source there: from now on nothing that comes is missed."""
        await self._context.patiently(self.cursor.load)
        if self._spec.frames_bucket:
            await self._context.ensure_bucket(self._spec.frames_bucket)
        feed = self._feed
        await self._context.patiently(lambda: feed.source.open(self._run, self.cursor.next, feed.events))

    async def run(self) -> int:
        """Publish what follows; return the numbers issued."""
        health, loop = self._context.health, f"feed {self._detector}"
        beat = health.loop(loop, _TURN_WITHIN_SECONDS)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._context.patiently(self.cursor.follow))
                await self._publish_all(beat)
                writer.cancel()
        finally:
            health.loop_ended(loop)
            await self._feed.source.close()
        await self._context.patiently(self.cursor.write)
        await self._beam.report(self._detector, on=False)
        return self.cursor.next

    async def _publish_all(self, beat: Beat) -> None:
        event = self.cursor.next
        pace = Pace(self._feed.schedule, event, time.monotonic())
        last = self._feed.events
        begun = self.cursor.reserved  # a source that was killed had published up to here, perhaps
        gone_at: float | None = None  # when an ended run stops waiting for what it had begun
        while not self._context.stop.is_set():
            beat()
            most = _BATCH if last is None else min(_BATCH, last - event)
            if self._end.is_set():  # what may be in the stream has a number, and the run must own it
                most = min(most, begun - event)
            if most <= 0:
                break
            due = pace.due(event, time.monotonic(), most)
            on, lasts = pace.beam(time.monotonic())
            await self._beam.report(self._detector, on=on or due > 0)
            if not due:
                await self._pause(min(lasts, pace.wait(event, time.monotonic())))
                continue
            batch = await self._feed.source.take(event, due)
            if self._end.is_set() and batch.next_event == event:
                if time.monotonic() < (gone_at := gone_at or time.monotonic() + _LAST_LOOK_SECONDS):
                    continue
                batch = Batch(next_event=begun, dropped=[(event, begun - 1)])
            await self._context.patiently(partial(self.cursor.reserve, batch.next_event))
            started, held_before = time.monotonic(), self._context.window.held_seconds
            await self._publish(batch, beat)
            self.cursor.advance(batch.next_event)
            crash_point("simulator.published")
            event = batch.next_event
            SOURCE_NEXT_EVENT.labels(self._detector).set(event)
            full = self._context.window.held_seconds - held_before
            pace = self._account_for_hold(pace, event, started, full)
            if batch.exhausted:
                break
            if not batch.frames:
                await self._pause(_IDLE_SECONDS)

    async def _publish(self, batch: Batch, beat: Beat) -> None:
        """Publish a batch and return once the stream has all of it."""
        await self._record_gaps(batch)
        frames = await self._routed(batch.frames)
        publishing = asyncio.create_task(self._publish_messages(frames))
        try:
            while not publishing.done():
                await asyncio.wait({publishing}, timeout=_LOOK_SECONDS)
                if self._context.window.is_blocked:  # a full stream holds us, for as long as it takes
                    beat()
        finally:
            publishing.cancel()
        await publishing
        FRAMES.labels(self._detector, "announced").inc(len(frames))

    async def _publish_messages(self, frames: Sequence[Frame]) -> None:
        subject = self._context.names.frame_subject(self._detector)
        futures = [
            await self._context.window.submit(subject, message.body, message.headers, msg_id=message.msg_id)
            for message in pack(frames, self._limit)
        ]
        await asyncio.gather(*futures)

    async def _routed(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return what to publish: frames, or announcements of those that went into the bucket first.

        Old listeners are told of every frame, and so every frame is stored for them.
        """
        routes = {frame.id: route(frame, self._mode, self._limit) for frame in frames}
        await self._drop([frame for frame in frames if routes[frame.id] is Route.TOO_LARGE])
        mirror = self._feed.mirror_subjects
        to_store = [
            frame
            for frame in frames
            if frame.content_type != ANNOUNCEMENT and (mirror or routes[frame.id] is Route.REFERENCE)
        ]
        announcements = await self._store_all(to_store)
        for frame in frames if mirror else ():
            known = announcements.get(frame.id)
            body = encode_announcement(known) if known else bytes(frame.body)  # somebody else's, passed on
            for old_subject in mirror:
                await self._context.nc.publish(old_subject, body)
            if self._spec.info_subject:
                await self._context.nc.publish(self._spec.info_subject, info_line(frame, known))
        return [
            _by_reference(frame, announcements[frame.id]) if routes[frame.id] is Route.REFERENCE else frame
            for frame in frames
            if routes[frame.id] is not Route.TOO_LARGE
        ]

    async def _store_all(self, frames: Sequence[Frame]) -> dict[FrameId, Announcement]:
        if not frames:
            return {}
        announcements = await self._context.patiently(lambda: self._store.announce(frames))
        crash_point("simulator.stored")
        return {frame.id: each for frame, each in zip(frames, announcements, strict=True)}

    async def _drop(self, frames: Sequence[Frame]) -> None:
        """Record frames that transport.mode inline cannot carry; `auto` would."""
        if not frames:
            return
        self._context.log.error(
            "frames are larger than a message; accepted: announcements of up to 64 KiB, and for frames"
            " transport.mode auto or reference",
            detector=self._detector,
            bytes=max(len(frame.body) for frame in frames),
            limit_bytes=self._limit,
        )
        await self._record_dropped(compress(frame.id.event for frame in frames), Route.TOO_LARGE.value)

    async def _record_gaps(self, batch: Batch) -> None:
        if batch.dropped:
            await self._record_dropped(batch.dropped, OVERRUN)
        if batch.duplicate:
            await self._record(batch.duplicate, DUPLICATE)

    async def _record_dropped(self, events: Pairs, reason: str) -> None:
        lost = sum(last - first + 1 for first, last in events)
        SOURCE_DROPPED_FRAMES.labels(self._detector, reason).inc(lost)
        await self._record(events, reason)

    async def _record(self, events: Pairs, reason: str) -> None:
        record = Dropped(run=self._run, detector=self._detector, events=events, reason=reason)
        await append(self._context.window, self._context.names, record)

    def _account_for_hold(self, pace: Pace, event: int, started: float, full: float) -> Pace:
        """Count the time that back-pressure cost; do not make up for it in a burst.

        `full`: for how long FRAMES was full meanwhile. A source without a rate is never late, yet held.
        """
        now = time.monotonic()
        is_late = pace.behind(event, now) > 1.0
        held = now - started if is_late else full
        self.cursor.held_seconds += held
        SOURCE_HELD_SECONDS.labels(self._detector).inc(held)
        return pace.resume(event, now) if is_late else pace

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the run is ended."""
        waiting = [asyncio.create_task(event.wait()) for event in (self._end, self._context.stop)]
        await asyncio.wait(waiting, timeout=min(seconds, 1.0), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


def _by_reference(frame: Frame, announcement: Announcement) -> Frame:
    """Return the frame that carries an announcement of its bytes instead of them."""
    pointer = announcement_frame(announcement, frame.id, frame.time_ns)
    return replace(pointer, type=frame.type, axes=frame.axes, parts=frame.parts)
