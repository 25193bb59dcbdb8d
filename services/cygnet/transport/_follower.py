"""Following the account: each record once and in order, from a position on."""

import logging
from collections.abc import Iterable

from cygnet.model.account import Record
from cygnet.transport._records import decode_record
from cygnet.transport._stream_reader import StreamReader
from cygnet.transport.client import Client
from cygnet.transport.delivery import Delivery
from cygnet.transport.names import Names

_log = logging.getLogger(__name__)


class Follower:
    """Reads records from `start_sequence` on. `skipped` counts those that only a newer version knows."""

    def __init__(
        self, nc: Client, names: Names, start_sequence: int, run: str = "*", kind: str = "*"
    ) -> None:
        subject = names.account_subject(run, "*", kind)
        self._reader = StreamReader(nc, names.account, subject, start_sequence)
        self.skipped = 0

    @property
    def position(self) -> int:
        """The next sequence to read."""
        return self._reader.position

    async def next(self, timeout: float) -> list[tuple[int, Record]]:
        """Return what has been appended, waiting up to `timeout` seconds for the first, else [].

        Raises ConsumerGoneError when the account itself was deleted.
        """
        return self._records(await self._reader.next(timeout))

    async def read_all(self) -> list[tuple[int, Record]]:
        """Return everything up to what is last now; NatsOutageError if nothing comes for 15 s."""
        return self._records(await self._reader.read_all())

    async def stop(self) -> None:
        """Read no more."""
        await self._reader.stop()

    def _records(self, deliveries: Iterable[Delivery]) -> list[tuple[int, Record]]:
        records: list[tuple[int, Record]] = []
        for delivery in deliveries:
            record = decode_record(delivery.data)
            if record is None:
                self._skip(delivery)
            else:
                records.append((delivery.stream_sequence, record))
        return records

    def _skip(self, delivery: Delivery) -> None:
        if not self.skipped:
            _log.warning(
                "record %d on %s is not known to this version and is skipped",
                delivery.stream_sequence,
                delivery.subject,
            )
        self.skipped += 1
