"""Conducts one pipeline: asks for its run, watches it, scales it, drains it, and knows when it is done."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cygnet.local.control import COMPLETE, Asked, ask_for_run
from cygnet.local.decisions import on_one_machine
from cygnet.local.fleet import Fleet
from cygnet.local.hearing import announced_until, has_heard
from cygnet.local.plan import AGGREGATOR, PREPROCESSOR, SOURCE, UPLOADER, Slot
from cygnet.local.view import View
from cygnet.local.watch import Look, Watch
from cygnet.model.ledger import Ledger
from cygnet.observe.scaler import Scaler
from cygnet.runtime import pipeline_metrics
from cygnet.scaling import Action, Decision, Lifecycle, Sample
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, RunRequest, ask_for_end, current_run, late_runs, run_key, run_state
from cygnet.transport.values import Values

LOOK_SECONDS = 1.0
_FULL = 0.9  # no letter is larger than a sixteenth of its stream: from here on one may drive out another
OUTSIDE = ("nats", "s3", "s3-denied")  # what a service can only wait for


@dataclass(frozen=True, slots=True)
class Task:
    """What is wanted of a pipeline: a run of `events` (None: as the spec says), or no run at all."""

    runs: bool = True
    events: int | None = None


class Conductor:
    """One pipeline of `cygnet up`."""

    def __init__(
        self,
        pipeline: Pipeline,
        nc: Client,
        fleet: Fleet,
        task: Task,
        say: Callable[[str], None],
        note: Callable[[Decision], None],
    ) -> None:
        """`say` takes what a person should hear of, `note` each decision of the scaling policy."""
        names = Names(pipeline.metadata.namespace, pipeline.metadata.name)
        self.pipeline = pipeline
        self.name = pipeline.metadata.name
        self._key = (pipeline.metadata.namespace, self.name)
        self.view = View(pipeline=self.name, time=time.time())
        self.ready = 0
        """Preprocessors that answer that they are ready; whoever probes them writes here."""
        self.held = ""
        """What holds services, as they say; written there too."""
        self.done = False
        """The run is complete, and no other follows."""
        self._nc = nc
        self._values = Values(nc, names)
        self._watch = Watch(pipeline, nc, names, self._values)
        self._fleet = fleet
        self._task = task
        self._before: set[str] = set()
        self._say = say
        self._note = note
        self._scaler = Scaler(pipeline.spec.preprocessor.scaling)
        self._decision = ""
        self._draining = pipeline.spec.lifecycle == "Drained"
        self._announcers: Sequence[Conductor] = ()
        self._until: dict[str, int] | None = None
        self._last: RunRequest | None = None
        self._letters_are_full = False

    async def open(self) -> None:
        """Ask for the run, if any, and say how many processes of each service there should be."""
        self._before = set(await self._values.keys(RUN))
        await self._watch.open(await self._run())
        spec = self.pipeline.spec
        scaling = spec.preprocessor.scaling
        wanted = scaling.min_replicas if scaling.mode == "auto" else spec.preprocessor.replicas
        replicas = self._fleet.replicas
        replicas[self.name, SOURCE] = 0 if spec.lifecycle == "Paused" or not self._task.runs else 1
        replicas[self.name, PREPROCESSOR] = wanted
        replicas[self.name, AGGREGATOR] = 1
        replicas[self.name, UPLOADER] = spec.uploader.replicas

    async def _run(self) -> str:
        """Return the run that is worked on; where none is wanted the last one, empty for none."""
        if not self._task.runs:
            last = await current_run(self._values)
            return last.run if last else ""
        asked = await ask_for_run(self._values, self._task.events)
        if asked.goes_on:
            self._say(f"{self.name}: {goes_on(asked, self._task.events)}")
            self._before.discard(run_key(asked.request.run))
        return asked.request.run

    @property
    def announces(self) -> bool:
        """Whether its source may still issue events of the run that is on."""
        return bool(self._task.runs) and self.view.state in ("waiting", "running")

    def drain(self, announcers: "Sequence[Conductor]" = ()) -> None:
        """End the run as soon as can be, and begin no other.

        `announcers`: pipelines that this one listens to. It ends after them, and has heard all of them.
        """
        self._draining = True
        self._announcers = announcers
        replicas = self._fleet.replicas
        replicas[self.name, SOURCE] = int(self._task.runs)
        replicas[self.name, PREPROCESSOR] = max(1, replicas[self.name, PREPROCESSOR])  # nobody wakes it later

    async def run(self) -> None:
        """Look and act once a second until done."""
        following = asyncio.create_task(self._watch.follow())
        try:
            while not self.done:
                begun = time.monotonic()
                await self._turn()
                await asyncio.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - begun)))
                if following.done():
                    following.result()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def ledger(self) -> tuple[str, list[Ledger]]:
        """Return the run and its ledger, a line for each detector, from the account as it is now."""
        return await self._watch.reread()

    async def earlier(self) -> list[tuple[str, list[Ledger]]]:
        """Return the ledgers of the runs that this `up` worked on before its last one."""
        worked_on = [key.removeprefix(RUN) for key in await self._values.keys(RUN) if key not in self._before]
        found = [(run, await self._watch.ledger_of(run)) for run in worked_on if run != self.view.run]
        return [(run, lines) for run, lines in found if lines]  # one that was removed has none

    async def _turn(self) -> None:
        try:
            if self._draining and self._task.runs:
                await self._ask_for_end()
            look = await self._look()
            if await self._is_over(look):
                await self._watch.reread()
                look = await self._look()
                self.done = True
            self._scale(look.sample)
            pipeline_metrics.note_streams(*self._key, look.streams)
            self._mind_letters(look.letters_fill)
            view, trouble = look.view, self.held
        except TransportError as error:
            view = replace(self.view, is_old=True)
            trouble = "; ".join(filter(None, (self.held, f"no news from NATS: {error}")))
            self._scale(Sample(time=time.time()))
        restarts = sum(n for (name, _), n in self._fleet.restarts.items() if name == self.name)
        self.view = replace(view, restarts=restarts, decision=self._decision, trouble=trouble)

    async def _look(self) -> Look:
        desired = self._fleet.replicas.get((self.name, PREPROCESSOR), 0)
        lifecycle = Lifecycle.DRAINED if self._draining else Lifecycle(self.pipeline.spec.lifecycle)
        return await self._watch.look(
            ready=self.ready, desired=desired, lifecycle=lifecycle, request=self._last
        )

    async def _ask_for_end(self) -> None:
        """Ask for the end of the run that is on now; what a source begins after it is for the next `up`."""
        self._last = self._last or await current_run(self._values)
        if self._last is None or await run_state(self._values, self._last.run) not in (None, "running"):
            return
        if await self._has_heard_all(self._last.run):
            await ask_for_end(self._values, self._last.run, last=True)

    async def _has_heard_all(self, run: str) -> bool:
        if not self._announcers:
            return True
        if any(each.announces for each in self._announcers):
            return False
        if self._until is None:
            self._until = await announced_until(self._nc, self.pipeline)
        return await has_heard(self._values, run, self._until)

    def _scale(self, sample: Sample) -> None:
        scaling = self.pipeline.spec.preprocessor.scaling
        if scaling.mode != "auto" or not self._scaler.due(sample.time):
            return
        decision = self._scaler.tick(sample)
        self._note(decision)
        pipeline_metrics.note_decision(*self._key, decision, self._scaler.spec)
        self._decision = _in_words(decision)
        if decision.acts and decision.desired is not None:
            self._fleet.replicas[self.name, PREPROCESSOR] = decision.desired

    def _mind_letters(self, fill: float) -> None:
        """Say, once, that dead letters leave to make room for others."""
        if fill >= _FULL and not self._letters_are_full:
            room = self.pipeline.spec.streams.dead_bytes >> 20
            self._say(
                f"{self.name}: the dead letters fill their stream, {room} MiB: each new one drives out the"
                " oldest with its frame; replay or drop some, or raise streams.deadBytes"
            )
        self._letters_are_full = fill >= _FULL

    async def _is_over(self, look: Look) -> bool:
        if not self._task.runs:  # what was replayed is in the bucket, and in the index and ledger there
            return self._draining and look.is_idle and not await late_runs(self._values)
        endless = self.pipeline.spec.runs == "endless" and self._task.events is None
        if self._draining and look.view.runs_behind:
            return False
        return look.view.state == COMPLETE and (self._draining or not endless)


def goes_on(asked: Asked, events: int | None) -> str:
    """Return what becomes of the run that an earlier `up` left unfinished, and of `--events`."""
    said = f"goes on with run {asked.request.run}, which was left unfinished"
    limit = asked.request.events
    if asked.state == "ended":
        return (
            said
            if events is None
            else f"{said}; its source is done, so that --events {events} changes nothing"
        )
    if limit is None:
        return said
    if events is None or limit == events:
        return f"{said}; it ends after {limit} events"
    return f"{said}; it has issued {limit} events already, and ends there instead of after {events}"


def held(problems: Mapping[Slot, Mapping[str, str]]) -> str:
    """Return what holds services, each reason once with the services that it holds; empty for nothing."""
    services: dict[str, set[str]] = {}
    for slot, each in problems.items():
        for part, why in each.items():
            if part in OUTSIDE:
                services.setdefault(why, set()).add(slot.service)
    return "; ".join(f"{', '.join(sorted(names))} held: {why}" for why, names in services.items())


def _in_words(decision: Decision) -> str:
    change = {
        Action.HOLD: "hold" if decision.current is None else f"hold at {decision.current}",
        Action.UP: f"{decision.current} → {decision.desired}",
        Action.DOWN: f"{decision.current} → {decision.desired}",
    }[decision.action]
    dry = " (dry run)" if decision.dry_run and decision.action is not Action.HOLD else ""
    return f"{change}{dry}: {decision.reason}, {on_one_machine(decision.message)}"
