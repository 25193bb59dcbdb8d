"""What a person sees of one pipeline, once a second: plain numbers, for the table and for JSON lines."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How far a run is, in events over all detectors."""

    announced: int = 0
    stored: int = 0
    consumed: int = 0
    dead: int = 0
    dropped: int = 0
    duplicates: int = 0
    in_flight: int = 0
    chunks_committed: int = 0
    chunks_stored: int = 0
    closes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One pipeline at one moment."""

    pipeline: str
    time: float
    """UTC, seconds since 1970."""
    run: str = ""
    state: str = "waiting"
    """waiting, running, ended (the source is done) or complete."""
    events_wanted: int | None = None
    """Events that the run is to have over all detectors, if that is known."""
    counts: Counts = field(default_factory=Counts)
    runs_behind: int = 0
    """Other runs that are not complete yet: those before this one."""
    behind_in_flight: int = 0
    """Events of those runs that are in flight."""
    waiting_frames: int = 0
    """Frames announced and not yet processed, of all runs."""
    rate_hz: float = 0.0
    """Frames processed per second."""
    lag_seconds: float | None = 0.0
    """Backlog / rate; None: a backlog and no rate."""
    oldest_age_seconds: float = 0.0
    held_seconds: float = 0.0
    """Time that back-pressure has held the source in this run."""
    ready: int = 0
    replicas: int = 0
    restarts: int = 0
    decision: str = ""
    """What the scaling policy said last, and why."""
    trouble: str = ""
    """What stands in the way: NATS gives no news, S3 denies, the disk is full."""
    is_old: bool = False
    """Whether these are the numbers of an earlier moment."""

    def to_document(self) -> dict[str, Any]:
        """Return the view as a JSON object."""
        return asdict(self)
