"""Connections to NATS: one for each server, shared by all Pipelines on it."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from cygnet.runtime.logging import Log
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.connection import backoff_seconds, close, connect, without_password
from cygnet.transport.errors import NatsOutageError, NatsUnreachableError, TransportError
from cygnet_operator.metrics import NATS_CONNECTED
from cygnet_operator.settings import OPERATOR, Settings

_LONGEST_WAIT_SECONDS = 30.0


class UnreadableError(TransportError):
    """The Pipeline's NATS asks for a user whose Secret the operator may not read."""


@dataclass(slots=True)
class _Broker:
    """One server: connected, or why not and when to try again."""

    client: Client | None = None
    error: TransportError | None = None
    attempt: int = 0
    next_try: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Brokers:
    """Gives each Pipeline the connection to its NATS."""

    def __init__(self, settings: Settings, instance: str, log: Log) -> None:
        self._settings = settings
        self._instance = instance
        self._log = log
        self._brokers: dict[str, _Broker] = {}

    def url_of(self, pipeline: Pipeline) -> str:
        """Return where a Pipeline's NATS is; raise UnreadableError when the operator may not know how."""
        nats = pipeline.spec.nats
        if nats.secret_name:
            raise UnreadableError(
                f"spec.nats.secretName: the operator reads no Secrets, and so does not see the streams behind"
                f" {nats.secret_name}; the pods make and use them, nothing is scaled or drained"
            )
        url = nats.url or self._settings.nats_url
        if not url:
            raise NatsUnreachableError(
                "spec.nats.url is absent, and this installation has no NATS of its own; accepted: nats://host:port"
            )
        return url

    def urls(self) -> list[str]:
        """Return the servers that are known: the installation's own, and those of Pipelines seen so far."""
        ours = [self._settings.nats_url] if self._settings.nats_url else []
        return list(dict.fromkeys([*ours, *self._brokers]))

    async def client(self, pipeline: Pipeline) -> Client:
        """Return a connection that stands. Raises TransportError, at once while a server is away."""
        return await self.connection(self.url_of(pipeline))

    async def connection(self, url: str) -> Client:
        """Return the connection to a server, as `client`."""
        broker = self._brokers.setdefault(url, _Broker())
        async with broker.lock:
            if broker.client is None or broker.client.is_closed:
                await self._connect(broker, url)
        if broker.client is None:
            raise broker.error or NatsUnreachableError(f"NATS at {without_password(url)} cannot be reached")
        if not broker.client.is_up:
            raise NatsOutageError(f"NATS at {without_password(url)} is away; the connection is made again")
        return broker.client

    async def close(self) -> None:
        """Close all connections."""
        for broker in self._brokers.values():
            if broker.client is not None:
                with contextlib.suppress(TransportError):
                    await close(broker.client)

    async def _connect(self, broker: _Broker, url: str) -> None:
        broker.client = None
        if time.monotonic() < broker.next_try:
            return
        shown = without_password(url)
        ours = url == self._settings.nats_url
        login = self._settings.logins.get(OPERATOR) if ours else None

        def on_event(event: str, detail: str) -> None:
            if event in ("connected", "reconnected", "disconnected", "closed"):
                NATS_CONNECTED.labels(shown).set(event in ("connected", "reconnected"))
                self._log.info("nats", what=event, detail=detail)

        try:
            broker.client = await connect(
                url,
                name=f"cygnet-operator/{self._instance}",
                user=login.user if login else None,
                password=login.password if login else None,
                on_event=on_event,
            )
            broker.error, broker.attempt = None, 0
        except TransportError as error:
            NATS_CONNECTED.labels(shown).set(0)
            self._log.warning("nats", what="waiting", detail=str(error))
            broker.error = error
            wait = backoff_seconds(broker.attempt, 1.0, _LONGEST_WAIT_SECONDS)
            broker.next_try = time.monotonic() + wait
            broker.attempt += 1
