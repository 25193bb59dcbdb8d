"""The states of streams, asked for once for all who look at about the same time."""

import asyncio
import time
from dataclasses import dataclass

from cygnet.transport.client import Client
from cygnet.transport.listing import list_states
from cygnet.transport.streams import StreamState


@dataclass(frozen=True, slots=True)
class Listed:
    """What every stream held at one time: UTC, seconds since 1970."""

    time: float
    states: dict[str, StreamState]


class Listing:
    """Lists the streams with subjects under `subject`; an answer younger than `fresh_seconds` is good."""

    def __init__(self, nc: Client, subject: str, fresh_seconds: float = 0.0) -> None:
        self._nc = nc
        self._subject = subject
        self._fresh_seconds = fresh_seconds
        self._asked = float("-inf")
        self._asking: asyncio.Task[Listed] | None = None

    async def read(self) -> Listed:
        """Return the states; who asks while others wait gets their answer, or their TransportError."""
        asking = self._asking
        if asking is None or (asking.done() and not self._is_fresh(asking)):
            self._asked = time.monotonic()
            asking = self._asking = asyncio.create_task(self._list())
        return await asyncio.shield(asking)

    def _is_fresh(self, asked: asyncio.Task[Listed]) -> bool:
        is_good = not asked.cancelled() and asked.exception() is None
        return is_good and time.monotonic() - self._asked < self._fresh_seconds

    async def _list(self) -> Listed:
        now = time.time()
        return Listed(now, await list_states(self._nc, self._subject))
