"""Looks at each Pipeline's streams: one subscription and one listing for all Pipelines of a connection."""

import time
from dataclasses import dataclass, field
from typing import Any

from cygnet.observe.counts import RunCounts
from cygnet.observe.listing import Listing
from cygnet.observe.load import Load, LoadReader
from cygnet.observe.packing import Packing
from cygnet.observe.rate import Rate, lag
from cygnet.observe.reports import Reports
from cygnet.observe.sample import sample_of
from cygnet.runtime import pipeline_metrics
from cygnet.transport.client import Client
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.values import Values
from cygnet_operator import metrics
from cygnet_operator.observed import Look, Observed, Waiting
from cygnet_operator.workers import with_workers

_RATE_WINDOW_SECONDS = 30.0
_FRESH_SECONDS = 0.5
"""How old a listing may be: those who look at about the same time share one."""

_EVERY = Names("*", "*")
_ALL_SUBJECTS = "cygnet.>"


@dataclass(slots=True)
class _Shared:
    """What all samplers on one connection share."""

    listing: Listing
    reports: Reports
    users: int = field(default=0)


_shared: dict[Client, _Shared] = {}


async def open_sampler(nc: Client, observed: Observed) -> "PipelineSampler":
    """Return a sampler of one Pipeline on this connection; close it when the Pipeline is gone."""
    shared = _shared.get(nc)
    if shared is None:
        reports = Reports(nc, workers_are_there=True)
        reports.start(_EVERY)
        shared = _shared[nc] = _Shared(Listing(nc, _ALL_SUBJECTS, _FRESH_SECONDS), reports)
    shared.users += 1
    return PipelineSampler(nc, observed, shared)


class PipelineSampler:
    """Looks at one Pipeline; made by `open_sampler`."""

    def __init__(self, nc: Client, observed: Observed, shared: _Shared) -> None:
        metadata = observed.pipeline.metadata
        self._nc = nc
        self._names = names = Names(metadata.namespace, metadata.name)
        self._shared = shared
        self._handled = shared.reports.of(names)
        self._packing = Packing(self._handled)
        self._loads = LoadReader(nc, names, Values(nc, names), (), shared.listing)
        self._counts = RunCounts(nc, names)
        self._rate = Rate(_RATE_WINDOW_SECONDS)

    async def look(self, observed: Observed) -> Look:
        """Return what is there now. Raises TransportError when NATS does not say."""
        begun = time.monotonic()
        self._loads.detectors = [source.name for source in observed.pipeline.spec.sources]
        try:
            load = await self._loads.read()
        except TransportError:
            metrics.SAMPLES.labels("failed").inc()
            raise
        per_message = self._packing.frames_per_message(load)
        sample = with_workers(
            sample_of(load, per_message=per_message, processed=self._handled.processed), observed
        )
        metrics.SAMPLES.labels("incomplete" if sample.missing() else "complete").inc()
        metrics.SAMPLE_SECONDS.observe(time.monotonic() - begun)
        pipeline_metrics.note_streams(self._names.namespace, self._names.pipeline, load.streams)
        run = load.request.run if load.request else ""
        self._counts.note(run, load.streams["account"].last_seq)
        return Look(
            sample=sample,
            waiting=Waiting(**{kind: load.streams[kind].messages for kind in Waiting.__dataclass_fields__}),
            run=run,
            run_state=load.state,
            numbers=self._numbers(load, per_message, run),
        )

    async def close(self) -> None:
        """Let go of what is ours; the last sampler of a connection ends its subscription."""
        await self._counts.close()
        self._shared.reports.forget(self._names)
        self._shared.users -= 1
        if not self._shared.users and _shared.get(self._nc) is self._shared:
            del _shared[self._nc]
            await self._shared.reports.stop()

    def _numbers(self, load: Load, per_message: float, run: str) -> dict[str, Any]:
        """Return the status fields, rounded: a digit that nobody reads is no reason to write the status."""
        backlog = round(load.waiting * per_message)
        rate = self._rate.add(load.time, per_message * load.acked)
        numbers: dict[str, Any] = {
            "backlog": backlog,
            "rateHz": _rounded(rate),
            "oldestAgeSeconds": _rounded(load.oldest_age_seconds),
        }
        seconds = lag(backlog, rate)
        if seconds is not None:
            numbers["lagSeconds"] = _rounded(seconds)
        if self._counts.run == run:
            numbers |= {"storedEvents": self._counts.stored, "deadEvents": self._counts.dead}
        return numbers


def _rounded(value: float) -> float:
    """Return the number with three digits that count."""
    return float(f"{value:.3g}")
