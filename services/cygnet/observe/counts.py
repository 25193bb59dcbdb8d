"""How many events of a run are stored and dead, read on from where the last reading ended."""

import asyncio
import contextlib

from cygnet.model.ledger import RunAccount, ledger, total
from cygnet.transport.account import Follower
from cygnet.transport.client import Client
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names


class RunCounts:
    """The counts of the newest run of one pipeline. An account that does not grow costs nothing."""

    def __init__(self, nc: Client, names: Names) -> None:
        self.run = ""
        """The run whose counts are known; empty before the first was read to its end."""
        self.stored = 0
        self.dead = 0
        self._nc = nc
        self._names = names
        self._account = RunAccount("")
        self._read_to = 0
        self._reading: asyncio.Task[None] | None = None

    def note(self, run: str, last_seq: int) -> None:
        """Read on beside, when the account has grown to `last_seq` or another run is looked at."""
        if self._reading is not None and not self._reading.done():
            return
        if run != self._account.run:
            self._account, self._read_to = RunAccount(run), 0
        if run and last_seq != self._read_to:
            self._reading = asyncio.create_task(self._read(self._account, last_seq))

    async def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, account: RunAccount, last_seq: int) -> None:
        with contextlib.suppress(TransportError):  # it is read again when the account is looked at next
            follower = Follower(self._nc, self._names, self._read_to + 1, run=account.run)
            try:
                for _, record in await follower.read_all():
                    account.add(record)
            finally:
                await follower.stop()
            self._read_to = last_seq
            whole = total(ledger(account), account.run)
            self.run, self.stored, self.dead = account.run, whole.stored, whole.dead
