"""Complete lists beside the watches: the first before anything is decided, then now and again."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from cygnet.runtime.health import Beat
from cygnet.runtime.logging import Log
from cygnet_operator.kinds import PIPELINE, WATCHED, Kind
from cygnet_operator.kube import Kube, KubeError
from cygnet_operator.metrics import PIPELINES
from cygnet_operator.reconcile.labels import SELECTOR
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key, Store

PIPELINES_SECONDS, CHILDREN_SECONDS, RETRY_SECONDS = 60.0, 300.0, 5.0
Swept = Callable[[Mapping[Key, object]], Awaitable[None]]


class Lists:
    """Corrects the store by complete lists; says which kinds were refused last."""

    def __init__(self, kube: Kube, store: Store, settings: Settings, log: Log) -> None:
        self._kube = kube
        self._store = store
        self._scopes: tuple[str | None, ...] = settings.namespaces or (None,)
        self._log = log
        self._children_at = 0.0
        self._namespaces: set[str] = set()
        self.refused: dict[str, str] = {}
        """Resources that could not be listed, and why."""

    async def first(self, beat: Beat) -> None:
        """List everything once; wait for as long as the API server refuses."""
        while not await self._all((PIPELINE, *WATCHED)):
            beat()
            await asyncio.sleep(RETRY_SECONDS)
        self._children_at = time.monotonic()

    async def run(self, sweep: Swept, miss: Callable[[], None], beat: Beat) -> None:
        """List Pipelines every minute and sweep after it, children every five; for ever."""
        while True:
            beat()
            due = time.monotonic() - self._children_at >= CHILDREN_SECONDS
            if await self._all((PIPELINE, *WATCHED) if due else (PIPELINE,)):
                if due:
                    self._children_at = time.monotonic()
                await sweep(self._store.pipelines())
                beat()
                await asyncio.sleep(PIPELINES_SECONDS)
            else:
                miss()
                await asyncio.sleep(RETRY_SECONDS)

    async def _all(self, kinds: tuple[Kind, ...]) -> bool:
        """List these kinds; return whether all of it could be had."""
        for kind in kinds:
            try:
                for namespace in self._scopes:
                    labels = "" if kind is PIPELINE else SELECTOR
                    items, version = await self._kube.list(kind, namespace, labels)
                    self._store.resync(kind.kind, items, version, namespace)
                self.refused.pop(kind.plural, None)
            except KubeError as error:
                self.refused[kind.plural] = str(error)
                self._log.warning("list not complete", resource=kind.plural, why=str(error))
        counts = Counter(namespace for namespace, _ in self._store.pipelines())
        for namespace in self._namespaces | set(counts):
            PIPELINES.labels(namespace).set(counts[namespace])
        self._namespaces |= set(counts)
        return not any(kind.plural in self.refused for kind in kinds)
