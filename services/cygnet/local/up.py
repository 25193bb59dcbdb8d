"""`cygnet up`: servers, services and a table, until the runs are complete or somebody has had enough."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cygnet.local.command_line import command
from cygnet.local.conductor import Conductor, Task, held
from cygnet.local.decisions import Decisions
from cygnet.local.exporter import Exporter, measure_storage
from cygnet.local.fleet import Death, Fleet
from cygnet.local.folder import Claim, Place, claim
from cygnet.local.header import Line, metrics, where
from cygnet.local.launcher import Launcher, ProcessLauncher
from cygnet.local.places import Given, environment, place_of, s3_settings
from cygnet.local.plan import PREPROCESSOR
from cygnet.local.probes import HEALTH_SECONDS, Liveness, Probes
from cygnet.local.resolved import file_of, resolve, write
from cygnet.local.servers import Servers
from cygnet.local.table import News, Scene, add_news
from cygnet.local.unfinished import check_unfinished
from cygnet.local.user_buckets import make_user_buckets
from cygnet.model.ledger import Ledger
from cygnet.runtime.sizes import owner_metadata, stream_sizes
from cygnet.spec.pipeline import Pipeline
from cygnet.storage.admin import ensure_bucket
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.parameters import follow_spec, set_by_hand
from cygnet.transport.streams import ensure_streams
from cygnet.transport.values import Values

GRACE_SECONDS = 30.0
_TURN_SECONDS = 0.1
_SHOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    pipelines: Sequence[tuple[Path, Pipeline]]
    folder: Path
    task: Task
    given: Given


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run and its ledger, a line for each detector; and the runs before it in the same `up`."""

    run: str
    lines: Sequence[Ledger]
    earlier: Sequence["RunEnd"] = ()

    @property
    def closes(self) -> bool:
        """Whether the run, and each before it, has ended with nothing in flight."""
        own = bool(self.lines) and all(line.closes for line in self.lines)
        return own and all(each.closes for each in self.earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended: each pipeline's run, where its objects are, and what stood in the way last.

    `stopped_early`: before everything was done. `runs` lacks a pipeline without any run.
    """

    runs: Mapping[str, RunEnd]
    places: Mapping[str, Place]
    troubles: Mapping[str, str]
    stopped_early: bool

    @property
    def closes(self) -> bool:
        """Whether every run has ended with nothing in flight."""
        complete = not self.stopped_early and len(self.runs) == len(self.places)
        return complete and all(end.closes for end in self.runs.values())


class Up:
    """One `cygnet up`, from the claim of the folder to the last process."""

    def __init__(self, wish: Wish, show: Callable[[Scene], None], launcher: Launcher | None = None) -> None:
        self._wish = wish
        self._show = show
        self._launcher = launcher or ProcessLauncher(wish.folder)
        self._news: list[News] = []
        self._header: list[Line] = []
        self._conductors: list[Conductor] = []
        self._fleet: Fleet | None = None
        self._drain = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self) -> Outcome:
        """Run to the end. Raises LocalError, TransportError or StorageError when it can't start."""
        with claim(self._wish.folder) as mine, self._signals():
            resolved = self._resolved()
            async with Servers(mine, [pipeline for _, pipeline in resolved], self._wish.given) as servers:
                for note in servers.notes():
                    self._say(note)
                places = self._places(resolved, servers)
                async with self._clients(places) as clients:
                    await self._check(resolved, places, clients, mine)
                    for file, pipeline in resolved:
                        write(pipeline, file)
                    mine.say(pipelines=places, servers=servers.addresses())
                    await self._make_ready(places, clients)
                    if servers.s3:
                        await make_user_buckets(servers.s3)
                    self._fleet = self._new_fleet(places)
                    try:
                        await self._conduct(clients, servers, mine)
                        await self._end_fleet(servers)
                    finally:
                        self._fleet.kill_all()
                    return Outcome(
                        runs=await self._runs(),
                        places=places,
                        troubles={each.name: each.view.trouble for each in self._conductors},
                        stopped_early=not all(each.done for each in self._conductors),
                    )

    # --- start ------------------------------------------------------------------------------------

    def _resolved(self) -> list[tuple[Path, Pipeline]]:
        """Return the pipelines as services start from them, each with the file that they find it in."""
        one_run = self._wish.task.events is not None
        resolved = [resolve(pipeline, file, one_run=one_run) for file, pipeline in self._wish.pipelines]
        return [(file_of(pipeline, self._wish.folder), pipeline) for pipeline in resolved]

    def _places(self, resolved: Sequence[tuple[Path, Pipeline]], servers: Servers) -> dict[str, Place]:
        places = {
            pipeline.metadata.name: place_of(pipeline, spec, self._wish.given, servers.nats, servers.s3)
            for spec, pipeline in resolved
        }
        self._header = where(places, self._wish.folder)
        return places

    @asynccontextmanager
    async def _clients(self, places: Mapping[str, Place]) -> AsyncIterator[dict[str, Client]]:
        clients: dict[str, Client] = {}
        try:
            for name, place in places.items():
                clients[name] = await _connect(name, place)
            yield clients
        finally:
            for nc in clients.values():
                await close(nc)

    async def _check(
        self,
        resolved: Sequence[tuple[Path, Pipeline]],
        places: Mapping[str, Place],
        clients: Mapping[str, Client],
        mine: Claim,
    ) -> None:
        """Let no unfinished run go on as another one. Whoever is refused leaves everything as it was."""
        before = dict(reversed(mine.before.known())) if mine.before else {}
        for _, pipeline in resolved:
            name = pipeline.metadata.name
            place, nc = places[name], clients[name]
            names = Names(place.namespace, name)
            await ensure_streams(nc, names, stream_sizes(pipeline), owner_metadata(pipeline))
            await check_unfinished(nc, Values(nc, names), names, pipeline, place, before.get(name))

    async def _make_ready(self, places: Mapping[str, Place], clients: Mapping[str, Client]) -> None:
        for _, pipeline in self._wish.pipelines:
            name = pipeline.metadata.name
            place = places[name]
            await asyncio.to_thread(ensure_bucket, s3_settings(place))
            names = Names(place.namespace, name)
            view = pipeline.spec.preprocessor.window
            window = {"min": view.min, "max": view.max} if view else None
            values = Values(clients[name], names)
            if await follow_spec(values, window):
                self._say(f"{name}: the spec's window has changed, and is in force from now on")
            elif window and (found := await set_by_hand(values, window)):
                self._say(f"{name}: {_kept(*found, window, self._wish.folder, name)}")

    def _new_fleet(self, places: Mapping[str, Place]) -> Fleet:
        grace = {"CYGNET_GRACE_SECONDS": str(GRACE_SECONDS)}
        return Fleet(
            self._launcher,
            {name: Path(place.spec) for name, place in places.items()},
            {name: environment(place) | grace for name, place in places.items()},
            GRACE_SECONDS,
            self._on_death,
        )

    # --- while it runs ----------------------------------------------------------------------------

    async def _conduct(self, clients: Mapping[str, Client], servers: Servers, mine: Claim) -> None:
        fleet = self._the_fleet()
        for _, pipeline in self._wish.pipelines:
            name = pipeline.metadata.name
            note = Decisions(self._wish.folder, name).add
            conductor = Conductor(pipeline, clients[name], fleet, self._wish.task, self._say, note)
            await conductor.open()
            self._conductors.append(conductor)
        urls = {name: place.nats_url for name, place in mine.up.pipelines.items()}
        namespaces = {name: place.namespace for name, place in mine.up.pipelines.items()}
        exporter = Exporter(self._wish.folder, namespaces)
        async with exporter, Probes() as probes, asyncio.TaskGroup() as group:
            self._header.append(metrics(exporter.address, self._wish.folder))
            own_store = servers.nats.store if servers.nats else None
            helpers = [
                group.create_task(exporter.follow(fleet.addresses)),
                group.create_task(measure_storage(clients, urls, own_store)),
                group.create_task(self._turn_fleet(mine)),
                group.create_task(self._probe(probes, servers)),
                group.create_task(self._end_hung(probes)),
                group.create_task(self._draw()),
                group.create_task(servers.watch(self._say)),
            ]
            conducting = [group.create_task(each.run()) for each in self._conductors]
            ended = asyncio.create_task(asyncio.wait(conducting, return_when=asyncio.ALL_COMPLETED))
            stopped = asyncio.create_task(self._stop.wait())
            drained = asyncio.create_task(self._drain_when_asked())
            await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
            others: list[asyncio.Task[Any]] = [ended, stopped, drained]
            for task in (*conducting, *helpers, *others):
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _turn_fleet(self, mine: Claim) -> None:
        fleet = self._the_fleet()
        while True:
            fleet.turn()
            mine.wants(fleet.wanted())
            await asyncio.sleep(_TURN_SECONDS)

    async def _end_hung(self, probes: Probes) -> None:
        """Let services be started again that live and don't move: nobody else would notice."""
        fleet, liveness = self._the_fleet(), Liveness()
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            answers = await probes.hung(fleet.addresses())
            for slot, why in liveness.look(answers).items():
                fleet.end_hung(slot, why)

    async def _probe(self, probes: Probes, servers: Servers) -> None:
        while True:
            answers = await probes.ask(self._the_fleet().addresses())
            for conductor in self._conductors:
                own = {slot: each for slot, each in answers.items() if slot.pipeline == conductor.name}
                conductor.ready = sum(slot.service == PREPROCESSOR and not own[slot] for slot in own)
                conductor.held = "; ".join(filter(None, (servers.trouble, held(own))))
            await asyncio.sleep(_SHOW_SECONDS)

    async def _draw(self) -> None:
        while True:
            self._show_scene()
            await asyncio.sleep(_SHOW_SECONDS)

    async def _drain_when_asked(self) -> None:
        await self._drain.wait()
        for conductor in self._conductors:
            conductor.drain()
        self._show_scene()

    def _show_scene(self) -> None:
        try:
            self._show(self._scene())
        except BrokenPipeError:  # `cygnet up | head`: nobody looks any more
            self._stop.set()

    def _scene(self) -> Scene:
        return Scene(
            views=[conductor.view for conductor in self._conductors],
            header=self._header,
            news=self._news,
            phase=self._phase(),
        )

    def _phase(self) -> str:
        if self._stop.is_set():
            return "stopping: what is in flight waits for the next up; Ctrl-C again ends it the hard way"
        if self._drain.is_set() and not all(each.done for each in self._conductors):
            return f"draining: the run is ended, {self._left()}; Ctrl-C again stops at once"
        return ""

    def _left(self) -> str:
        views = [conductor.view for conductor in self._conductors]
        events = sum(view.counts.in_flight + view.behind_in_flight for view in views)
        behind = sum(view.runs_behind for view in views)
        if not events:
            return "what is in flight is stored"
        more = f", also of {behind} earlier run{'' if behind == 1 else 's'}" if behind else ""
        return f"{events} events in flight are stored{more}"

    # --- the end ----------------------------------------------------------------------------------

    async def _end_fleet(self, servers: Servers) -> None:
        """Let the services end in order: what feeds others goes first."""
        fleet = self._the_fleet()
        fleet.ending = True
        if self._stop.is_set():
            fleet.stop_all()
        deadline = time.monotonic() + len(self._wish.pipelines) * GRACE_SECONDS + 5 * GRACE_SECONDS
        watching = asyncio.gather(servers.watch(self._say), self._draw())
        try:
            while fleet.alive() and time.monotonic() < deadline:
                fleet.turn()
                await asyncio.sleep(_TURN_SECONDS / 2)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        self._show_scene()

    async def _runs(self) -> dict[str, RunEnd]:
        found = {}
        for conductor in self._conductors:
            with contextlib.suppress(TransportError):
                run, lines = await conductor.ledger()
                earlier = [RunEnd(*each) for each in await conductor.earlier()]
                if run:
                    found[conductor.name] = RunEnd(run, lines, earlier)
        return found

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """First Ctrl-C: drain; second: stop; third: end hard. SIGTERM stops and leaves the run unfinished."""
        starting = asyncio.current_task()

        def on_interrupt() -> None:
            if self._stop.is_set():
                os._exit(1)
            if self._fleet is None and starting:
                starting.cancel()
            (self._stop if self._drain.is_set() else self._drain).set()

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, on_interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)

    def _on_death(self, death: Death) -> None:
        self._say(str(death))

    def _say(self, what: str) -> None:
        self._news = add_news(self._news, time.time(), what)

    def _the_fleet(self) -> Fleet:
        if self._fleet is None:
            raise RuntimeError("there is no fleet yet")
        return self._fleet


def _kept(revision: int, there: object, window: Mapping[str, float], folder: Path, name: str) -> str:
    """Return what is in force instead of the spec's window, and how that is undone."""
    bounds = " ".join(f"{bound}={count:g}" for bound, count in window.items())
    undo = command(f"params set {bounds}", folder, name)
    return (
        f"`params set` is still in force, revision {revision}: window {there}, where the spec says"
        f" {dict(window)}; the spec's again: {undo}"
    )


async def _connect(name: str, place: Place) -> Client:
    return await connect(
        place.nats_url, name=f"cygnet/up/{name}", user=place.nats_user, password=place.nats_password
    )
