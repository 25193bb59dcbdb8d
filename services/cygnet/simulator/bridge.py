"""Gives the messages of a foreign announcer an identity: event = sequence in INTAKE − base."""

import time
from collections.abc import Callable

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Frame
from cygnet.model.identity import FrameId
from cygnet.model.intervals import compress
from cygnet.simulator.source import Batch
from cygnet.spec.sources import AnnouncementsSource
from cygnet.transport.codec import decode_announcement
from cygnet.transport.intake import IntakeReader
from cygnet.transport.values import Values

_FETCH = 500  # messages that are read ahead


class Bridge:
    """Reads INTAKE from a base that was written down at the start of the run."""

    def __init__(
        self, detector: str, spec: AnnouncementsSource, values: Values, reader: Callable[[], IntakeReader]
    ) -> None:
        self.detector = detector
        self._spec = spec
        self._values = values
        self._new_reader = reader
        self._reader: IntakeReader | None = None
        self._run = ""
        self._base = 0
        self._seen: set[tuple[str, str]] = set()

    async def open(self, run: str, next_event: int, events: int | None) -> None:  # noqa: ARG002
        """Find or write the base; a run begins with the first message that comes after its start."""
        await self.close()
        self._reader = self._new_reader()
        self._run = run
        key = f"base.{run}.{self.detector}"
        value = await self._values.get(key)
        if value is None:
            self._base = await self._reader.next_sequence()
            await self._values.put(key, {"base": self._base, "subject": self._spec.subjects[0]})
        else:
            self._base = int(value.data["base"])
        self._seen.clear()
        await self._reader.start(self._base if self._dedupes else self._base + next_event)
        if self._dedupes:
            await self._remember(self._reader, next_event)

    async def take(self, next_event: int, most: int) -> Batch:
        """Return what has arrived, waiting a moment for the first message."""
        if self._reader is None:
            raise RuntimeError("the bridge was not opened")
        messages = await self._reader.next(min(most, _FETCH), timeout=0.25)
        frames, skipped, duplicate = [], [], []
        event = next_event
        for sequence, body in messages:
            number = sequence - self._base
            if number < event:
                continue
            if number > event:  # the stream lost its oldest messages before we came to them
                skipped.append((event, number - 1))
            event = number + 1
            if self._dedupes and self._is_duplicate(body):
                duplicate.append(number)
                continue
            identity = FrameId(self._run, self.detector, number)
            frames.append(Frame(id=identity, time_ns=time.time_ns(), body=body, content_type=ANNOUNCEMENT))
        return Batch(frames=frames, next_event=event, dropped=skipped, duplicate=compress(duplicate))

    async def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None

    @property
    def _dedupes(self) -> bool:
        return self._spec.dedupe_by != "none"

    async def _remember(self, reader: IntakeReader, next_event: int) -> None:
        """Read again what this run has taken before, so that a repetition is known after a restart."""
        for body in await reader.read_until(self._base + next_event):
            self._is_duplicate(body)

    def _is_duplicate(self, body: bytes) -> bool:
        try:
            announcement = decode_announcement(body)
        except BadInputError:
            return False  # the preprocessor says what is wrong with it
        key = (announcement.filename, announcement.time)
        if key in self._seen:
            return True
        self._seen.add(key)
        return False
