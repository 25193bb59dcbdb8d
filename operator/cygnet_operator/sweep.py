"""Removes from NATS what deleted Pipelines left there, if they wanted that, and nothing else.

Taken is only what is our installation's, in namespaces that we watch, with policy `Delete`, once complete
lists of Pipelines did not have it for a minute, and when none of its pods is left.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cygnet.runtime.logging import Log
from cygnet.transport.client import Client
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.owners import Owner, owners
from cygnet.transport.streams import delete_streams
from cygnet_operator.brokers import Brokers
from cygnet_operator.kinds import POD
from cygnet_operator.kube import Kube, KubeError
from cygnet_operator.metrics import SWEEPS, SWEPT_PIPELINES
from cygnet_operator.reconcile.labels import INSTANCE, SELECTOR
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key

APART_SECONDS = 60.0


@dataclass(slots=True)
class Absences:
    """Since when complete lists have not had a Pipeline."""

    since: dict[Owner, float] = field(default_factory=dict)

    def note(self, found: Iterable[Owner], listed: Collection[Key], now: float) -> list[Owner]:
        """Take a complete list and return those who have been absent for long enough.

        A Pipeline of the same name, also a new one, keeps what is there.
        """
        absent = {owner for owner in found if (owner.namespace, owner.pipeline) not in listed}
        self.since = {owner: self.since.get(owner, now) for owner in absent}
        return [owner for owner, since in self.since.items() if now - since >= APART_SECONDS]

    def forget(self) -> None:
        """A list was not complete: nothing is known about what was in it."""
        self.since.clear()


def ours(found: Iterable[Owner], settings: Settings) -> list[Owner]:
    """Return those that a sweep of this installation may take."""
    return [
        owner
        for owner in found
        if owner.installation == settings.installation
        and owner.deletion_policy == "Delete"
        and (not settings.namespaces or owner.namespace in settings.namespaces)
    ]


class Sweep:
    """Sweeps after each complete list of Pipelines."""

    def __init__(self, kube: Kube, brokers: Brokers, settings: Settings, log: Log) -> None:
        self._kube = kube
        self._brokers = brokers
        self._settings = settings
        self._log = log
        self._absences: dict[str, Absences] = {}

    def miss(self) -> None:
        """A list could not be had."""
        for each in self._absences.values():
            each.forget()

    async def run(self, listed: Mapping[Key, object]) -> None:
        """Sweep every server; one that is away is swept another time."""
        for url in self._brokers.urls():
            absences = self._absences.setdefault(url, Absences())
            try:
                nc = await self._brokers.connection(url)
                found = ours(await owners(nc), self._settings)
                gone = absences.note(found, set(listed), time.monotonic())
                taken = [owner for owner in gone if await self._take(nc, owner)]
            except (TransportError, KubeError) as error:
                SWEEPS.labels("failed").inc()
                self._log.warning("sweep not finished", why=str(error))
                continue
            SWEEPS.labels("removed" if taken else "clean").inc()

    async def _take(self, nc: Client, owner: Owner) -> bool:
        labels = f"{SELECTOR},{INSTANCE}={owner.pipeline}"
        pods, _ = await self._kube.list(POD, owner.namespace, labels)
        if pods:
            return False
        await delete_streams(nc, Names(owner.namespace, owner.pipeline))
        SWEPT_PIPELINES.inc()
        self._log.info("swept", namespace=owner.namespace, pipeline=owner.pipeline, uid=owner.uid)
        return True
