"""What the workers say of themselves every 5 s: frames and messages that they have handled."""

import json
import time
from dataclasses import dataclass, field

from cygnet.transport.client import Client
from cygnet.transport.names import Names

_REPORT_SECONDS = 5.0
_FORGOTTEN_SECONDS = 3600.0


@dataclass(slots=True)
class _Worker:
    heard: float
    frames: int
    messages: int
    processed: int


@dataclass(slots=True)
class Handled:
    """How many frames and messages one pipeline's workers have handled."""

    new_from: float = 0.0
    """Whoever reports for the first time before this, in the time of `add`, may have worked long before."""
    processed: int = 0
    """Frames processed by all workers, also those that have ended or begun anew; it never goes back."""
    _workers: dict[str, _Worker] = field(default_factory=dict)
    _per_message: float | None = None

    def add(self, worker: str, frames: int, messages: int, processed: int, now: float) -> None:
        """Take a worker's report; a count that falls is another process's."""
        before = self._workers.get(worker)
        if before is not None:
            self.processed += processed - before.processed if processed >= before.processed else processed
        elif now >= self.new_from:
            self.processed += processed
        self._workers[worker] = _Worker(now, frames, messages, processed)
        for name in [n for n, each in self._workers.items() if now - each.heard > _FORGOTTEN_SECONDS]:
            del self._workers[name]
        handled = sum(each.messages for each in self._workers.values())
        if handled:
            self._per_message = sum(each.frames for each in self._workers.values()) / handled

    def frames_per_message(self) -> float | None:
        """Return the mean over what was handled; None while nothing has been."""
        return self._per_message or None


class Reports:
    """Listens to the workers of one pipeline, or of all of a server, by one subscription."""

    def __init__(self, nc: Client, *, workers_are_there: bool = False) -> None:
        """`workers_are_there`: some may have begun long before us; only what they do from now on counts."""
        self._nc = nc
        self._handled: dict[tuple[str, str], Handled] = {}
        self._new_from = time.monotonic() + 2 * _REPORT_SECONDS if workers_are_there else 0.0
        self._sid = 0

    def start(self, names: Names) -> None:
        """Listen; the parts of `names` may be `*`."""
        self._sid = self._nc.subscribe_raw(names.stats_subject("*"), self._on_report)

    async def stop(self) -> None:
        """Listen no more."""
        await self._nc.unsubscribe_raw(self._sid)

    def of(self, names: Names) -> Handled:
        """Return what one pipeline's workers have handled; it goes on growing."""
        return self._handled.setdefault((names.namespace, names.pipeline), Handled(self._new_from))

    def forget(self, names: Names) -> None:
        """Drop a pipeline that is gone."""
        self._handled.pop((names.namespace, names.pipeline), None)

    def _on_report(self, subject: bytes, _reply: bytes, _header: bytes, payload: bytes) -> None:
        _, namespace, pipeline, _, worker = subject.decode().split(".", 4)
        handled = self._handled.get((namespace, pipeline))
        if handled is None:  # of a pipeline that somebody else looks at
            return
        try:
            report = json.loads(payload)
            frames, messages, processed = (int(report[name]) for name in ("frames", "messages", "processed"))
        except (ValueError, KeyError, TypeError):
            return
        handled.add(worker, frames, messages, processed, now=time.monotonic())
