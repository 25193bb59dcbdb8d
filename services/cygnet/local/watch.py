"""Looks at one pipeline once a second: streams, run and account, for a person and for the policy."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from cygnet.local.view import Counts, Rate, View, lag
from cygnet.model.account import Begin, Record
from cygnet.model.ledger import Ledger, RunAccount, fold, ledger, total
from cygnet.scaling import Lifecycle, Sample
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.account import Follower, read_account
from cygnet.transport.client import Client, Message
from cygnet.transport.names import Names
from cygnet.transport.runs import BEAM_KEY, RUN, SETTLED, RunRequest, current_run, run_key
from cygnet.transport.streams import PREPROCESSOR, ConsumerState, StreamState, consumer_state, stream_state
from cygnet.transport.values import Values

_BATCH = 64  # messages that one worker pulls at most: how many workers the ack limit can feed
_FOLLOW_SECONDS = 0.5


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


@dataclass(slots=True)
class _Handled:
    """How many frames and messages the workers have handled, as they say themselves."""

    by_worker: dict[str, tuple[int, int]] = field(default_factory=dict)
    processed: int = 0
    """Frames processed by all workers, also those that have ended or begun anew; it never goes back."""
    processed_by: dict[str, int] = field(default_factory=dict)

    def add(self, worker: str, frames: int, messages: int, processed: int) -> None:
        """Take a worker's report; a count that falls is another process's."""
        self.by_worker[worker] = (frames, messages)
        before = self.processed_by.get(worker, 0)
        self.processed += processed - before if processed >= before else processed
        self.processed_by[worker] = processed

    def frames_per_message(self) -> float | None:
        frames = sum(each[0] for each in self.by_worker.values())
        messages = sum(each[1] for each in self.by_worker.values())
        return frames / messages if messages else None


class Watch:
    """Knows the state of one pipeline; `look` reads what changes, `follow` keeps the account."""

    def __init__(self, pipeline: Pipeline, nc: Client, names: Names, values: Values) -> None:
        self._pipeline = pipeline
        self._nc = nc
        self._names = names
        self._values = values
        self._accounts: dict[str, RunAccount] = {"": RunAccount("")}
        """Of the run that is shown, and of others that are not complete."""
        self._run = ""
        self._follower: Follower | None = None
        self._rate = Rate()
        self._rate_of_all = Rate()
        self._handled = _Handled()
        self._first: tuple[str, int, int] | None = None

    async def open(self, run: str) -> None:
        """Read the accounts of `run` and of others that are not complete; listen to the workers' reports."""
        position = (await stream_state(self._nc, self._names.account)).last_seq + 1
        for each in {run, *await self._unfinished()} - {""}:
            await self._read(each)
        self._run = run
        self._follower = Follower(self._nc, self._names, position)
        await self._nc.subscribe(self._names.stats_subject("*"), cb=self._on_stats)

    async def follow(self) -> None:
        """Fold what is appended to the account, until cancelled."""
        if self._follower is None:
            raise RuntimeError("the watch was not opened")
        try:
            while True:
                for _, record in await self._follower.next(timeout=_FOLLOW_SECONDS):
                    self._add(record)
        finally:
            await self._follower.stop()

    async def look(
        self, *, ready: int, desired: int, lifecycle: Lifecycle, request: RunRequest | None = None
    ) -> Look:
        """Return what is there now, of the run that is asked for or of `request`'s. Raises TransportError."""
        now = time.time()
        request = request or await current_run(self._values)
        if request is not None and request.run != self._run:
            await self._turn_to(request.run)
        behind = self._behind()
        streams, consumer, state, cursors, beam = await asyncio.gather(
            self._streams(),
            consumer_state(self._nc, self._names.frames, PREPROCESSOR),
            self._run_state(request),
            self._cursors(request),
            self._values.get(BEAM_KEY),
        )
        frames, results, chunks = streams["frames"], streams["results"], streams["chunks"]
        issued = {name: cursor[0] for name, cursor in cursors.items()}
        whole = self.ledger(issued)
        waiting = consumer.pending + consumer.ack_pending
        per_message = self._frames_per_message(frames, sum(issued.values()))
        waiting_frames = round(waiting * per_message) if state or behind else 0
        if not behind:
            waiting_frames = min(waiting_frames, whole.in_flight)
        of_run = self._rate.add(now, whole.announced + whole.dropped - waiting_frames)
        of_all = self._rate_of_all.add(now, round(per_message * (frames.last_seq - frames.messages)))
        rate = of_all if behind else of_run
        oldest = max(0.0, now - frames.first_ts) if frames.first_ts is not None else 0.0
        view = View(
            pipeline=self._pipeline.metadata.name,
            time=now,
            run=self._run,
            state=state or "waiting",
            events_wanted=self._wanted(request),
            counts=self._counts(whole),
            runs_behind=len(behind),
            behind_in_flight=sum(line.in_flight for line in behind),
            waiting_frames=waiting_frames,
            rate_hz=rate,
            lag_seconds=lag(waiting_frames, rate),
            oldest_age_seconds=oldest,
            held_seconds=sum(cursor[1] for cursor in cursors.values()),
            ready=ready,
            replicas=desired,
        )
        sample = Sample(
            time=now,
            pending=consumer.pending,
            ack_pending=consumer.ack_pending,
            acked=frames.last_seq - frames.messages,
            last_seq=frames.last_seq,
            frames_per_message=per_message,
            processed_frames=self._handled.processed,
            oldest_age_seconds=oldest,
            results_fill=results.fill,
            chunks_fill=chunks.fill,
            ready=ready,
            desired=desired,
            unschedulable=0,
            rolling_out=False,
            lifecycle=lifecycle,
            run_active=state == "running",
            beam_active=bool(beam and beam.data.get("active")),
            ceiling=_ceiling(consumer),
        )
        is_idle = not (waiting or results.messages or chunks.messages)
        letters_fill = streams["dead"].fill
        return Look(view=view, sample=sample, is_idle=is_idle, letters_fill=letters_fill, streams=streams)

    def lines(self, issued: dict[str, int] | None = None) -> list[Ledger]:
        """Return the ledger of the run, a line for each detector."""
        return ledger(self._account, issued)

    def ledger(self, issued: dict[str, int] | None = None) -> Ledger:
        """Return the ledger of the run over all detectors."""
        return total(self.lines(issued), self._run)

    async def reread(self) -> tuple[str, list[Ledger]]:
        """Read the whole account of the run again; return the run and the last word on it."""
        run = self._run
        if not run:
            return run, []
        await self._read(run)
        cursors = await self._cursors(RunRequest(run, None))
        return run, self.lines({name: cursor[0] for name, cursor in cursors.items()})

    async def ledger_of(self, run: str) -> list[Ledger]:
        """Return the ledger of another run."""
        return ledger(fold(run, (record for _, record in await read_account(self._nc, self._names, run))))

    @property
    def _account(self) -> RunAccount:
        return self._accounts[self._run]

    def _add(self, record: Record) -> None:
        """Fold a record into its run's account; of a run that begins, one is begun."""
        if isinstance(record, Begin):
            self._accounts.setdefault(record.run, RunAccount(record.run))
        if record.run in self._accounts:
            self._accounts[record.run].add(record)

    async def _read(self, run: str) -> None:
        """Read the whole account of a run; what is appended meanwhile is folded in by `follow`."""
        is_new = run not in self._accounts
        account = self._accounts.setdefault(run, RunAccount(run))
        try:
            for _, record in await read_account(self._nc, self._names, run):
                account.add(record)
        except BaseException:
            if is_new:  # half of it would be taken for all of it
                del self._accounts[run]
            raise

    async def _unfinished(self) -> list[str]:
        """Return the runs that have begun and are not complete."""
        keys = await self._values.keys(RUN)
        values = [(key.removeprefix(RUN), await self._values.get(key)) for key in keys]
        return [run for run, value in values if value and value.data["state"] not in SETTLED]

    def _behind(self) -> list[Ledger]:
        """Return the ledgers of the other runs that are not complete, and forget those that are."""
        others = {run: account for run, account in self._accounts.items() if run not in ("", self._run)}
        for run, account in others.items():
            if account.is_complete():
                del self._accounts[run]
        return [total(ledger(account), run) for run, account in others.items() if not account.is_complete()]

    async def _turn_to(self, run: str) -> None:
        if run not in self._accounts:
            await self._read(run)
        self._run = run
        self._rate = Rate()
        self._first = None

    async def _streams(self) -> dict[str, StreamState]:
        names = self._names.streams()
        states = await asyncio.gather(*(stream_state(self._nc, stream) for stream in names.values()))
        return dict(zip(names, states, strict=True))

    async def _run_state(self, request: RunRequest | None) -> str | None:
        value = await self._values.get(run_key(request.run)) if request else None
        return str(value.data["state"]) if value else None

    async def _cursors(self, request: RunRequest | None) -> dict[str, tuple[int, float]]:
        """Return next event and held seconds of each detector."""
        if request is None:
            return {}
        detectors = [source.name for source in self._pipeline.spec.sources]
        values = await asyncio.gather(
            *(self._values.get(f"cursor.{request.run}.{name}") for name in detectors)
        )
        return {
            name: (int(value.data["next"]), float(value.data.get("held_seconds", 0.0)))
            for name, value in zip(detectors, values, strict=True)
            if value is not None
        }

    def _frames_per_message(self, frames: StreamState, issued: int) -> float:
        """Return what the workers report; until they have, what the source put into a message in this run."""
        reported = self._handled.frames_per_message()
        if reported:
            return reported
        if self._first is None or self._first[0] != self._run:
            self._first = (self._run, frames.last_seq, issued)
        _, first_seq, first_issued = self._first
        messages = frames.last_seq - first_seq
        return max(1.0, (issued - first_issued) / messages) if messages > 0 else 1.0

    def _wanted(self, request: RunRequest | None) -> int | None:
        """Return how many events the run is to have, all detectors together."""
        sources = self._pipeline.spec.sources
        if request and request.events:
            return request.events * len(sources)
        known = [limit for source in sources if (limit := source.events_per_run)]
        return sum(known) if len(known) == len(sources) else None

    def _counts(self, whole: Ledger) -> Counts:
        accounts = self._account.detectors.values()
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

    async def _on_stats(self, message: Message) -> None:
        try:
            report = json.loads(message.data)
            counts = [int(report[name]) for name in ("frames", "messages", "processed")]
        except (ValueError, KeyError, TypeError):
            return
        self._handled.add(message.subject, *counts)


def _ceiling(consumer: ConsumerState) -> int:
    return max(1, consumer.max_ack_pending // _BATCH)
