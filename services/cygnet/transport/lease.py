"""One holder of a role at a time: a document in the bucket, renewed by compare-and-set, with an epoch.

A lease is taken when it was released, when its holder is a process of this machine that is no more, or when
it has not changed for ten seconds of our own clock. A holder that could not renew for nine must stop acting.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cygnet.transport._process import Process, is_known_dead, this_process
from cygnet.transport.errors import LeaseLostError, NatsOutageError
from cygnet.transport.values import ConflictError, Value, Values

__all__ = ["Lease", "LeaseLostError", "Observation", "is_still_ours", "may_take", "observe"]

RENEW_SECONDS = 3.0
LOST_SECONDS = 9.0
TAKE_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Observation:
    """What a waiting process has seen: this revision, unchanged since `since` of its own clock."""

    revision: int
    since: float
    is_free: bool


def observe(
    seen: Observation | None, revision: int, now: float, *, is_released: bool, is_holder_dead: bool
) -> Observation:
    """Return the observation after reading the lease once more."""
    since = seen.since if seen is not None and seen.revision == revision else now
    return Observation(revision, since, is_released or is_holder_dead)


def may_take(seen: Observation, now: float) -> bool:
    """Return whether the lease is free: released, its holder dead, or unchanged for ten seconds."""
    return seen.is_free or now - seen.since >= TAKE_SECONDS


def is_still_ours(renewed: float, now: float) -> bool:
    """Return whether a holder that renewed last at `renewed` may act: for nine seconds, not ten."""
    return now - renewed < LOST_SECONDS


def boot_seconds() -> float:
    """Return a clock that also runs while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """The lease of one role. `acquire`, then run `keep` beside the work, `release` at the end."""

    def __init__(
        self, values: Values, role: str, holder: str, *, clock: Callable[[], float] = boot_seconds
    ) -> None:
        self._values = values
        self._key = f"lease.{role}"
        self._holder = holder
        self._process = this_process()
        self._nonce = secrets.token_hex(8)  # tells our own writes from those of a namesake
        self._clock = clock
        self._revision = 0
        self._renewed = 0.0
        self._turn = 0
        self.epoch = 0

    @property
    def is_held(self) -> bool:
        """Whether we may act now, by our own clock."""
        return self.epoch > 0 and is_still_ours(self._renewed, self._clock())

    async def acquire(self, stop: asyncio.Event) -> int | None:
        """Wait until the lease is ours and return its epoch, larger than any before; None if stopped."""
        seen: Observation | None = None
        while not stop.is_set():
            try:
                value = await self._values.get(self._key)
                if value is None:
                    if await self._take(None):
                        return self.epoch
                else:
                    seen = observe(
                        seen,
                        value.revision,
                        self._clock(),
                        is_released=_is_released(value.data),
                        is_holder_dead=is_known_dead(_process(value.data), self._process),
                    )
                    if may_take(seen, self._clock()) and await self._take(value):
                        return self.epoch
            except NatsOutageError:
                pass  # what we saw before stays true: a revision never comes back
            await _pause(stop, _LOOK_SECONDS)
        return None

    async def keep(self) -> None:
        """Renew until cancelled; raise LeaseLostError when the lease is not ours any more."""
        wait = RENEW_SECONDS
        while True:
            left = self._renewed + LOST_SECONDS - self._clock()
            await asyncio.sleep(max(min(wait, left), 0.0))
            if not self.is_held:
                raise LeaseLostError(f"{self._key}: not renewed for {LOST_SECONDS:g} s; epoch {self.epoch}")
            try:
                async with asyncio.timeout(max(self._renewed + LOST_SECONDS - self._clock(), 0.0)):
                    wait = RENEW_SECONDS if await self._renew() else 0.0
            except (NatsOutageError, TimeoutError):
                wait = _RETRY_SECONDS

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait."""
        if not self.epoch:
            return
        try:
            await self._values.update(self._key, self._document(is_released=True), self._revision)
        except (ConflictError, NatsOutageError):
            return  # lost already, or it runs out by itself
        finally:
            self.epoch = 0

    async def _take(self, value: Value | None) -> bool:
        """Write ourselves down as the next holder, if nothing has changed since `value` was read."""
        self.epoch = _epoch(value.data if value else None) + 1
        began = self._clock()
        try:
            if value is None:
                self._revision = await self._values.create(self._key, self._document())
            else:
                self._revision = await self._values.update(self._key, self._document(), value.revision)
        except (ConflictError, NatsOutageError):
            if not await self._was_written():
                self.epoch = 0
                return False
        self._renewed = began
        return True

    async def _renew(self) -> bool:
        """Write once more; False if it turned out that an earlier, unanswered write had come through."""
        self._turn += 1
        began = self._clock()
        try:
            self._revision = await self._values.update(self._key, self._document(), self._revision)
        except ConflictError as error:
            if not await self._was_written():
                raise LeaseLostError(f"{self._key}: taken by another; our epoch was {self.epoch}") from error
            return False  # when it came through is not known: only the next write counts
        self._renewed = began
        return True

    async def _was_written(self) -> bool:
        """Return whether a write that failed or stayed unanswered is what the bucket holds."""
        value = await self._values.get(self._key)
        data = value.data if value else None
        if value is None or not isinstance(data, dict):
            return False
        if data.get("nonce") != self._nonce or data.get("epoch") != self.epoch or _is_released(data):
            return False
        self._revision = value.revision
        return True

    def _document(self, *, is_released: bool = False) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "turn": self._turn,
            "nonce": self._nonce,
            "released": is_released,
            "holder": {"id": self._holder, **asdict(self._process)},
        }


def _epoch(data: Any) -> int:
    epoch = data.get("epoch", 0) if isinstance(data, dict) else 0
    return epoch if isinstance(epoch, int) else 0


def _is_released(data: Any) -> bool:
    return isinstance(data, dict) and data.get("released") is True


def _process(data: Any) -> Process | None:
    holder = data.get("holder") if isinstance(data, dict) else None
    if not isinstance(holder, dict):
        return None
    try:
        return Process(**{name: holder[name] for name in Process.__dataclass_fields__})
    except (KeyError, TypeError):
        return None


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
