"""Reads the messages of a foreign announcer from INTAKE, from any position on, without acks."""

from collections import deque

from cygnet.transport._stream_reader import StreamReader
from cygnet.transport.client import Client
from cygnet.transport.streams import stream_state


class IntakeReader:
    """Gives each message (sequence, body) of a literal subject once, in order."""

    def __init__(self, nc: Client, stream: str, subject: str) -> None:
        self._nc = nc
        self._stream = stream
        self._subject = subject
        self._reader: StreamReader | None = None
        self._waiting: deque[tuple[int, bytes]] = deque()

    async def next_sequence(self) -> int:
        """Return the sequence that the next message will have."""
        return (await stream_state(self._nc, self._stream)).last_seq + 1

    async def first_sequence(self) -> int:
        """Return the sequence of the oldest message that is still there, or of the next one."""
        return (await stream_state(self._nc, self._stream)).first_seq

    async def start(self, sequence: int) -> None:
        """Read from `sequence` on."""
        await self.stop()
        self._reader = StreamReader(self._nc, self._stream, self._subject, sequence)

    async def next(self, most: int, timeout: float) -> list[tuple[int, bytes]]:
        """Return at most `most` messages, waiting up to `timeout` seconds for the first, else []."""
        if self._reader is None:
            raise RuntimeError("the reader was not started")
        if not self._waiting:
            deliveries = await self._reader.next(timeout)
            self._waiting.extend((each.stream_sequence, bytes(each.data)) for each in deliveries)
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    async def read_until(self, sequence: int) -> list[tuple[int, bytes]]:
        """Return what is there before `sequence`, sequences and bodies; only right after `start`."""
        before: list[tuple[int, bytes]] = []
        last = min(sequence, await self.next_sequence()) - 1
        while self._reader is not None and self._reader.position <= last:
            messages = await self.next(10_000, timeout=1.0)
            before += [message for message in messages if message[0] < sequence]
            self._waiting.extend(message for message in messages if message[0] >= sequence)
        return before

    async def stop(self) -> None:
        """Read no more."""
        self._waiting.clear()
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None
