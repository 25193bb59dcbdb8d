"""The beat of each Pipeline: look at NATS, see to its streams, let the scaling decide, ask the source."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from cygnet.runtime.logging import Log
from cygnet.scaling import Lifecycle, Sample, Status
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.api import NOT_FOUND
from cygnet.transport.client import Client
from cygnet.transport.errors import (
    ApiError,
    NatsRefusedError,
    StorageReserveError,
    StreamConflictError,
    TransportError,
)
from cygnet_operator import control
from cygnet_operator.brokers import Brokers, UnreadableError
from cygnet_operator.conditions import Part
from cygnet_operator.events import Events
from cygnet_operator.lifecycle import Phase
from cygnet_operator.member import Member
from cygnet_operator.metrics import TICK_LATE_SECONDS
from cygnet_operator.observed import Observed, OpenSampler, OpenScaler, TickSeconds
from cygnet_operator.probe import storage
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key, Store
from cygnet_operator.visit import Visitor

_REASONS = {
    NatsRefusedError: "NatsRefused",
    StreamConflictError: "StreamConflict",
    StorageReserveError: "NoRoomForStreams",
}
_PATIENCE = 2  # looks in a row that may fail before the streams count as away
_READY = Part(Status.TRUE, "StreamsReady", "streams, consumers and values are as the spec says")


@dataclass(frozen=True, slots=True)
class Ways:
    """How a Pipeline is looked at, and how it is scaled."""

    open_sampler: OpenSampler
    open_scaler: OpenScaler
    tick_seconds: TickSeconds


class Pulse:
    """Runs one beat for each Pipeline that is looked after and accepted."""

    def __init__(
        self,
        *,
        visitor: Visitor,
        store: Store,
        brokers: Brokers,
        settings: Settings,
        events: Events,
        log: Log,
        mark: Callable[[Key], None],
        ways: Ways,
    ) -> None:
        self._visitor = visitor
        self._store = store
        self._brokers = brokers
        self._settings = settings
        self._events = events
        self._log = log
        self._mark = mark
        self._ways = ways
        self._tasks: dict[Key, tuple[Member, asyncio.Task[None]]] = {}
        self._http: aiohttp.ClientSession | None = None

    def follow(self) -> None:
        """Begin a beat for those that have none; end those whose Pipeline is gone or refused."""
        for key, (member, task) in list(self._tasks.items()):
            if task.done() or not self._wants(member):
                task.cancel()
                del self._tasks[key]
        for key, member in self._visitor.members.items():
            if key not in self._tasks and self._wants(member):
                self._tasks[key] = (member, asyncio.create_task(self._beat(member), name=f"beat of {key}"))

    async def close(self) -> None:
        """End all beats."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http:
            await self._http.close()

    def _wants(self, member: Member) -> bool:
        return self._visitor.members.get(member.key) is member and member.accepted

    async def _beat(self, member: Member) -> None:
        failures = 0
        due = time.monotonic() + random.uniform(0.0, 1.0)  # noqa: S311 - not all at once
        try:
            while True:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                TICK_LATE_SECONDS.observe(max(0.0, time.monotonic() - due))
                observed = self._visitor.observe(member)
                if observed is None:
                    return
                due = time.monotonic() + self._ways.tick_seconds(observed)
                try:
                    sample = await self._look(member, observed)
                    failures = 0
                except TransportError as error:
                    failures += 1
                    sample = self._blind(member, observed, error, failures)
                await self._decide(member, observed, sample)
                self._mark(member.key)
        except Exception:
            self._log.exception("beat died; it begins anew", pipeline="/".join(member.key))
            raise
        finally:
            await self._let_go(member)

    async def _look(self, member: Member, observed: Observed) -> Sample:
        """Look at the streams, after they were seen to; ask the source for what the lifecycle wants."""
        pipeline = observed.pipeline
        nc = await self._brokers.client(pipeline)
        await self._see_to(nc, member, observed)
        if member.sampler is None:
            member.sampler = await self._ways.open_sampler(nc, observed)
        look = await member.sampler.look(observed)
        drained = control.Drains(end_asked=False, late=False)
        if _asks_of_ends(member, pipeline):
            drained = await control.drains(nc, pipeline, look.run)
        member.look, member.flow, member.streams = look, control.flow(look, drained), _READY
        step = member.next_step(observed)
        if step.ask:
            await control.ask(nc, pipeline, look.run, step)
            self._log.info("run control", pipeline="/".join(member.key), ask=step.ask, run=look.run)
        member.reads_ends = pipeline.spec.lifecycle != "Running" or drained.end_asked
        return look.sample

    async def _see_to(self, nc: Client, member: Member, observed: Observed) -> None:
        """Make or change streams and live parameters, once for each spec and connection."""
        this = (observed.generation, id(nc))
        if member.ensured == this:
            return
        if member.sampler and member.ensured and member.ensured[1] != this[1]:
            await self._let_go(member)
        await control.ensure(nc, observed.pipeline, self._settings.installation, member.uid)
        if await control.follow_window(nc, observed.pipeline):
            document = self._store.pipeline(member.key)
            window = observed.pipeline.spec.preprocessor.window
            if document and window:
                note = f"the spec's window, {window.min:g} to {window.max:g}, is in force; no pod rolls"
                await self._events.tell(document, "ParametersChanged", note, action="SetParameters")
        member.ensured = this

    def _blind(self, member: Member, observed: Observed, error: TransportError, failures: int) -> Sample:
        """Return a sample without numbers, and remember why there are none."""
        member.flow = None
        if isinstance(error, ApiError) and error.err_code in NOT_FOUND:
            member.ensured = None  # somebody deleted a stream: it is made again
        if isinstance(error, UnreadableError):
            member.streams = Part(Status.UNKNOWN, "CredentialsNotReadable", str(error))
        elif type(error) in _REASONS:
            member.streams = Part(Status.FALSE, _REASONS[type(error)], str(error))
        elif member.streams is None or failures >= _PATIENCE:
            member.streams = Part(Status.FALSE, "NatsUnreachable", str(error))
        return Sample(time=time.time(), lifecycle=Lifecycle(observed.pipeline.spec.lifecycle))

    async def _decide(self, member: Member, observed: Observed, sample: Sample) -> None:
        if member.scaler is None:
            member.scaler = self._ways.open_scaler(observed)
        member.scaled = scaled = member.scaler.tick(observed, sample)
        decision = scaled.decision
        if decision.acts and decision.desired is not None:
            member.decided = decision.desired
        document = self._store.pipeline(member.key)
        if scaled.is_change and document is not None:
            await self._events.tell_decision(document, decision)
        if self._http is None:
            self._http = aiohttp.ClientSession()
        if member.was is not Phase.DRAINED:
            member.storage = await storage(self._store.children(member.key), self._http)

    async def _let_go(self, member: Member) -> None:
        """Close what was opened on a connection."""
        if member.sampler is not None:
            with contextlib.suppress(TransportError):
                await member.sampler.close()
            member.sampler = None


def _asks_of_ends(member: Member, pipeline: Pipeline) -> bool:
    """Whether the bucket of values has to be asked about a drain: always, but where none was."""
    return pipeline.spec.lifecycle != "Running" or member.reads_ends
