"""The port behind which every kind of source stands: replay, bridge, simulated detector, capture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.model.frame import Frame
from cygnet.model.intervals import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames in the order of their events, and the numbers that were issued without one.

    `next_event` is the first number that has not been issued. `exhausted`: the source has no more.
    """

    frames: Sequence[Frame] = ()
    next_event: int
    dropped: Pairs | None = None
    duplicate: Pairs | None = None
    exhausted: bool = False


class Source(Protocol):
    """Makes the frames of one detector.

    A source is asked for events by number, so that a run can go on where its cursor stands: a
    reproducible source makes the same frame for the same (run, event) again.
    """

    detector: str

    async def open(self, run: str, next_event: int, events: int | None) -> None:
        """Get ready to make the frames of `run` from `next_event` on; called again for each run.

        events: how many the run is to have, None if it goes on until it is ended.
        """

    async def take(self, next_event: int, most: int) -> Batch:
        """Return at most `most` frames from `next_event` on; none when nothing is there yet."""

    async def close(self) -> None:
        """Let go of files and connections."""
