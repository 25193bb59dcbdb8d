"""The accounts of a pipeline's runs, folded as they grow: nothing of them is read twice."""

from collections.abc import Mapping

from cygnet.model.account import Begin, Record
from cygnet.model.ledger import Ledger, RunAccount, fold, ledger, total
from cygnet.transport.account import Follower, read_account
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, SETTLED
from cygnet.transport.streams import stream_state
from cygnet.transport.values import Values

_FOLLOW_SECONDS = 0.5


class Accounts:
    """The account of the run that is shown, and those of others that are not complete."""

    def __init__(self, nc: Client, names: Names, values: Values) -> None:
        self.run = ""
        """The run that is shown."""
        self._nc = nc
        self._names = names
        self._values = values
        self._accounts: dict[str, RunAccount] = {"": RunAccount("")}
        self._follower: Follower | None = None

    @property
    def shown(self) -> RunAccount:
        """The account of the run that is shown."""
        return self._accounts[self.run]

    async def open(self, run: str) -> None:
        """Read the accounts of `run` and of others that are not complete."""
        position = (await stream_state(self._nc, self._names.account)).last_seq + 1
        for each in {run, *await self._unfinished()} - {""}:
            await self.read(each)
        self.run = run
        self._follower = Follower(self._nc, self._names, position)

    async def follow(self) -> None:
        """Fold what is appended to the accounts, until cancelled."""
        if self._follower is None:
            raise RuntimeError("the accounts were not opened")
        try:
            while True:
                for _, record in await self._follower.next(timeout=_FOLLOW_SECONDS):
                    self.add(record)
        finally:
            await self._follower.stop()

    def add(self, record: Record) -> None:
        """Fold a record into its run's account; of a run that begins, one is begun."""
        if isinstance(record, Begin):
            self._accounts.setdefault(record.run, RunAccount(record.run))
        if record.run in self._accounts:
            self._accounts[record.run].add(record)

    async def read(self, run: str) -> None:
        """Read the whole account of a run; what is appended meanwhile is folded in by `follow`."""
        is_new = run not in self._accounts
        account = self._accounts.setdefault(run, RunAccount(run))
        try:
            for _, record in await read_account(self._nc, self._names, run):
                account.add(record)
        except BaseException:
            if is_new:  # half of it would be taken for all of it
                del self._accounts[run]
            raise

    async def turn_to(self, run: str) -> None:
        """Show another run."""
        if run not in self._accounts:
            await self.read(run)
        self.run = run

    def behind(self) -> list[Ledger]:
        """Return the ledgers of the other runs that are not complete, and forget those that are."""
        others = {run: account for run, account in self._accounts.items() if run not in ("", self.run)}
        for run, account in others.items():
            if account.is_complete():
                del self._accounts[run]
        return [total(ledger(account), run) for run, account in others.items() if not account.is_complete()]

    def lines(self, issued: Mapping[str, int] | None = None) -> list[Ledger]:
        """Return the ledger of the run that is shown, a line for each detector."""
        return ledger(self.shown, issued)

    async def ledger_of(self, run: str) -> list[Ledger]:
        """Return the ledger of another run."""
        return ledger(fold(run, (record for _, record in await read_account(self._nc, self._names, run))))

    async def _unfinished(self) -> list[str]:
        """Return the runs that have begun and are not complete."""
        keys = await self._values.keys(RUN)
        values = [(key.removeprefix(RUN), await self._values.get(key)) for key in keys]
        return [run for run, value in values if value and value.data["state"] not in SETTLED]
