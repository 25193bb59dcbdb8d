"""What a decision leaves for the next: small enough for a status field, so that a restart forgets nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Level:
    """What a number of pods achieved while all of them were busy: frames/s."""

    ready: int
    processed_hz: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest demand, in pods, of one part of the scale-down window that begins at `time`."""

    time: float
    demand: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The state that the policy carries from tick to tick. Times are UTC seconds; None means never.

    - `mu_hz`: learned capacity, frames/s of one busy pod.
    - `replicas`: what the policy believes was asked for; anything else was asked by someone else.
    - `replaced`: what was asked before the last change (the change may not have arrived yet).
    - `last_up`, `last_down`: when replicas were last changed. `foreign_writes`: when others changed them,
      `manual_since`: the last time they did so inside the bounds.
    - `peaks`: maxima of demand. `watched_since`, `watched_until`: demand is known without a hole in between.
    - `idle_since`: since when nothing arrives, waits or is announced by a run or beam.
    - `level`: the last busy level; `growths_in_vain`: how many growths in a row brought nothing,
      `in_vain_at` the last.
    """

    mu_hz: float | None = None
    replicas: int | None = None
    replaced: int | None = None
    last_up: float | None = None
    last_down: float | None = None
    foreign_writes: tuple[float, ...] = ()
    manual_since: float | None = None
    peaks: tuple[Peak, ...] = ()
    watched_since: float | None = None
    watched_until: float | None = None
    idle_since: float | None = None
    level: Level | None = None
    growths_in_vain: int = 0
    in_vain_at: float | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the memory as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Memory":
        """Return the memory that `to_document` wrote.

        Raises ValueError when the document isn't one: the caller decides whether to begin anew with
        `Memory()`.
        """
        try:
            fields = dict(document)
            fields["foreign_writes"] = tuple(float(time) for time in fields.get("foreign_writes", ()))
            fields["peaks"] = tuple(
                Peak(float(p["time"]), float(p["demand"])) for p in fields.get("peaks", ())
            )
            level = fields.get("level")
            fields["level"] = (
                None if level is None else Level(int(level["ready"]), float(level["processed_hz"]))
            )
            for name in ("replicas", "replaced"):
                fields[name] = None if fields.get(name) is None else int(fields[name])
            fields["growths_in_vain"] = int(fields.get("growths_in_vain", 0))
            for name in ("mu_hz", *_TIMES):
                fields[name] = None if fields.get(name) is None else float(fields[name])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a scaling memory: {error!r}") from error

    def not_after(self, now: float) -> "Memory":
        """Return the memory without times after `now`: when a clock was set back nothing may wait for it."""
        moved: dict[str, Any] = {
            name: now for name in _TIMES if (time := getattr(self, name)) is not None and time > now
        }
        return replace(
            self,
            **moved,
            foreign_writes=tuple(min(now, time) for time in self.foreign_writes),
            peaks=tuple(Peak(min(now, peak.time), peak.demand) for peak in self.peaks),
        )


_TIMES = (
    "last_up",
    "last_down",
    "manual_since",
    "watched_since",
    "watched_until",
    "idle_since",
    "in_vain_at",
)
