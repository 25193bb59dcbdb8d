"""Writes down how far a detector has got: the event before which everything is acknowledged."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from cygnet.transport.runs import cursor_key
from cygnet.transport.values import Values

_INTERVAL_SECONDS = 0.1


@dataclass(slots=True)
class Cursor:
    """The next event of one (run, detector) whose predecessors all have their PubAck."""

    values: Values
    run: str
    detector: str
    next: int = 0
    reserved: int = 0  # events before this one may be in the stream already
    held_seconds: float = 0.0
    _written: int = -1
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_known(self) -> bool:
        """Whether the run has written a position."""
        return self._written >= 0

    @property
    def key(self) -> str:
        """Its key in the key-value bucket."""
        return cursor_key(self.run, self.detector)

    async def load(self) -> None:
        """Go to where the run was left."""
        value = await self.values.get(self.key)
        if value is not None:
            self.next = self._written = int(value.data["next"])
            self.reserved = int(value.data.get("reserved", self.next))
            self.held_seconds = float(value.data.get("held_seconds", 0.0))

    async def reserve(self, event: int) -> None:
        """Write down, before publishing them, that events before `event` are under way."""
        if event > self.reserved:
            self.reserved = event
            await self.values.put(self.key, self._document(self.next))

    def advance(self, event: int) -> None:
        """Move on: everything before `event` is in the stream."""
        self.next = max(self.next, event)
        self._moved.set()

    async def write(self) -> None:
        """Write the present position, unless it is written."""
        position = self.next
        if position != self._written:
            await self.values.put(self.key, self._document(position))
            self._written = position

    async def follow(self) -> None:
        """Write the position whenever it has moved, at most ten times a second, until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self.write()
            await asyncio.sleep(_INTERVAL_SECONDS)

    def _document(self, position: int) -> dict[str, Any]:
        return {"next": position, "reserved": self.reserved, "held_seconds": round(self.held_seconds, 3)}
