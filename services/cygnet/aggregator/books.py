"""The ledger of each run as metrics: of those that go on, and of the last few that are complete."""

import asyncio
from collections import deque
from collections.abc import Iterable

from cygnet.model.ledger import Ledger, RunAccount, ledger
from cygnet.runtime.metrics import LEDGER_EVENTS, LEDGER_RUN_ENDED
from cygnet.transport.errors import TransportError
from cygnet.transport.runs import cursor_key
from cygnet.transport.values import Values

TURN_SECONDS = 2.0
_COMPLETE_RUNS = 3


class Books:
    """Shows accounts. A run's series go when it has been complete for three others."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._complete: deque[str] = deque()
        self._shown: dict[str, set[str]] = {}  # run → detectors

    async def show(self, account: RunAccount) -> None:
        """Show a run as its account has it; what is announced of one that goes on is in its cursors."""
        issued: dict[str, int] = {}
        if account.end is None:
            for detector in account.detectors:
                value = await self._values.get(cursor_key(account.run, detector))
                if value is not None:
                    issued[detector] = int(value.data["next"])
        self._show(account.run, ledger(account, issued))

    async def show_all(self, accounts: Iterable[RunAccount]) -> None:
        """Show every run; while NATS is away they stay as they were."""
        for account in accounts:
            try:
                await self.show(account)
            except TransportError:
                return

    def complete(self, account: RunAccount) -> None:
        """Show the last word on a run, and drop the series of one that was complete long before."""
        self._show(account.run, ledger(account))
        if account.run in self._complete:  # a dead letter of it was replayed
            self._complete.remove(account.run)
        self._complete.append(account.run)
        while len(self._complete) > _COMPLETE_RUNS:
            self._drop(self._complete.popleft())

    def close(self) -> None:
        """Drop every series: another aggregator keeps the books now."""
        for run in list(self._shown):
            self._drop(run)

    def _show(self, run: str, lines: list[Ledger]) -> None:
        self._shown.setdefault(run, set()).update(line.detector for line in lines)
        LEDGER_RUN_ENDED.labels(run).set(any(line.ended for line in lines))
        for line in lines:
            for fate, count in (
                ("announced", line.announced),
                ("stored", line.stored),
                ("consumed", line.consumed),
                ("dead", line.dead),
                ("in_flight", line.in_flight),
                ("dropped", line.dropped),
                ("duplicate", line.duplicates),
            ):
                LEDGER_EVENTS.labels(run, line.detector, fate).set(count)

    def _drop(self, run: str) -> None:
        self._shown.pop(run)
        LEDGER_EVENTS.remove_by_labels({"run": run})
        LEDGER_RUN_ENDED.remove(run)


async def keep(books: Books, accounts: dict[str, RunAccount]) -> None:
    """Show the runs of `accounts`, which change meanwhile, until cancelled."""
    try:
        while True:
            await books.show_all(list(accounts.values()))
            await asyncio.sleep(TURN_SECONDS)
    finally:
        books.close()
