"""Named places between two effects where a test kills the process: nothing may be lost or doubled."""

import os
import signal
from collections.abc import Mapping

VARIABLE = "CYGNET_CRASH_AT"

CRASH_POINTS: dict[str, tuple[str, ...]] = {
    "simulator": (
        "simulator.begun",
        "simulator.truth-written",
        "simulator.stored",
        "simulator.published",
        "simulator.all-published",
        "simulator.ended",
    ),
    "preprocessor": (
        "preprocessor.pulled",
        "preprocessor.processed",
        "preprocessor.result-stored",
        "preprocessor.consumed",
        "preprocessor.dead-lettered",
        "preprocessor.dead-recorded",
        "preprocessor.published",
        "preprocessor.acked",
        "preprocessor.attempt-noted",
    ),
    "aggregator": (
        "aggregator.consumer-deleted",
        "aggregator.fenced",
        "aggregator.purged",
        "aggregator.notified-again",
        "aggregator.half-sliced",
        "aggregator.sliced",
        "aggregator.committed",
        "aggregator.noticed",
        "aggregator.acked",
        "aggregator.compacted",
        "aggregator.ledger-written",
        "aggregator.completed",
    ),
    "uploader": (
        "uploader.read",
        "uploader.put",
        "uploader.manifest-put",
        "uploader.recorded",
        "uploader.purged",
        "uploader.acked",
    ),
}
"""Each service's points, named `service.effect-that-has-just-happened`."""


class CrashPoint:
    """Kills this process at the n-th passage of one point; nothing at all when no point is named."""

    def __init__(self, value: str | None) -> None:
        """Take the value of CYGNET_CRASH_AT: `name` or `name:N`. Raises ValueError for what is neither."""
        name, _, passage = (value or "").partition(":")
        self._name = name
        self._left = 0
        if not name:
            return
        if name not in all_points():
            raise ValueError(f"{VARIABLE}: {value!r} is no crash point; accepted: {', '.join(all_points())}")
        if passage and not (passage.isascii() and passage.isdigit() and int(passage)):
            raise ValueError(f"{VARIABLE}: {value!r}: after the colon goes the passage: 1, 2, 3 …")
        self._left = int(passage or 1)

    def pass_by(self, name: str) -> None:
        """Die here if this is the place and the time."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def all_points() -> list[str]:
    """Return the names of all points of all services."""
    return [name for names in CRASH_POINTS.values() for name in names]


def crash_point(name: str) -> None:
    """Mark a place between two effects. Costs one comparison when CYGNET_CRASH_AT is not set."""
    if _armed is not None:
        _armed.pass_by(name)


def arm(env: Mapping[str, str]) -> None:
    """Read CYGNET_CRASH_AT; called once by the service's main. Raises ValueError if it names no point."""
    global _armed
    _armed = CrashPoint(env[VARIABLE]) if env.get(VARIABLE) else None


_armed: CrashPoint | None = None
