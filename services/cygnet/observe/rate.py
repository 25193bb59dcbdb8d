"""Rates and lag for people, from counts that grow."""

from dataclasses import dataclass, field

RATE_WINDOW_SECONDS = 5.0


@dataclass(slots=True)
class Rate:
    """Frames/s over the last `window_seconds`, from a growing count."""

    window_seconds: float = RATE_WINDOW_SECONDS
    marks: list[tuple[float, float]] = field(default_factory=list)

    def add(self, time: float, count: float) -> float:
        """Take another reading and return the rate. A count that falls begins anew."""
        if self.marks and (count < self.marks[-1][1] or time <= self.marks[-1][0]):
            self.marks.clear()
        self.marks.append((time, count))
        while len(self.marks) > 2 and self.marks[1][0] <= time - self.window_seconds:
            self.marks.pop(0)
        first_time, first_count = self.marks[0]
        return (count - first_count) / (time - first_time) if time > first_time else 0.0


def lag(waiting_frames: int, rate_hz: float) -> float | None:
    """Return the seconds that the backlog takes at this rate; None when nothing moves."""
    if not waiting_frames:
        return 0.0
    return waiting_frames / rate_hz if rate_hz > 0 else None
