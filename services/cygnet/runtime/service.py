"""The life of a service: read the spec, connect, run the body, stop on SIGTERM, say how it ended."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from cygnet.model.errors import BadInputError
from cygnet.runtime import crash
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import INSTALLATION, UID, Context, open_context
from cygnet.runtime.health import Health, HealthServer
from cygnet.runtime.logging import Log, configure
from cygnet.runtime.parent import die_with_parent
from cygnet.runtime.settings import Settings
from cygnet.runtime.sizes import owner_metadata
from cygnet.spec.loader import load
from cygnet.spec.pipeline import Pipeline
from cygnet.spec.problems import SpecError
from cygnet.storage.errors import StorageDeniedError
from cygnet.transport.errors import NatsRefusedError, StorageReserveError, StreamConflictError

__all__ = ["EXIT_FAILURE", "EXIT_OK", "EXIT_USAGE", "Body", "Context", "run_service"]

EXIT_OK, EXIT_FAILURE, EXIT_USAGE = 0, 1, 2
Body = Callable[[Context], Awaitable[None]]

_LAST_WORDS_SECONDS = 2.0
# Someone has to change something before these go away; the supervisor starts us again meanwhile.
_REFUSALS = (BadInputError, NatsRefusedError, StorageDeniedError, StorageReserveError, StreamConflictError)


def run_service(name: str, body: Body, spec_path: Path | str, env: Mapping[str, str] = os.environ) -> int:
    """Run `body` with a connected Context until it returns, and return the exit code.

    0: it returned (SIGTERM sets `context.stop`; it is to return within the grace period). 1: it raised, was
    refused, or outlived its grace period; the reason is in the log. 2: spec or environment are wrong.
    A second signal ends the process at once, code 1.

    asyncio's own loop: uvloop is a quarter to two fifths faster on small messages and slower on publishes of
    512 KB and more, which are this pipeline's (1 MiB: 970 against 770 messages/s, twice the client's CPU).
    """
    die_with_parent(env)
    try:
        pipeline = _only_pipeline(Path(spec_path))
        spec = pipeline.spec
        settings = Settings.from_environment(
            env,
            bucket=spec.uploader.bucket,
            nats_url=spec.nats.url,
            s3_endpoint=spec.storage.endpoint,
            s3_region=spec.storage.region,
        )
        crash.arm(env)
    except (SpecError, ValueError) as error:
        print(f"cygnet {name}: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        return EXIT_USAGE
    log = configure(name, settings.instance, settings.log_level).bind(pipeline=pipeline.metadata.name)
    owner = owner_metadata(pipeline, env.get(INSTALLATION, "local"), env.get(UID, ""))
    with asyncio.Runner() as runner:
        return runner.run(_live(name, body, pipeline, Path(spec_path), settings, owner, log))


def _only_pipeline(path: Path) -> Pipeline:
    pipelines = load(path)
    if len(pipelines) != 1:
        names = ", ".join(pipeline.metadata.name for pipeline in pipelines)
        raise BadInputError(f"{path}: a service runs one pipeline; this file holds {len(pipelines)}: {names}")
    return pipelines[0]


async def _live(
    name: str,
    body: Body,
    pipeline: Pipeline,
    spec_path: Path,
    settings: Settings,
    owner: dict[str, str],
    log: Log,
) -> int:
    stop = asyncio.Event()
    health = Health()
    _catch_signals(stop, health, settings.grace_seconds, log)
    asyncio.get_running_loop().set_exception_handler(_log_lost_error(log))

    async def connected() -> None:
        async with open_context(name, pipeline, spec_path, settings, stop, health, log, owner) as context:
            log.info("service runs", spec=str(spec_path))
            await body(context)

    try:
        async with HealthServer(health, settings.http_host, settings.http_port, settings.http_file) as http:
            log.info("listening", http=http.address)
            await _within_grace(connected(), stop, settings.grace_seconds)
    except BaseException as error:
        if stop.is_set() and _is_only_stop(error):
            log.info("stopped while something outside was away")
            return EXIT_OK
        _say_why(error, log, settings.grace_seconds)
        return EXIT_FAILURE
    log.info("service ended")
    return EXIT_OK


def _say_why(error: BaseException, log: Log, grace_seconds: float) -> None:
    """One line for what its reader can change; a traceback for what they can't."""
    inner = _innermost(error)
    if isinstance(inner, _REFUSALS):
        log.error("refused", error=str(inner))
    elif isinstance(error, _GraceOverError):
        log.error("the grace period is over and work is not: ending hard", seconds=grace_seconds)
    elif isinstance(error, OSError):
        log.error("failed", error=error.strerror or str(error), exc_info=error)
    else:
        log.error("service died", error=f"{type(inner).__name__}: {inner}", exc_info=error)


class _GraceOverError(Exception):
    """The body did not return within the grace period."""


async def _within_grace(work: Awaitable[None], stop: asyncio.Event, grace_seconds: float) -> None:
    """Await the work; once `stop` is set, only for the grace period. Raises _GraceOverError then."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=grace_seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_LAST_WORDS_SECONDS)
            raise _GraceOverError
        await task
    finally:
        stopped.cancel()


def _catch_signals(stop: asyncio.Event, health: Health, grace_seconds: float, log: Log) -> None:
    """Let the first SIGTERM or SIGINT set `stop`, and the second end the process."""

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            log.warning("second signal: ending at once", signal=number.name)
            os._exit(EXIT_FAILURE)
        log.info("stopping", signal=number.name, grace_seconds=grace_seconds)
        health.not_ready("service", "stopping")
        stop.set()
        # A loop that hangs can't count its own time.
        last_resort = threading.Timer(grace_seconds + 2 * _LAST_WORDS_SECONDS, os._exit, [EXIT_FAILURE])
        last_resort.daemon = True
        last_resort.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def _log_lost_error(log: Log) -> Callable[[asyncio.AbstractEventLoop, dict[str, object]], None]:
    """Return a handler for errors that nobody awaited."""

    def handle(_loop: asyncio.AbstractEventLoop, about: dict[str, object]) -> None:
        error = about.get("exception")
        log.error("lost error", what=about.get("message"), exc_info=error or False)

    return handle


def _is_only_stop(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_only_stop(each) for each in error.exceptions)
    return isinstance(error, StoppedError)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error
