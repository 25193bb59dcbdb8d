"""The pool that visits dirty Pipelines; what goes wrong with one costs no other its turn."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from cygnet.runtime.logging import Log
from cygnet_operator.dirty import Dirty
from cygnet_operator.kube import KubeError
from cygnet_operator.metrics import RECONCILE_FAILING, RECONCILE_SECONDS, RECONCILES
from cygnet_operator.store import Key
from cygnet_operator.visit import Outcome

COUNT = 8
LAST_VISIT_SECONDS = 10.0


class Visits:
    """Visits for as long as it is open."""

    def __init__(self, dirty: Dirty, visit: Callable[[Key], Awaitable[Outcome]], log: Log) -> None:
        self._dirty = dirty
        self._visit = visit
        self._log = log
        self._begun: dict[Key, float] = {}
        self._tasks: dict[asyncio.Task[None], Key | None] = {}
        self._is_closing = False

    def start(self) -> None:
        """Begin to visit."""
        for place in range(COUNT):
            self._tasks[asyncio.create_task(self._run(), name=f"worker {place}")] = None

    @property
    def alive(self) -> bool:
        """Whether every worker runs."""
        return not any(task.done() for task in self._tasks)

    def longest_seconds(self) -> float:
        """Return how long the visit lasts that has begun first."""
        return max((time.monotonic() - begun for begun in self._begun.values()), default=0.0)

    async def close(self) -> None:
        """Begin no other visit; wait a little for those that have begun."""
        self._is_closing = True
        for task, key in self._tasks.items():
            if key is None:
                task.cancel()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=LAST_VISIT_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        task = asyncio.current_task()
        while not self._is_closing and task is not None:
            key = await self._dirty.next()
            self._tasks[task] = key
            await self._one(key)
            self._tasks[task] = None

    async def _one(self, key: Key) -> None:
        begun = self._begun[key] = time.monotonic()
        outcome = Outcome.FAILED
        try:
            outcome = await self._visit(key)
        except KubeError as error:
            self._log.warning("visit not finished", pipeline="/".join(key), why=str(error))
        except Exception:
            self._log.exception("visit failed", pipeline="/".join(key))
        finally:
            del self._begun[key]
            self._dirty.done(key, failed=outcome is Outcome.FAILED)
        if outcome is Outcome.GONE:
            return
        RECONCILES.labels(outcome).inc()
        RECONCILE_FAILING.labels(*key).set(outcome is Outcome.FAILED)
        RECONCILE_SECONDS.observe(time.monotonic() - begun)
