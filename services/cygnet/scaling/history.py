"""What the policy is told: one sample per tick, and the history that `decide` reads."""

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from cygnet.scaling.limits import RATE_WINDOW_LIMIT_SECONDS
from cygnet.scaling.memory import Memory


class Lifecycle(StrEnum):
    """What the user wants of the pipeline, in the words of the Pipeline's spec."""

    RUNNING = "Running"
    PAUSED = "Paused"
    DRAINED = "Drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """All that was seen of one scaled role at one tick. None means: could not be read.

    Counters are in messages, as the broker counts; `frames_per_message` turns them into frames (1.0 until
    workers have reported). A role without one of the inputs passes its neutral value, never None.

    - `time`: UTC, seconds since the epoch.
    - `pending`, `ack_pending`: messages not yet delivered; delivered and not yet acked.
    - `acked`: messages that have left the queue since the stream was made. `last_seq`: messages that ever
      entered it. Both from one STREAM.INFO (`acked = last_seq - messages`), so that they belong together.
    - `processed_frames`: frames that workers say they have processed, those of messages in their hands too:
      what moves while a slow pack is worked on. It never goes back; 0 where nobody says.
    - `oldest_age_seconds`: age of the oldest message still in the queue, 0 when it is empty.
    - `results_fill`, `chunks_fill`: bytes / max_bytes of the streams downstream, 0 when unlimited.
    - `ready`: pods that are ready; `desired`: replicas asked for now; `unschedulable`: pods no node takes.
    - `rolling_out`: pods of an old template still exist (a change of replicas alone is no rollout).
    - `run_active`, `beam_active`: False where there is no run or no beam signal.
    - `ceiling`: pods that `max_ack_pending` can feed (`max_ack_pending // batch`); `max_replicas` when
      unlimited.
    - `scale_in_paused`, `scale_out_paused`: the annotations that hold one direction.
    - `asked`: replicas that somebody has asked for since the last tick, on the scale subresource; None when
      nobody has. It is not a number that can be missing.
    """

    time: float
    pending: int | None = None
    ack_pending: int | None = None
    acked: int | None = None
    last_seq: int | None = None
    frames_per_message: float | None = None
    oldest_age_seconds: float | None = None
    results_fill: float | None = None
    chunks_fill: float | None = None
    ready: int | None = None
    desired: int | None = None
    unschedulable: int | None = None
    rolling_out: bool | None = None
    lifecycle: Lifecycle | None = None
    run_active: bool | None = None
    beam_active: bool | None = None
    ceiling: int | None = None
    processed_frames: int = 0
    scale_in_paused: bool = False
    scale_out_paused: bool = False
    asked: int | None = None

    def missing(self) -> tuple[str, ...]:
        """Names of the inputs that could not be read."""
        return tuple(f.name for f in fields(self) if f.name != "asked" and getattr(self, f.name) is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The samples of the last minutes, oldest first, and what earlier decisions left to remember.

    `now` is the time of the decision, UTC seconds: how old the newest sample is can only be told against it.
    """

    now: float
    samples: tuple[Sample, ...] = ()
    memory: Memory = field(default_factory=Memory)

    def then(self, sample: Sample, memory: Memory) -> "History":
        """Return the history one tick later: with `sample`, the last decision's `memory`, no old samples."""
        oldest = sample.time - RATE_WINDOW_LIMIT_SECONDS
        kept = tuple(earlier for earlier in self.samples if earlier.time >= oldest)
        return replace(self, now=sample.time, samples=(*kept, sample), memory=memory)
