"""The operator's parts put together: what watches, what decides, what visits, and who watches them."""

import asyncio
from collections.abc import Callable

import kopf

from cygnet.runtime.health import Beat, Health
from cygnet.runtime.logging import Log
from cygnet_operator.brokers import Brokers
from cygnet_operator.dirty import Dirty
from cygnet_operator.events import Events
from cygnet_operator.handlers import kopf_settings, registry
from cygnet_operator.kinds import PIPELINE, WATCHED
from cygnet_operator.kube import Kube, KubeError, login
from cygnet_operator.lists import Lists
from cygnet_operator.metrics import WATCH_ALIVE
from cygnet_operator.pulse import Pulse, Ways
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key, Store
from cygnet_operator.sweep import Sweep
from cygnet_operator.visit import Visitor
from cygnet_operator.visits import Visits

DEFINITION_SECONDS, LOOK_SECONDS = 2.0, 1.0
LONGEST_VISIT_SECONDS = 120.0
_WATCHER = "watcher for "  # how kopf names its tasks


class Operator:
    """One operator; `run` it once."""

    def __init__(
        self,
        kube: Kube,
        settings: Settings,
        instance: str,
        health: Health,
        log: Log,
        ways: Ways,
    ) -> None:
        self._kube, self._settings, self._health, self._log = kube, settings, health, log
        self._instance = instance
        self._dirty = Dirty()
        self._store = Store(self._dirty.mark, self._on_edit)
        self._events = Events(kube, instance, log)
        self._brokers = Brokers(settings, instance, log)
        self._visitor = Visitor(kube, self._store, settings, self._events, log, self._dirty.mark)
        self._visits = Visits(self._dirty, self._visitor.visit, log)
        self._lists = Lists(kube, self._store, settings, log)
        self._sweep = Sweep(kube, self._brokers, settings, log)
        self._pulse = Pulse(
            visitor=self._visitor,
            store=self._store,
            brokers=self._brokers,
            settings=settings,
            events=self._events,
            log=log,
            mark=self._dirty.mark,
            ways=ways,
        )

    async def run(self, stop: asyncio.Event, when_watching: Callable[[], None]) -> None:
        """Run until `stop`; raise what ended a part that must not end.

        `when_watching` is called when kopf has begun: it has taken the signals' handlers by then.
        """
        waits = [asyncio.create_task(stop.wait(), name="stop")]
        kopf_stop = asyncio.Event()
        try:
            beginning = asyncio.create_task(self._begin(), name="beginning")
            await _first_of(beginning, *waits)
            if stop.is_set():
                beginning.cancel()
                await asyncio.gather(beginning, return_exceptions=True)
                return
            beginning.result()
            watching = asyncio.create_task(self._watch(kopf_stop, when_watching), name="kopf")
            parts = [
                watching,
                asyncio.create_task(
                    self._lists.run(self._sweep.run, self._sweep.miss, self._beat("lists", 300)), name="lists"
                ),
                asyncio.create_task(self._look_after(), name="watchdog"),
            ]
            self._visits.start()
            self._health.ready()
            self._log.info("reconciling", pipelines=len(self._store.pipelines()))
            done = await _first_of(*parts, *waits)
            await self._end(parts, kopf_stop)
            for task in done - set(waits):
                task.result()
                if not stop.is_set() and task is not watching:
                    raise RuntimeError(f"{task.get_name()} has ended")
        finally:
            for task in waits:
                task.cancel()

    async def _begin(self) -> None:
        """Wait for the Pipeline resource, then list all that is there before anything is decided."""
        beat = self._beat("beginning", 120)
        while True:
            try:
                if await self._kube.knows_pipelines():
                    break
                why = "the cluster has no Pipeline resource yet; install its CustomResourceDefinition"
            except KubeError as error:
                why = str(error)
            self._health.not_ready("pipelines", why)
            self._log.warning("waiting", why=why)
            beat()
            await asyncio.sleep(DEFINITION_SECONDS)
        self._health.ready("pipelines")
        await self._lists.first(beat)
        self._health.loop_ended("beginning")

    async def _watch(self, kopf_stop: asyncio.Event, when_watching: Callable[[], None]) -> None:
        ready = asyncio.Event()
        scope = (
            {"namespaces": self._settings.namespaces} if self._settings.namespaces else {"clusterwide": True}
        )
        running = asyncio.create_task(
            kopf.operator(
                registry=registry(self._store, login),
                settings=kopf_settings(),
                standalone=True,
                identity=self._instance,  # type: ignore[arg-type] # else kopf asks who user 65532 is: nobody
                stop_flag=kopf_stop,
                ready_flag=ready,
                **scope,
            ),
            name="kopf operator",
        )
        begun = asyncio.create_task(ready.wait())
        await _first_of(running, begun)
        begun.cancel()
        when_watching()
        await running

    async def _look_after(self) -> None:
        """Follow Pipelines that come and go, and say of watches and visits that they live."""
        watches, visits = self._beat("watches", 90), self._beat("visits", LONGEST_VISIT_SECONDS)
        kinds = (PIPELINE, *WATCHED)
        while True:
            self._pulse.follow()
            tasks = [task.get_name() for task in asyncio.all_tasks() if not task.done()]
            watched = [name.removeprefix(_WATCHER) for name in tasks if name.startswith(_WATCHER)]
            scopes = max(1, len(self._settings.namespaces))
            alive = {kind: sum(name.startswith(f"{kind.plural}.") for name in watched) for kind in kinds}
            for kind, count in alive.items():
                WATCH_ALIVE.labels(kind.plural).set(
                    count >= scopes and kind.plural not in self._lists.refused
                )
            if all(count >= scopes for count in alive.values()):
                watches()
            if self._visits.alive and self._visits.longest_seconds() < LONGEST_VISIT_SECONDS:
                visits()
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self, parts: list[asyncio.Task[None]], kopf_stop: asyncio.Event) -> None:
        """Decide nothing more, finish visits, let NATS go, then the watches: kopf ends all that is left."""
        self._health.not_ready("service", "stopping")
        watching, *others = parts
        for task in others:
            task.cancel()
        await self._pulse.close()
        await self._visits.close()
        await self._brokers.close()
        kopf_stop.set()
        await asyncio.wait({watching}, timeout=15)
        watching.cancel()
        await asyncio.gather(*parts, return_exceptions=True)

    def _on_edit(self, key: Key) -> None:
        self._visitor.member(key)
        self._dirty.mark_changed(key)

    def _beat(self, name: str, within_seconds: float) -> Beat:
        return self._health.loop(name, within_seconds)


async def _first_of(
    *tasks: asyncio.Task[None] | asyncio.Task[bool],
) -> set[asyncio.Task[None] | asyncio.Task[bool]]:
    done, _ = await asyncio.wait(set(tasks), return_when=asyncio.FIRST_COMPLETED)
    return done
