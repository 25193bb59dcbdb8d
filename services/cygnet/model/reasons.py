"""Why events were given up, as intervals for each reason: a source that is broken gives up millions."""

from collections.abc import Iterator

from cygnet.model.intervals import IntervalSet, Pairs


class Reasons:
    """Each event has one reason, the last one that was noted."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: dict[str, IntervalSet] = {}

    def note(self, reason: str, events: Pairs) -> None:
        """Give these events a reason."""
        for other, known in self._events.items():
            if other != reason and any(known.within(first, last) for first, last in events):
                self._events[other] = known.minus(IntervalSet(events))
        self._events.setdefault(reason, IntervalSet()).update(events)

    def get(self, event: int) -> str | None:
        """Return an event's reason, None if none was noted."""
        return next((reason for reason, events in self._events.items() if event in events), None)

    def __iter__(self) -> Iterator[tuple[str, IntervalSet]]:
        return iter(self._events.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reasons) and self._noted() == other._noted()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Reasons({self._noted()})"

    def _noted(self) -> dict[str, Pairs]:
        return {reason: events.pairs() for reason, events in self._events.items() if events}
