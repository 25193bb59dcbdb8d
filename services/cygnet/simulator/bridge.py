"""Gives the messages of a foreign announcer an identity: event = sequence in INTAKE − base."""

import hashlib
import time
from collections.abc import Callable

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Frame
from cygnet.model.identity import FrameId
from cygnet.model.intervals import compress
from cygnet.simulator.cursor import Cursor
from cygnet.simulator.source import Batch
from cygnet.spec.sources import AnnouncementsSource
from cygnet.transport.codec import decode_announcement
from cygnet.transport.intake import IntakeReader
from cygnet.transport.runs import base_key
from cygnet.transport.values import Values

_FETCH = 500  # messages that are read ahead
_REMEMBERED = 10_000  # repetitions are looked for among more, as long as INTAKE holds them


class Bridge:
    """Reads INTAKE from a base that was written down at the start of the run."""

    def __init__(
        self,
        detector: str,
        spec: AnnouncementsSource,
        values: Values,
        reader: Callable[[], IntakeReader],
        *,
        endless: bool,
    ) -> None:
        """`endless`: run follows run, so that each begins with the first message that the last one left."""
        self.detector = detector
        self._spec = spec
        self._endless = endless
        self._values = values
        self._new_reader = reader
        self._reader: IntakeReader | None = None
        self._run = ""
        self._base = 0
        self._seen: dict[bytes, int] = {}  # digest of filename and time → sequence, oldest first
        self._look_at = _REMEMBERED

    async def open(self, run: str, next_event: int, events: int | None) -> None:  # noqa: ARG002
        """Find or write the base of the run."""
        await self.close()
        self._reader = self._new_reader()
        self._run = run
        key = base_key(run, self.detector)
        value = await self._values.get(key)
        if value is None:
            self._base = await self._first_of_run(self._reader)
            document = {"run": run, "base": self._base, "subject": self._spec.subjects[0]}
            await self._values.put(key, document)
            await self._values.put(self._last_key, document)
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
            if self._dedupes and self._is_duplicate(sequence, body):
                duplicate.append(number)
                continue
            identity = FrameId(self._run, self.detector, number)
            frames.append(Frame(id=identity, time_ns=time.time_ns(), body=body, content_type=ANNOUNCEMENT))
        await self._forget(self._reader)
        return Batch(frames=frames, next_event=event, dropped=skipped, duplicate=compress(duplicate))

    async def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None

    @property
    def _dedupes(self) -> bool:
        return self._spec.dedupe_by != "none"

    @property
    def _last_key(self) -> str:
        return f"intake.{self.detector}"

    async def _first_of_run(self, reader: IntakeReader) -> int:
        """Return the sequence of event 0: what comes next, or what the last of endless runs has left."""
        coming = await reader.next_sequence()
        last = await self._values.get(self._last_key) if self._endless else None
        if last is None or last.data["subject"] != self._spec.subjects[0]:
            return coming
        cursor = Cursor(self._values, str(last.data["run"]), self.detector)
        await cursor.load()
        return min(coming, int(last.data["base"]) + cursor.next) if cursor.is_known else coming

    async def _remember(self, reader: IntakeReader, next_event: int) -> None:
        """Read again what this run has taken before, so that a repetition is known after a restart."""
        for sequence, body in await reader.read_until(self._base + next_event):
            self._is_duplicate(sequence, body)

    async def _forget(self, reader: IntakeReader) -> None:
        """Forget what INTAKE has forgotten: memory is bounded by its bytes, and a restart knows as much."""
        if len(self._seen) < self._look_at:
            return
        first = await reader.first_sequence()
        self._seen = {digest: sequence for digest, sequence in self._seen.items() if sequence >= first}
        self._look_at = max(_REMEMBERED, 2 * len(self._seen))

    def _is_duplicate(self, sequence: int, body: bytes) -> bool:
        try:
            announcement = decode_announcement(body)
        except BadInputError:
            return False  # the preprocessor says what is wrong with it
        key = f"{announcement.filename}\n{announcement.time}".encode(errors="surrogatepass")
        digest = hashlib.blake2b(key, digest_size=16).digest()
        was_seen = digest in self._seen
        self._seen[digest] = sequence
        return was_seen
