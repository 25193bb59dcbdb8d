"""`cygnet-operator`: from the environment to a running operator, and in order to its end."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version

from cygnet.runtime.health import Health, HealthServer
from cygnet.runtime.logging import Log, configure
from cygnet.runtime.variables import SettingsError
from cygnet_operator.kube import Kube, login
from cygnet_operator.metrics import LOOP_BEAT_AGE_SECONDS, OPERATOR, REGISTRY
from cygnet_operator.operator import Operator
from cygnet_operator.pulse import Ways
from cygnet_operator.sampling import open_sampler
from cygnet_operator.scaling import open_scaler, tick_seconds
from cygnet_operator.settings import Settings

EXIT_OK, EXIT_FAILURE, EXIT_USAGE = 0, 1, 2


def run(env: Mapping[str, str] = os.environ) -> None:
    """Run until SIGTERM; exit with 0 then, 2 for a wrong environment, 1 when a part ended that must not."""
    sys.exit(main(env))


def main(env: Mapping[str, str]) -> int:
    """Return the exit code of `run`."""
    try:
        settings = Settings.from_environment(env)
    except SettingsError as error:
        print(f"cygnet-operator: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        return EXIT_USAGE
    instance = env.get("CYGNET_INSTANCE") or socket.gethostname()
    log = configure("operator", instance, settings.log_level)
    logging.getLogger("kopf").setLevel(logging.WARNING)  # it tells of every event that it hands over
    with asyncio.Runner() as runner:
        return runner.run(_live(settings, instance, log))


async def _live(settings: Settings, instance: str, log: Log) -> int:
    stop = asyncio.Event()
    catch_signals(stop, log)
    OPERATOR.info({"version": version("cygnet"), "installation": settings.installation})
    access = login()
    if access is None:
        log.error("refused", error="no cluster: neither a ServiceAccount's token nor KUBECONFIG")
        return EXIT_USAGE
    health = Health()
    async with AsyncExitStack() as stack:
        http = HealthServer(health, settings.http_host, settings.http_port,
                            registry=REGISTRY, beat_ages=LOOP_BEAT_AGE_SECONDS)  # fmt: skip
        await stack.enter_async_context(http)
        kube = await stack.enter_async_context(Kube(access))
        log.info("operator runs", http=http.address, installation=settings.installation,
                 namespaces=settings.namespaces or "all")  # fmt: skip
        ways = Ways(open_sampler, open_scaler, tick_seconds)
        operator = Operator(kube, settings, instance, health, log, ways)
        try:
            await operator.run(stop, lambda: catch_signals(stop, log))
        except Exception:
            log.exception("operator died")
            return EXIT_FAILURE
    log.info("operator ended")
    return EXIT_OK


def catch_signals(stop: asyncio.Event, log: Log) -> None:
    """Let the first SIGTERM or SIGINT set `stop`, and the second end the process."""

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(EXIT_FAILURE)
        log.info("stopping", signal=number.name)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
