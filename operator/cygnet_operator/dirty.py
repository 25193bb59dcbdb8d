"""Pipelines that wait for a visit: each once, one visit at a time, a failed one again after a while."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from cygnet_operator.metrics import DIRTY_AGE_SECONDS, DIRTY_PIPELINES
from cygnet_operator.store import Key

SPACING_SECONDS = 0.25
"""Between two visits to a Pipeline: somebody who fights for a field with us does not keep us from others."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0


@dataclass(slots=True)
class _Due:
    """When a visit is due, and since when it is wanted."""

    at: float
    since: float


class Dirty:
    """A queue of keys without doubles."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[Key, _Due] = {}
        self._visiting: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._free_at: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def mark(self, key: Key) -> None:
        """A visit is wanted now; one that failed lately waits for its turn all the same."""
        now = self._clock()
        at = max(now, self._free_at.get(key, now))
        due = self._due.get(key)
        if due is None:
            self._due[key] = _Due(at, now)
        elif key not in self._failures:
            due.at = min(due.at, at)
        self._changed.set()

    def mark_changed(self, key: Key) -> None:
        """Somebody changed the Pipeline: what failed before may do now, and is tried at once."""
        self._failures.pop(key, None)
        self.mark(key)

    async def next(self) -> Key:
        """Wait for the next key; `done` has to follow."""
        while True:
            now = self._clock()
            self._measure(now)
            free = [(due.at, key) for key, due in self._due.items() if key not in self._visiting]
            if free:
                at, key = min(free)
                if at <= now:
                    del self._due[key]
                    self._visiting.add(key)
                    return key
            self._changed.clear()
            wait = min(free)[0] - now if free else None
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: Key, *, failed: bool = False) -> None:
        """A visit is over; a failed one is wanted again, later each time."""
        self._visiting.discard(key)
        now = self._clock()
        self._free_at = {known: at for known, at in self._free_at.items() if at > now}
        self._free_at[key] = now + SPACING_SECONDS
        if failed:
            count = self._failures[key] = self._failures.get(key, 0) + 1
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(count - 1, 10))
            since = self._due[key].since if key in self._due else now
            self._due[key] = _Due(now + wait * random.uniform(0.7, 1.0), since)  # noqa: S311
        else:
            self._failures.pop(key, None)
            if key in self._due:
                self._due[key].at = max(self._due[key].at, self._free_at[key])
        self._changed.set()

    def age_seconds(self) -> float:
        """Return how long the key waits that is due longest."""
        now = self._clock()
        return max((now - due.at for due in self._due.values() if due.at <= now), default=0.0)

    def _measure(self, now: float) -> None:
        DIRTY_PIPELINES.set(sum(due.at <= now for due in self._due.values()))
        DIRTY_AGE_SECONDS.set(self.age_seconds())
