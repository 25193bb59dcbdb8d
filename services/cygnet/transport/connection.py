"""Connecting to NATS: for ever once connected, with a clear word when the first attempt fails."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client as NatsClient
from nats.aio.client import Server

from cygnet.transport.client import Client
from cygnet.transport.errors import NatsRefusedError, NatsUnreachableError, TransportError

INLINE_RESERVE_BYTES = 64 << 10
CONNECT_SECONDS = 5
PENDING_BYTES = 16 << 20
PING_SECONDS = 20
FIRST_WAIT_SECONDS, LAST_WAIT_SECONDS = 0.05, 2.0

_CUT_TRIES = 5
OnEvent = Callable[[str, str], None]
"""Takes (event, detail); events: connected, disconnected, reconnected, closed, error, waiting."""


async def connect(
    url: str,
    *,
    name: str,
    user: str | None = None,
    password: str | None = None,
    on_event: OnEvent | None = None,
    patient: bool = False,
) -> Client:
    """Return a connected client that reconnects for ever.

    `url`: one or more `nats://[user:password@]host:port`, separated by commas. When the first connection
    fails: `patient` waits with backoff for ever; else NatsUnreachableError or NatsRefusedError is raised.
    """
    attempt = 0
    while True:
        try:
            return await _connect_once(url, name, user, password, on_event or _ignore)
        except TransportError as error:
            if not patient and not (_was_cut(error.__cause__) and attempt < _CUT_TRIES):
                raise
            (on_event or _ignore)("waiting", str(error))
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1


def _was_cut(failure: BaseException | None) -> bool:
    """Whether the server cut the line: one that refuses may do so before its reason has come through."""
    return isinstance(failure, ConnectionError | errors.UnexpectedEOF | errors.StaleConnectionError) and (
        not isinstance(failure, ConnectionRefusedError)
    )


def _is_refusal(failure: BaseException | None) -> bool:
    return "uthorization" in str(failure) or "uthentication" in str(failure)


def backoff_seconds(
    attempt: int, first: float = FIRST_WAIT_SECONDS, last: float = LAST_WAIT_SECONDS
) -> float:
    """Return how long to wait before attempt `attempt` (0, 1, 2 …): doubling, bounded, with jitter."""
    return float(min(last, first * 2 ** min(attempt, 20)) * random.uniform(0.5, 1.0))  # noqa: S311


def inline_limit(nc: NatsClient) -> int:
    """Return how many bytes a message's body may have; above that it goes by reference."""
    return max(nc.max_payload - INLINE_RESERVE_BYTES, nc.max_payload // 2)


async def close(nc: Client, timeout: float = 5.0) -> None:
    """Send what is queued and close; returns within `timeout` even when the server is gone."""
    with contextlib.suppress(errors.Error, OSError, asyncio.TimeoutError):
        if nc.is_up:
            await nc.flush(timeout=timeout)  # type: ignore[arg-type]
    with contextlib.suppress(errors.Error, OSError, asyncio.TimeoutError):
        async with asyncio.timeout(timeout):
            await nc.close()


def without_password(url: str) -> str:
    """Return the address as it may be shown: user names and passwords left out."""
    return ",".join(_bare(each) for each in url.split(","))


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else url.rpartition("@")[2]


def _ignore(event: str, detail: str) -> None:
    """Nobody asked to hear of events."""


async def _connect_once(
    url: str, name: str, user: str | None, password: str | None, on_event: OnEvent
) -> Client:
    nc = Client()
    shown = without_password(url)
    addresses = [each.strip() for each in url.split(",") if each.strip()]
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    failures: list[Exception] = []

    async def on_error(error: Exception) -> None:
        if started:
            on_event("error", f"{type(error).__name__}: {error}")
            return
        failures.append(error)
        if len(failures) >= len(addresses) and not ended.done():
            ended.set_result(None)

    async def on_disconnect() -> None:
        nc.mark_down()
        if started and not nc.is_closed:
            on_event("disconnected", shown)

    async def on_reconnect() -> None:
        on_event("reconnected", shown)
        nc.mark_up()

    async def on_close() -> None:
        nc.mark_closed()
        if started:
            on_event("closed", shown)

    started = False
    attempt: asyncio.Future[None] = asyncio.ensure_future(
        nc.connect(
            servers=addresses,
            name=name,
            user=user,
            password=password,
            error_cb=on_error,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_reconnect,
            closed_cb=on_close,
            max_reconnect_attempts=-1,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            pending_size=PENDING_BYTES,
            flush_timeout=10,
            reconnect_to_server_handler=_next_server,
        )
    )
    try:
        await asyncio.wait({attempt, ended}, timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if attempt.done() and attempt.exception() is None:
            started = True
            nc.mark_up()
            on_event("connected", shown)
            return nc
        failure = _telling(failures) or (attempt.exception() if attempt.done() else None)
        raise _first_error(shown, failure) from failure
    finally:
        if not started:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
            with contextlib.suppress(errors.Error, OSError, AttributeError):
                await nc.close()


def _telling(failures: Sequence[Exception]) -> Exception | None:
    """Return which of several servers' failures to report: a refusal before all, for somebody has to mend it.

    Then a line that was cut, since a refusal may be behind it; else the last one.
    """
    for says_more in (_is_refusal, _was_cut):
        if found := next(filter(says_more, failures), None):
            return found
    return failures[-1] if failures else None


def _first_error(shown: str, failure: BaseException | None) -> TransportError:
    text = str(failure or "").replace("'", "").strip('" ') or (
        type(failure).__name__ if failure else "no answer"
    )
    if _is_refusal(failure):
        return NatsRefusedError(
            f"NATS at {shown} refuses us: {text}. Check user and password (in the URL, or given apart)."
        )
    return NatsUnreachableError(
        f"NATS at {shown} cannot be reached: {text}. Start a server there, or correct the address."
    )


def _next_server(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    best = min(servers, key=lambda server: server.reconnects)
    return best, backoff_seconds(best.reconnects)
