"""Looks at one pipeline once a second: streams, run and account, for a person and for the policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cygnet.local.view import Counts, View
from cygnet.model.ledger import Ledger, total
from cygnet.observe.accounts import Accounts
from cygnet.observe.listing import Listing
from cygnet.observe.load import Load, LoadReader
from cygnet.observe.packing import Packing
from cygnet.observe.rate import Rate, lag
from cygnet.observe.reports import Reports
from cygnet.observe.sample import sample_of
from cygnet.scaling import Lifecycle, Sample
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.runs import RunRequest
from cygnet.transport.streams import StreamState
from cygnet.transport.values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one moment."""

    view: View
    sample: Sample
    is_idle: bool = False
    """Nothing waits between the services."""
    letters_fill: float = 0.0
    """How full the dead letters are: near 1, each new one drives out the oldest."""
    streams: Mapping[str, StreamState] = field(default_factory=dict)
    """What each stream holds, by its short name."""


class Watch:
    """Knows the state of one pipeline; `look` reads what changes, `follow` keeps the account."""

    def __init__(self, pipeline: Pipeline, nc: Client, names: Names, values: Values) -> None:
        self._pipeline = pipeline
        self._names = names
        self._reports = Reports(nc)
        self._accounts = Accounts(nc, names, values)
        detectors = [source.name for source in pipeline.spec.sources]
        self._loads = LoadReader(nc, names, values, detectors, Listing(nc, names.all_subjects))
        self._handled = self._reports.of(names)
        self._packing = Packing(self._handled)
        self._rate = Rate()
        self._rate_of_all = Rate()

    async def open(self, run: str) -> None:
        """Read the accounts of `run` and of others that are not complete; listen to the workers' reports."""
        await self._accounts.open(run)
        self._reports.start(self._names)

    async def follow(self) -> None:
        """Fold what is appended to the account, until cancelled."""
        await self._accounts.follow()

    async def look(
        self, *, ready: int, desired: int, lifecycle: Lifecycle, request: RunRequest | None = None
    ) -> Look:
        """Return what is there now, of the run that is asked for or of `request`'s. Raises TransportError."""
        load = await self._loads.read(request)
        if load.request is not None and load.request.run != self._accounts.run:
            await self._accounts.turn_to(load.request.run)
            self._rate = Rate()
        per_message = self._packing.frames_per_message(load)
        view = self._view(load, per_message, ready, desired)
        sample = replace(
            sample_of(load, per_message=per_message, processed=self._handled.processed),
            ready=ready,
            desired=desired,
            unschedulable=0,
            rolling_out=False,
            lifecycle=lifecycle,
        )
        return Look(
            view=view,
            sample=sample,
            is_idle=not (load.waiting or load.results.messages or load.chunks.messages),
            letters_fill=load.streams["dead"].fill,
            streams=load.streams,
        )

    async def reread(self) -> tuple[str, list[Ledger]]:
        """Read the whole account of the run again; return the run and the last word on it."""
        run = self._accounts.run
        if not run:
            return run, []
        await self._accounts.read(run)
        cursors = await self._loads.cursors(run)
        return run, self._accounts.lines({name: cursor.next for name, cursor in cursors.items()})

    async def ledger_of(self, run: str) -> list[Ledger]:
        """Return the ledger of another run."""
        return await self._accounts.ledger_of(run)

    def _view(self, load: Load, per_message: float, ready: int, desired: int) -> View:
        behind = self._accounts.behind()
        whole = total(self._accounts.lines(load.issued), self._accounts.run)
        waiting_frames = round(load.waiting * per_message) if load.state or behind else 0
        if not behind:
            waiting_frames = min(waiting_frames, whole.in_flight)
        of_run = self._rate.add(load.time, whole.announced + whole.dropped - waiting_frames)
        of_all = self._rate_of_all.add(load.time, round(per_message * load.acked))
        rate = of_all if behind else of_run
        return View(
            pipeline=self._pipeline.metadata.name,
            time=load.time,
            run=self._accounts.run,
            state=load.state or "waiting",
            events_wanted=self._wanted(load.request),
            counts=self._counts(whole),
            runs_behind=len(behind),
            behind_in_flight=sum(line.in_flight for line in behind),
            waiting_frames=waiting_frames,
            rate_hz=rate,
            lag_seconds=lag(waiting_frames, rate),
            oldest_age_seconds=load.oldest_age_seconds,
            held_seconds=sum(cursor.held_seconds for cursor in load.cursors.values()),
            ready=ready,
            replicas=desired,
        )

    def _wanted(self, request: RunRequest | None) -> int | None:
        """Return how many events the run is to have, all detectors together."""
        sources = self._pipeline.spec.sources
        if request and request.events:
            return request.events * len(sources)
        known = [limit for source in sources if (limit := source.events_per_run)]
        return sum(known) if len(known) == len(sources) else None

    def _counts(self, whole: Ledger) -> Counts:
        accounts = self._accounts.shown.detectors.values()
        return Counts(
            announced=whole.announced,
            stored=whole.stored,
            consumed=whole.consumed,
            dead=whole.dead,
            dropped=whole.dropped,
            duplicates=whole.duplicates,
            in_flight=whole.in_flight,
            chunks_committed=sum(len(each.commits) for each in accounts),
            chunks_stored=sum(len(each.stored_chunks) for each in accounts),
            closes=whole.closes,
        )
