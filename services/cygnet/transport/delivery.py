"""A message as a pull consumer hands it out, and keeping such messages from being redelivered."""

import asyncio
from collections.abc import Iterable

from cygnet.transport.client import Client
from cygnet.transport.wire import parse_headers

_ACK, _NAK, _PROGRESS = b"+ACK", b"-NAK", b"+WPI"
_BURST = 500


class Delivery:
    """One delivered message. Headers and counts are parsed when they are asked for."""

    __slots__ = ("_counts", "_header", "_headers", "_keeper", "_nc", "_reply", "_subject", "data")

    def __init__(
        self,
        nc: Client,
        subject: bytes,
        reply: bytes,
        header: bytes,
        data: bytes,
        keeper: "Keeper | None" = None,
    ) -> None:
        self.data = data
        self._nc = nc
        self._subject = subject
        self._reply = reply
        self._header = header
        self._headers: dict[str, str] | None = None
        self._counts: list[bytes] | None = None
        self._keeper = keeper

    @property
    def subject(self) -> str:
        """The subject that the message was published on."""
        return self._subject.decode()

    @property
    def headers(self) -> dict[str, str] | None:
        """The message's headers, None if it has none."""
        if self._headers is None and self._header:
            self._headers = parse_headers(self._header)
        return self._headers

    @property
    def size(self) -> int:
        """Bytes of header block and body."""
        return len(self._header) + len(self.data)

    @property
    def delivered(self) -> int:
        """How many times the message has been delivered, this time included."""
        return int(self._count(0))

    @property
    def stream_sequence(self) -> int:
        """The message's sequence in its stream."""
        return int(self._count(1))

    @property
    def consumer_sequence(self) -> int:
        """How many deliveries the consumer has made, this one included."""
        return int(self._count(2))

    @property
    def time_ns(self) -> int:
        """When the stream took the message: nanoseconds since 1970."""
        return int(self._count(3))

    @property
    def pending(self) -> int:
        """How many messages waited behind this one when it was delivered."""
        return int(self._count(4))

    def _count(self, place: int) -> bytes:
        counts = self._counts
        if counts is None:
            # $JS.ACK.(domain.account.)stream.consumer.delivered.stream.consumer.time.pending(.token)
            fields = self._reply.split(b".")
            begin = 4 if len(fields) == 9 else 6
            counts = self._counts = fields[begin : begin + 5]
        return counts[place]

    async def ack(self) -> None:
        """Say that the message is done with; sent, not confirmed."""
        self._settle(_ACK)

    async def nak(self, delay_seconds: float | None = None) -> None:
        """Give the message back, to be delivered again at once or after a delay."""
        self._settle(_NAK if delay_seconds is None else b'-NAK {"delay":%d}' % int(delay_seconds * 1e9))

    async def in_progress(self) -> None:
        """Say that work on the message goes on: its ack_wait begins anew."""
        if self._nc.is_up:
            self._nc.send_message(self._reply, _PROGRESS)

    def _settle(self, word: bytes) -> None:
        if self._keeper is not None:
            self._keeper.release(self)
        self._nc.send_message(self._reply, word)


class Keeper:
    """Says in-progress for every delivery that it holds, every third of `ack_wait`, in one task."""

    def __init__(self, ack_wait_seconds: float) -> None:
        self._period_seconds = ack_wait_seconds / 3
        self._held: dict[Delivery, None] = {}

    def hold(self, delivery: Delivery) -> None:
        """Keep the delivery from being redelivered until it is released, acked or given back."""
        self._held[delivery] = None

    def release(self, delivery: Delivery) -> None:
        """Let the delivery go; one that is not held is let go already."""
        self._held.pop(delivery, None)

    def __len__(self) -> int:
        return len(self._held)

    async def run(self) -> None:
        """Do it until cancelled."""
        while True:
            await asyncio.sleep(self._period_seconds)
            await self._renew(list(self._held))

    async def _renew(self, held: Iterable[Delivery]) -> None:
        for number, delivery in enumerate(held):
            if delivery in self._held:
                await delivery.in_progress()
            if number % _BURST == _BURST - 1:
                await asyncio.sleep(0)
