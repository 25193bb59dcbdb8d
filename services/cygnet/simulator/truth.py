"""Writes the truth of simulated events, in segments ahead of the frames: it is there before they are."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cygnet.model.truth import Truth
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.storage import keys
from cygnet.storage.truth import CONTENT_TYPE, truth_to_parquet

SEGMENT_EVENTS = 1000  # so that a fast detector does not leave thousands of objects behind

TruthOf = Callable[[int, int], Sequence[Truth]]
"""Returns the truth of the events from a first one up to, not including, a second one: cheap and pure."""


class TruthWriter:
    """Segments of one detector in one run; a source that starts again writes the same ones once more."""

    def __init__(self, context: Context, detector: str, truth_of: TruthOf, about: Mapping[str, str]) -> None:
        self._context = context
        self._detector = detector
        self._truth_of = truth_of
        self._about = about
        self._run = ""
        self._events: int | None = None
        self._covered = 0

    def begin(self, run: str, next_event: int, events: int | None) -> None:
        """Begin or go on with a run of `events` events, where the last segment ends; None: no limit."""
        self._run = run
        self._events = events
        self._covered = next_event - next_event % SEGMENT_EVENTS

    async def cover(self, event: int) -> None:
        """Return once the truth of every event before `event` is in the bucket."""
        while self._covered < event:
            first = self._covered
            end = first + SEGMENT_EVENTS
            if self._events is not None:
                end = min(end, max(self._events, event))
            await self._write(first, end)
            self._covered = end

    async def _write(self, first: int, end: int) -> None:
        key = keys.truth_key(self._context.pipeline.prefix, self._run, self._detector, first, end - 1)
        body = await asyncio.to_thread(self._segment, first, end)
        put = partial(self._context.bucket.put, key, body, content_type=CONTENT_TYPE)
        await self._context.patiently(put)
        crash_point("simulator.truth-written")

    def _segment(self, first: int, end: int) -> bytes:
        return truth_to_parquet(self._truth_of(first, end), self._about)
