"""Waiting for what is away, without a herd: exponential delays with jitter, counted in a metric."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from cygnet.runtime import metrics
from cygnet.runtime.logging import Log

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0
SAY_AGAIN_SECONDS = 30.0
T = TypeVar("T")


class StoppedError(Exception):
    """The service was asked to stop while it waited for an outage to end."""


def delays(
    first: float = FIRST_SECONDS,
    longest: float = LONGEST_SECONDS,
    uniform: Callable[[], float] = random.random,
) -> Iterator[float]:
    """Yield seconds to wait, for ever: each between half and all of a bound that doubles up to `longest`."""
    for attempt in itertools.count():
        bound = min(longest, first * 2.0 ** min(attempt, 64))
        yield bound * (0.5 + 0.5 * uniform())


async def pause(seconds: float, reason: str, stop: asyncio.Event | None = None) -> None:
    """Wait, counted under `reason`. Raises StoppedError as soon as `stop` is set."""
    begun = time.monotonic()
    try:
        if stop is None:
            await asyncio.sleep(seconds)
            return
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return
        raise StoppedError(f"stopped while waiting: {reason}")
    finally:
        metrics.BACKOFF_SECONDS.labels(reason).inc(time.monotonic() - begun)


async def retry_outage(
    action: Callable[[], Awaitable[T]],
    is_outage: Callable[[Exception], bool],
    *,
    reason: str | Callable[[Exception], str],
    log: Log,
    stop: asyncio.Event | None = None,
    longest: float = LONGEST_SECONDS,
) -> T:
    """Return `await action()`, tried until it does not fail with an outage.

    `is_outage` tells an outage from an error of the request, which is raised at once; `reason` names it. The
    outage is logged when it begins, then every half minute, and when it is over. Raises StoppedError once
    `stop` is set.
    """
    begun: float | None = None
    said = 0.0
    what = ""
    for delay in delays(longest=longest):
        try:
            result = await action()
        except Exception as error:
            if not is_outage(error):
                raise
            now = time.monotonic()
            what = reason if isinstance(reason, str) else reason(error)
            if begun is None:
                begun = now
                metrics.OUTAGES.labels(what).inc()
            if now - said >= SAY_AGAIN_SECONDS or said == 0.0:
                said = now
                log.warning(
                    "waiting", reason=what, error=describe(error), since_seconds=round(now - begun, 1)
                )
            await pause(delay, what, stop)
        else:
            if begun is not None:
                log.info("back", reason=what, after_seconds=round(time.monotonic() - begun, 1))
            return result
    raise AssertionError("delays never end")


def describe(error: BaseException) -> str:
    """Return an error's kind and text on one line; many of the network's errors have no text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
