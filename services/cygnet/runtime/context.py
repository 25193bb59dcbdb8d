"""What a service is given: its pipeline, its connections, its place in the process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cygnet import __version__
from cygnet.runtime import metrics
from cygnet.runtime.backoff import SAY_AGAIN_SECONDS, StoppedError, describe, retry_outage
from cygnet.runtime.health import Health, Wait
from cygnet.runtime.logging import Log
from cygnet.runtime.settings import Settings
from cygnet.runtime.sizes import owner_metadata, stream_sizes
from cygnet.spec.pipeline import Pipeline
from cygnet.storage.bucket import Bucket
from cygnet.storage.bucket import connect as connect_bucket
from cygnet.storage.errors import NoSuchBucketError, StorageDeniedError, StorageUnavailableError
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import ApiError, NatsOutageError, NatsUnreachableError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.streams import ensure_streams
from cygnet.transport.values import Values

INSTALLATION, UID = "CYGNET_INSTALLATION", "CYGNET_PIPELINE_UID"
_PROBE = "cygnet-probe"
_SILENT = "JetStream does not acknowledge what is published: is the disk of nats-server full?"
_SERVER_ERROR = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that the body of a service works with."""

    service: str
    pipeline: Pipeline
    spec_path: Path
    """File that the pipeline was read from; paths in it are relative to its folder."""
    names: Names
    settings: Settings
    nc: Client
    bucket: Bucket
    values: Values
    window: PublishWindow
    stop: asyncio.Event
    """Set by SIGTERM: take nothing new, finish what is begun, return."""
    health: Health
    log: Log

    async def patiently(self, action: Callable[[], Awaitable[T]]) -> T:
        """Return `await action()`, tried again for as long as NATS or the bucket are away.

        A bucket that denies holds as one that is away does: no frame is to blame for a policy or a key, and
        whoever can change it finds it in log, metric and readiness. Raises StoppedError when the service is
        to stop meanwhile, and any other error at once.
        """
        with Wait(self.health) as wait:

            def judge(error: Exception) -> bool:
                outage = is_outage(error) or isinstance(error, StorageDeniedError)
                if outage:
                    wait.holds(away(error), str(error) or describe(error))
                return outage

            return await retry_outage(action, judge, reason=away, log=self.log, stop=self.stop)

    def bucket_of(self, name: str | None) -> Bucket:
        """Return another bucket of the pipeline's S3; None: its own."""
        own = self.settings.s3
        return self.bucket if name in (None, own.bucket) else connect_bucket(replace(own, bucket=name))

    async def ensure_bucket(self, name: str) -> None:
        """Make sure of another bucket of the pipeline's S3, waiting for one that is away."""
        from cygnet.storage.admin import ensure_bucket  # boto3 is slow to import

        settings = replace(self.settings.s3, bucket=name)
        await self.patiently(lambda: asyncio.to_thread(ensure_bucket, settings))

    @property
    def holder(self) -> str:
        """Name under which this process holds leases."""
        return self.settings.instance


@asynccontextmanager
async def open_context(
    service: str,
    pipeline: Pipeline,
    spec_path: Path,
    settings: Settings,
    stop: asyncio.Event,
    health: Health,
    log: Log,
    owner: dict[str, str] | None = None,
) -> AsyncIterator[Context]:
    """Connect, make sure of streams and bucket, and close it all at the end.

    Waits for a NATS server that is away. Raises NatsRefusedError, StorageDeniedError, StreamConflictError,
    StorageReserveError: someone has to change something; StoppedError when `stop` comes first.
    """
    names = Names(pipeline.metadata.namespace, pipeline.metadata.name)
    metrics.SERVICE.info(
        {
            "service": service,
            "pipeline": pipeline.metadata.name,
            "namespace": pipeline.metadata.namespace,
            "instance": settings.instance,
            "version": __version__,
        }
    )
    for what in ("nats", "s3"):  # from 0: the first outage is an increase too
        metrics.OUTAGES.labels(what)
        metrics.BACKOFF_SECONDS.labels(what)
    nc = await connect_nats(service, names, settings, stop, log)
    window = open_window(nc, health, log)
    bucket = connect_bucket(settings.s3)
    try:
        await retry_outage(
            lambda: ensure_streams(nc, names, stream_sizes(pipeline), owner or owner_metadata(pipeline)),
            is_outage,
            reason="nats",
            log=log,
            stop=stop,
        )
        health.check("nats", nc.rtt)
        bucket_check = asyncio.create_task(_ensure_bucket(bucket, settings, stop, log))
        await asyncio.wait({bucket_check}, timeout=settings.s3.connect_seconds)
        if bucket_check.done():
            bucket_check.result()
        try:
            yield Context(
                service=service,
                pipeline=pipeline,
                spec_path=spec_path,
                names=names,
                settings=settings,
                nc=nc,
                bucket=bucket,
                values=Values(nc, names),
                window=window,
                stop=stop,
                health=health,
                log=log,
            )
        finally:
            bucket_check.cancel()
            await asyncio.gather(bucket_check, return_exceptions=True)
    finally:
        await window.close()
        await close(nc)


def open_window(nc: Client, health: Health, log: Log) -> PublishWindow:
    """Return a publishing window of which this process says what it waits for."""
    return PublishWindow(nc, on_backpressure=_count_backpressure(), on_silence=_Silence(health, log).note)


class _Silence:
    """Says that JetStream does not acknowledge what is published: in log, metric and readiness."""

    def __init__(self, health: Health, log: Log) -> None:
        self._wait = Wait(health)
        self._log = log
        self._health = health
        self._say_at = 0.0
        self._counted = 0

    def note(self, resent: int, messages: int, seconds: float) -> None:
        metrics.PUBLISHES_RESENT.inc(resent)
        metrics.PUBLISH_UNANSWERED.inc(messages - self._counted)
        self._counted = messages
        if not messages:
            self._health.over(self._wait)
            self._log.info(
                "no publish waits for an acknowledgement any more", after_seconds=round(seconds, 1)
            )
            self._say_at = 0.0
            return
        self._wait.holds("nats", _SILENT)
        if seconds >= self._say_at:
            self._log.warning(
                "publishes are not acknowledged; they are sent again until they are",
                messages=messages,
                seconds=round(seconds, 1),
                why=_SILENT,
            )
            self._say_at = seconds + SAY_AGAIN_SECONDS


def _count_backpressure() -> Callable[[bool], None]:
    since = 0.0

    def on_backpressure(blocked: bool) -> None:
        nonlocal since
        now = time.monotonic()
        if not blocked:
            metrics.PUBLISH_BACKPRESSURE_SECONDS.inc(now - since)
        since = now
        metrics.PUBLISH_BLOCKED.set(blocked)

    return on_backpressure


async def connect_nats(
    service: str, names: Names, settings: Settings, stop: asyncio.Event | None, log: Log
) -> Client:
    """Connect, waiting for a server that is away; NatsRefusedError is raised at once."""

    def on_event(event: str, detail: str) -> None:
        metrics.NATS_CONNECTED.set(event in ("connected", "reconnected"))
        if event == "reconnected":
            metrics.NATS_RECONNECTS.inc()
        say = log.info if event in ("connected", "reconnected", "closed") else log.warning
        say("nats", what=event, detail=detail)

    return await retry_outage(
        lambda: connect(
            settings.nats_url,
            name=f"cygnet/{names.namespace}/{names.pipeline}/{service}/{settings.instance}",
            user=settings.nats_user,
            password=settings.nats_password,
            on_event=on_event,
        ),
        lambda error: isinstance(error, NatsUnreachableError),
        reason="nats",
        log=log,
        stop=stop,
    )


def is_outage(error: Exception) -> bool:
    """Whether waiting helps: NATS does not answer or is not ready, or the bucket is away."""
    if isinstance(error, ApiError):
        return error.code >= _SERVER_ERROR  # also a purge that a full disk does not take
    return isinstance(error, NatsOutageError | StorageUnavailableError)


def away(error: Exception) -> str:
    """Return what an outage is of: nats, s3, or s3-denied, which somebody has to end."""
    if isinstance(error, StorageDeniedError):
        return "s3-denied"
    return "s3" if isinstance(error, StorageUnavailableError) else "nats"


async def _ensure_bucket(bucket: Bucket, settings: Settings, stop: asyncio.Event, log: Log) -> None:
    """Make sure of the bucket. S3 being away does not hold up a service: its data path knows how to wait."""

    async def probe() -> None:
        try:
            async for _ in bucket.list(_PROBE):
                break
        except NoSuchBucketError:
            from cygnet.storage.admin import ensure_bucket  # boto3 is slow to import

            await asyncio.to_thread(ensure_bucket, settings.s3)
            log.info("bucket created", bucket=settings.s3.bucket)

    try:
        await retry_outage(
            probe, lambda error: isinstance(error, StorageUnavailableError), reason="s3", log=log, stop=stop
        )
    except StoppedError:
        return
