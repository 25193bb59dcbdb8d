"""The source: one process that runs all of a pipeline's sources, one run after another."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace

from cygnet.model.account import ALL_DETECTORS, Begin, End
from cygnet.runtime.backoff import StoppedError
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.health import Beat
from cygnet.runtime.metrics import RUN_ACTIVE
from cygnet.simulator.beam import Beam
from cygnet.simulator.bridge import Bridge
from cygnet.simulator.cygno import warm_up
from cygnet.simulator.feeder import Feed, Feeder
from cygnet.simulator.replay import Replay
from cygnet.simulator.schedule import Fixed, Schedule, schedule_of
from cygnet.simulator.simulated import Simulated
from cygnet.spec.sources import Source as SourceSpec
from cygnet.transport import runs
from cygnet.transport.account import append, last_sequence
from cygnet.transport.errors import NatsOutageError
from cygnet.transport.intake import IntakeReader
from cygnet.transport.lease import Lease, LeaseLostError
from cygnet.transport.streams import ensure_intake

_LOOP = "runs"
_POLL_SECONDS = 0.5
_STOP_SECONDS, _SHARE_OF_GRACE = 2.0, 0.5  # for what is under way; the cursor tells the next one the rest
_OVER = ("ended", *runs.SETTLED)


async def body(context: Context) -> None:
    """Run what is asked for whenever the source's lease is ours, until the service is stopped."""
    feeds = [await _feed(context, source) for source in context.pipeline.spec.sources]
    lease = Lease(context.values, "source", context.holder)
    context.health.ready()
    while not context.stop.is_set():
        epoch = await lease.acquire(context.stop)
        if epoch is None:
            return
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(lease.keep())
                await _run_all(context, feeds)
                keeper.cancel()
        except* LeaseLostError as lost:  # to another source, or to an outage of NATS: it goes on either way
            context.log.warning("lease lost", epoch=epoch, why=str(lost.exceptions[0]))
        except* StoppedError:
            context.log.info("stopped while waiting")
        finally:
            context.health.loop_ended(_LOOP)
            await lease.release()


async def _run_all(context: Context, feeds: list[Feed]) -> None:
    beat = context.health.loop(_LOOP, 60)
    while not context.stop.is_set():
        beat()
        request = None
        with contextlib.suppress(NatsOutageError):  # not `patiently`: this loop must be seen to move
            request = await _wanted(context)
        if request is None:
            await _wait(context.stop, _POLL_SECONDS)
        else:
            await Run(context, feeds, request, beat).execute()


async def _wanted(context: Context) -> runs.RunRequest | None:
    """Return the run that is asked for, None if that one is over and no other follows."""
    request = await runs.requested_run(context.values)
    if await runs.run_state(context.values, request.run) not in _OVER:
        return request
    if context.pipeline.spec.runs != "endless" or await runs.is_last_run(context.values, request.run):
        return None
    await runs.request_next_run(context.values, after=request.run)
    return await runs.requested_run(context.values)


class Run:
    """One run: begin, feed all detectors, end. A run that was left in the middle goes on."""

    def __init__(self, context: Context, feeds: list[Feed], request: runs.RunRequest, beat: Beat) -> None:
        self._context = context
        self._feeds = feeds
        self._request = request
        self._run = request.run
        self._end = asyncio.Event()
        self._beat = beat

    async def execute(self) -> None:
        """Publish the run; return when it has ended or the service is to stop."""
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(self._watch_for_end()), group.create_task(self._watch_for_stop())]
            await self._execute()
            for watch in watches:
                watch.cancel()

    async def _execute(self) -> None:
        context = self._context
        log = context.log.bind(run=self._run)
        beam = Beam(context, self._run, (feed.source.detector for feed in self._feeds))
        feeders = [Feeder(context, self._limited(feed), self._run, self._end, beam) for feed in self._feeds]
        for feeder in feeders:
            await feeder.prepare()
        await self._begin()
        log.info("run begins", detectors=[feed.source.detector for feed in self._feeds])
        await beam.begin()
        RUN_ACTIVE.set(1)
        async with asyncio.TaskGroup() as group:
            feeding = [group.create_task(feeder.run()) for feeder in feeders]
        issued = [task.result() for task in feeding]
        RUN_ACTIVE.set(0)
        if context.stop.is_set() and not self._end.is_set() and not self._all_issued(issued):
            return  # a stopped source is no ended run: whoever starts next goes on from the cursor
        await self._finish(dict(zip((feed.source.detector for feed in self._feeds), issued, strict=True)))
        log.info("run ended", announced=sum(issued))

    def _limited(self, feed: Feed) -> Feed:
        return replace(feed, events=self._request.events or feed.events)

    def _all_issued(self, issued: list[int]) -> bool:
        wanted = [self._limited(feed).events for feed in self._feeds]
        return all(want is not None and have >= want for want, have in zip(wanted, issued, strict=True))

    async def _begin(self) -> None:
        """Write the begin record, once, before the first frame."""
        context, names = self._context, self._context.names
        detectors = [feed.source.detector for feed in self._feeds]
        await context.patiently(
            lambda: runs.set_run_state(context.values, self._run, "running", detectors=detectors)
        )
        if await context.patiently(
            lambda: last_sequence(context.nc, names, self._run, ALL_DETECTORS, Begin.kind)
        ):
            return
        spec = context.pipeline.spec
        record = Begin(
            run=self._run,
            detectors=detectors,
            time_ns=time.time_ns(),
            store=spec.store,
            bucket=spec.uploader.bucket,
            prefix=context.pipeline.prefix,
            config={
                "pipeline": context.pipeline.metadata.name,
                "sources": [source.model_dump(exclude_unset=True) for source in spec.sources],
            },
        )
        await append(context.window, names, record, msg_id=f"{self._run}/begin")
        crash_point("simulator.begun")

    async def _finish(self, announced: Mapping[str, int]) -> None:
        """Write the end record, after the last PubAck."""
        context = self._context
        crash_point("simulator.all-published")
        record = End(run=self._run, announced=dict(announced), time_ns=time.time_ns())
        await append(context.window, context.names, record, msg_id=f"{self._run}/end")
        crash_point("simulator.ended")
        await context.patiently(lambda: runs.set_run_state(context.values, self._run, "ended"))

    async def _watch_for_end(self) -> None:
        """Look whether the run is to end, for as long as it lasts: also after an outage of NATS."""
        while True:
            self._beat()
            with contextlib.suppress(NatsOutageError):
                if await runs.is_end_requested(self._context.values, self._run):
                    self._end.set()
            await asyncio.sleep(_POLL_SECONDS)

    async def _watch_for_stop(self) -> None:
        """Once the service is to stop, do not wait for ever for a full stream: the cursor is enough."""
        await self._context.stop.wait()
        await asyncio.sleep(min(_STOP_SECONDS, _SHARE_OF_GRACE * self._context.settings.grace_seconds))
        raise StoppedError("stopped while the stream took no more")


async def _feed(context: Context, spec: SourceSpec) -> Feed:
    """Return the source that a part of the spec describes, ready to be fed from."""
    events, mirror = spec.events_per_run, spec.mirror_subjects
    if spec.replay:
        replay = Replay(spec.name, spec.replay, context.spec_path.resolve().parent)
        rate_hz = spec.replay.rate_hz
        return Feed(replay, Schedule(Fixed(rate_hz)) if rate_hz else None, events, mirror)
    if spec.simulator:
        await asyncio.to_thread(warm_up)  # before the service is ready: no frame waits for a compiler
        simulated = Simulated(spec.name, spec.simulator, context)
        return Feed(simulated, schedule_of(spec.simulator, simulated.seed), events, mirror)
    if spec.announcements is None:
        raise ValueError(f"source {spec.name} has no kind")  # the spec refuses it before
    subject = spec.announcements.subjects[0]
    intake_bytes = spec.announcements.intake_bytes
    stream = await context.patiently(lambda: ensure_intake(context.nc, subject, intake_bytes))
    bridge = Bridge(
        spec.name,
        spec.announcements,
        context.values,
        lambda: IntakeReader(context.nc, stream, subject),
        endless=context.pipeline.spec.runs == "endless",
    )
    return Feed(bridge, None, events, mirror)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
