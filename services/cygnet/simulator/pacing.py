"""When an event is due at a fixed rate: a pure function of its number and the clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """A fixed rate, in events per second, counted from an anchor (event, clock in seconds).

    A source that was held does not catch up in a burst: `resume` sets a new anchor.
    """

    rate_hz: float | None
    event: int
    clock: float

    def due(self, event: int, clock: float, most: int) -> int:
        """Return how many events from `event` on are due at `clock`, at most `most`."""
        if self.rate_hz is None:
            return most
        reached = self.event + int((clock - self.clock) * self.rate_hz) + 1
        return max(0, min(most, reached - event))

    def wait(self, event: int, clock: float) -> float:
        """Return the seconds until `event` is due."""
        if self.rate_hz is None:
            return 0.0
        return max(0.0, self.clock + (event - self.event) / self.rate_hz - clock)

    def behind(self, event: int, clock: float) -> float:
        """Return by how many seconds `event` is late."""
        if self.rate_hz is None:
            return 0.0
        return max(0.0, clock - self.clock - (event - self.event) / self.rate_hz)

    def resume(self, event: int, clock: float) -> "Pace":
        """Return the same rate, counted from here."""
        return Pace(self.rate_hz, event, clock)
