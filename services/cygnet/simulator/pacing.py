"""When an event is due: a pure function of its place in a schedule and the clock."""

import math
from dataclasses import dataclass

import numpy as np

from cygnet.simulator.schedule import Schedule, Seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """A schedule, counted from an anchor (event, clock in seconds); None: everything is due at once.

    A source that was held does not catch up in a burst: `resume` sets a new anchor.
    """

    schedule: Schedule | None
    event: int
    clock: float

    def due(self, event: int, clock: float, most: int) -> int:
        """Return how many events from `event` on are due at `clock`, at most `most`."""
        if self.schedule is None:
            return most
        return int(np.searchsorted(self._after_anchor(event, most), clock - self.clock, side="right"))

    def wait(self, event: int, clock: float) -> float:
        """Return the seconds until `event` is due."""
        return max(0.0, -self._late(event, clock))

    def behind(self, event: int, clock: float) -> float:
        """Return by how many seconds `event` is late."""
        return max(0.0, self._late(event, clock))

    def resume(self, event: int, clock: float) -> "Pace":
        """Return the same schedule, counted from here."""
        return Pace(self.schedule, event, clock)

    def beam(self, clock: float) -> tuple[bool, float]:
        """Return whether there is beam at `clock` by the schedule, and the seconds until that changes."""
        if self.schedule is None:
            return True, math.inf
        scale = self.schedule.time_scale
        on, left = self.schedule.beam(self.schedule.seconds(self.event)[0] + (clock - self.clock) * scale)
        return on, left / scale

    def _late(self, event: int, clock: float) -> float:
        if self.schedule is None:
            return 0.0
        return clock - self.clock - float(self._after_anchor(event, 1)[0])

    def _after_anchor(self, event: int, count: int) -> Seconds:
        """Return how many seconds after the anchor events are due."""
        if self.schedule is None:
            return np.zeros(count)
        anchor = float(self.schedule.seconds(self.event)[0])
        return (self.schedule.seconds(event, count) - anchor) / self.schedule.time_scale
