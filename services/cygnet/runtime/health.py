"""What probes and Prometheus see: /metrics, /healthz (every loop moves), /readyz (connected and bound)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from cygnet.runtime import metrics
from cygnet.runtime.backoff import describe

CHECK_SECONDS = 2.0
HELD_SECONDS = 2.0  # an outage that is over before makes nobody unready
Check = Callable[[], Awaitable[object]]


class Beat:
    """A loop's heartbeat. The loop calls it at every turn, also while it waits for an outage to end."""

    __slots__ = ("_clock", "_last", "name", "within_seconds")

    def __init__(self, name: str, within_seconds: float, clock: Callable[[], float]) -> None:
        self.name = name
        self.within_seconds = within_seconds
        self._clock = clock
        self._last = clock()

    def __call__(self) -> None:
        """Say that the loop has made a turn."""
        self._last = self._clock()

    @property
    def age_seconds(self) -> float:
        """Time since the last turn."""
        return self._clock() - self._last


class Wait:
    """One piece of work that may have to wait for something outside; over when its block ends."""

    def __init__(self, health: "Health") -> None:
        self._health = health
        self.since = 0.0
        self.what = ""
        self.why = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._health.over(self)

    def holds(self, what: str, why: str) -> None:
        """Say that `what` (nats, s3, s3-denied) holds this work, and why; again at every attempt."""
        if what != self.what:
            self.since = self._health.now()
        self.what, self.why = what, why
        self._health.held(self)


class Health:
    """The state that the probes answer from.

    What is outside and away makes a service unready, never unhealthy: to start it again would not help.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats: dict[str, Beat] = {}
        self._missing: dict[str, str] = {"service": "starting"}
        self._checks: dict[str, Check] = {}
        self._held: dict[Wait, None] = {}

    def now(self) -> float:
        """Return the time by which everything here is measured."""
        return self._clock()

    def loop(self, name: str, within_seconds: float) -> Beat:
        """Register a loop that promises a turn at least every `within_seconds`."""
        beat = self._beats[name] = Beat(name, within_seconds, self._clock)
        return beat

    def loop_ended(self, name: str) -> None:
        """Forget a loop that has ended as it should."""
        self._beats.pop(name, None)

    def held(self, wait: Wait) -> None:
        """Say that something outside holds a piece of work: who waits for it is not dead."""
        self._held[wait] = None
        for beat in self._beats.values():
            beat()

    def over(self, wait: Wait) -> None:
        """Say that this work waits no more; it may never have had to."""
        self._held.pop(wait, None)

    def ready(self, part: str = "service") -> None:
        """Say that a part of the service is there: its consumer is bound, its lease held or awaited."""
        self._missing.pop(part, None)

    def not_ready(self, part: str, why: str) -> None:
        """Say that a part of the service is not there, and why."""
        self._missing[part] = why

    def check(self, name: str, check: Check) -> None:
        """Ask `check` whenever someone asks whether the service is ready; it raises when not."""
        self._checks[name] = check

    def stuck(self) -> dict[str, str]:
        """Return the loops that have not kept their promise, and for how long."""
        return {
            beat.name: f"no turn for {beat.age_seconds:.1f} s, promised every {beat.within_seconds:g} s"
            for beat in self._beats.values()
            if beat.age_seconds > beat.within_seconds
        }

    async def unready(self) -> dict[str, str]:
        """Return the parts that are not there, and why."""
        missing = dict(self._missing)
        for wait in self._held:
            if self._clock() - wait.since >= HELD_SECONDS:
                missing[wait.what] = wait.why
        for name, check in self._checks.items():
            try:
                await asyncio.wait_for(check(), CHECK_SECONDS)
            except Exception as error:  # whatever it is, the part is not there
                missing[name] = describe(error)
        return missing

    def beat_ages(self) -> dict[str, float]:
        """Return the age of each loop's last turn, in seconds."""
        return {beat.name: beat.age_seconds for beat in self._beats.values()}


class HealthServer:
    """Serves /metrics, /healthz and /readyz on the service's event loop: if that hangs, so does the probe."""

    def __init__(
        self,
        health: Health,
        host: str,
        port: int,
        announce: Path | None = None,
        *,
        registry: CollectorRegistry = metrics.REGISTRY,
        beat_ages: Gauge = metrics.LOOP_BEAT_AGE_SECONDS,
    ) -> None:
        """Take port 0 for a free one; `announce` is a file that gets `host:port`.

        `registry`: what /metrics shows, with the ages of the loops' last turns in `beat_ages`.
        """
        self._health = health
        self._registry, self._beat_ages = registry, beat_ages
        self._host, self._port, self._announce = host, port, announce
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    @property
    def address(self) -> str:
        """`host:port` that is listened on."""
        return f"{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise OSError(
                error.errno, f"CYGNET_HTTP: {self.address} can't be listened on: {error.strerror}"
            ) from error
        self._port = self._runner.addresses[0][1]
        if self._announce:
            partial = self._announce.with_suffix(".new")
            partial.write_text(self.address)
            partial.replace(self._announce)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        for name, seconds in self._health.beat_ages().items():
            self._beat_ages.labels(name).set(seconds)
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(self._health.stuck())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _answer(await self._health.unready())


def _answer(problems: dict[str, str]) -> web.Response:
    return web.json_response({"ok": not problems, "problems": problems}, status=503 if problems else 200)
