"""How much there is to do in one pipeline: read from NATS with few requests, fewest when nothing moves."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cygnet.observe.listing import Listing
from cygnet.transport.api import NOT_FOUND
from cygnet.transport.client import Client
from cygnet.transport.errors import ApiError
from cygnet.transport.names import Names
from cygnet.transport.runs import BEAM_KEY, SETTLED, RunRequest, current_run, cursor_key, run_key
from cygnet.transport.streams import (
    PREPROCESSOR,
    PREPROCESSOR_BATCH,
    ConsumerState,
    StreamState,
    consumer_state,
)
from cygnet.transport.values import Values

_CONSUMER_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a source is: its next event, and the time that back-pressure has held it."""

    next: int
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was seen on NATS at `time` (UTC, seconds since 1970). In messages, as the server counts."""

    time: float
    streams: Mapping[str, StreamState]
    """By their short names."""
    pending: int
    ack_pending: int
    ceiling: int
    """Workers that the consumer's ack limit can feed."""
    request: RunRequest | None
    """The run that is asked for."""
    state: str | None
    """How far that run is; None: nobody has begun it."""
    cursors: Mapping[str, Cursor]
    """Of that run's detectors, those that have begun."""
    beam_active: bool

    @property
    def frames(self) -> StreamState:
        """The work queue of frames."""
        return self.streams["frames"]

    @property
    def results(self) -> StreamState:
        """The work queue of results."""
        return self.streams["results"]

    @property
    def chunks(self) -> StreamState:
        """Slices of chunks that are not stored yet."""
        return self.streams["chunks"]

    @property
    def waiting(self) -> int:
        """Messages that no worker is done with."""
        return self.pending + self.ack_pending

    @property
    def acked(self) -> int:
        """Messages that have left the queue since the stream was made."""
        return self.frames.last_seq - self.frames.messages

    @property
    def oldest_age_seconds(self) -> float:
        """Age of the oldest message in the queue; 0 when it is empty."""
        return 0.0 if self.frames.first_ts is None else max(0.0, self.time - self.frames.first_ts)

    @property
    def issued(self) -> dict[str, int]:
        """Next event of each detector."""
        return {name: cursor.next for name, cursor in self.cursors.items()}


class LoadReader:
    """Reads the load of one pipeline, time after time.

    A consumer of an empty work queue has nothing to tell, and a run that is complete does not go on: neither
    is asked for then. An idle pipeline costs two requests, and its part of the listing.
    """

    def __init__(
        self, nc: Client, names: Names, values: Values, detectors: Sequence[str], listing: Listing
    ) -> None:
        self.detectors = detectors
        self._nc = nc
        self._names = names
        self._values = values
        self._listing = listing
        self._consumer: ConsumerState | None = None
        self._consumer_read = 0.0
        self._settled: tuple[str, str, dict[str, Cursor]] | None = None

    async def read(self, request: RunRequest | None = None) -> Load:
        """Return what is there now, of the run that is asked for or of `request`'s. Raises TransportError."""
        listed = await self._listing.read()
        streams = {kind: _stream(listed.states, name) for kind, name in self._names.streams().items()}
        consumer, (asked, state, cursors), beam = await asyncio.gather(
            self._consumer_now(streams["frames"]), self._run(request), self._values.get(BEAM_KEY)
        )
        return Load(
            time=listed.time,
            streams=streams,
            pending=consumer.pending,
            ack_pending=consumer.ack_pending,
            ceiling=max(1, consumer.max_ack_pending // PREPROCESSOR_BATCH),
            request=asked,
            state=state,
            cursors=cursors,
            beam_active=bool(beam and beam.data.get("active")),
        )

    async def cursors(self, run: str) -> dict[str, Cursor]:
        """Return how far the detectors of a run are, those that have begun."""
        values = await asyncio.gather(*(self._values.get(cursor_key(run, name)) for name in self.detectors))
        return {
            name: Cursor(next=int(value.data["next"]), held_seconds=float(value.data.get("held_seconds", 0)))
            for name, value in zip(self.detectors, values, strict=True)
            if value is not None
        }

    async def _consumer_now(self, frames: StreamState) -> ConsumerState:
        now = time.monotonic()
        known = self._consumer
        if known is not None and not frames.messages and now - self._consumer_read < _CONSUMER_SECONDS:
            return known
        state = await consumer_state(self._nc, self._names.frames, PREPROCESSOR)
        is_empty = not (state.pending or state.ack_pending)
        self._consumer, self._consumer_read = (state if is_empty else None), now
        return state

    async def _run(
        self, request: RunRequest | None
    ) -> tuple[RunRequest | None, str | None, dict[str, Cursor]]:
        request = request or await current_run(self._values)
        if request is None:
            return None, None, {}
        if self._settled and self._settled[0] == request.run:
            _, settled, ended_at = self._settled
            return request, settled, ended_at
        value, cursors = await asyncio.gather(
            self._values.get(run_key(request.run)), self.cursors(request.run)
        )
        state = str(value.data["state"]) if value else None
        if state in SETTLED:
            self._settled = (request.run, state, cursors)
        return request, state, cursors


def _stream(states: Mapping[str, StreamState], name: str) -> StreamState:
    if name not in states:
        raise ApiError("$JS.API.STREAM.LIST", 404, NOT_FOUND[2], f"stream {name} is not listed")
    return states[name]
