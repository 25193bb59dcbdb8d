"""Whose events a pack holds, said in a header too: a pack that cannot be read still costs known frames."""

from collections.abc import Iterable, Mapping

from cygnet.model.errors import BadInputError
from cygnet.model.identity import FrameId, check_event, check_name
from cygnet.model.intervals import compress

EVENTS = "Cygnet-Events"
_MAX_TEXT = 16 << 10  # of what a header block may have in all, 64 KiB
_MAX_EVENTS = 65_536


def event_list(ids: Iterable[FrameId]) -> dict[str, str]:
    """Return the header `RUN/0-63,65;RUN/7`; none where the numbers are so scattered that it grows long."""
    runs: dict[str, list[int]] = {}
    for each in ids:
        runs.setdefault(each.run, []).append(each.event)
    text = ";".join(f"{run}/{_numbers(events)}" for run, events in runs.items())
    return {EVENTS: text} if len(text) <= _MAX_TEXT else {}


def listed_events(headers: Mapping[str, str]) -> list[FrameId]:
    """Return the identities that the headers of a pack list; none where they do not, or not soundly."""
    try:
        detector = check_name(headers.get("Cygnet-Detector", ""), "Cygnet-Detector")
        found: list[FrameId] = []
        for part in headers.get(EVENTS, "")[:_MAX_TEXT].split(";"):
            run, _, numbers = part.partition("/")
            check_name(run, "run")
            for first, last in _pairs(numbers):
                if not 0 <= last - first < _MAX_EVENTS - len(found):
                    return []
                found += [FrameId(run, detector, event) for event in range(first, last + 1)]
    except BadInputError:
        return []
    return found


def _numbers(events: Iterable[int]) -> str:
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in compress(events))


def _pairs(text: str) -> Iterable[tuple[int, int]]:
    for part in text.split(","):
        first, dash, last = part.partition("-")
        yield _number(first), _number(last if dash else first)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BadInputError(f"{EVENTS}: {text[:40]!r}; accepted: whole numbers", reason="bad-event")
    return check_event(int(text))
