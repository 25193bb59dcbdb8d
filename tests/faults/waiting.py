"""Waiting for conditions, with a deadline, and with words for what was still missing when it passed."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from cygnet.transport.errors import NatsOutageError

_LOOK_SECONDS = 0.05
Condition = Callable[[], Awaitable[bool]]
Words = Callable[[], Awaitable[str]]


class FaultError(Exception):
    """A promise was broken, or the suite could not bring about what it wanted to test."""


class NotInTimeError(FaultError):
    """A condition did not come to hold; the message says what was missing."""


async def until(condition: Condition, seconds: float, missing: str | Words) -> None:
    """Return once the condition holds; while NATS is away it does not. Raises NotInTimeError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if await condition():
                return
        except NatsOutageError as error:
            away = f"; NATS: {error}"
        else:
            away = ""
        if time.monotonic() > deadline:
            said = missing if isinstance(missing, str) else await _say(missing)
            raise NotInTimeError(f"after {seconds:g} s: {said}{away}")
        await asyncio.sleep(_LOOK_SECONDS)


async def _say(words: Words) -> str:
    try:
        return await words()
    except NatsOutageError as error:
        return f"NATS does not answer: {error}"
