"""From a load and the workers that there are to the sample that the scaling policy reads."""

from dataclasses import dataclass

from cygnet.observe.load import Load
from cygnet.scaling import Lifecycle, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The workers of one pipeline, and what is wanted of it."""

    ready: int
    desired: int
    """How many were asked for."""
    lifecycle: Lifecycle
    unschedulable: int = 0
    rolling_out: bool = False
    scale_in_paused: bool = False
    scale_out_paused: bool = False


def sample_of(load: Load, workers: Workers, *, per_message: float, processed: int) -> Sample:
    """Return the sample of one tick; `per_message`, `processed`: frames, as the workers report them."""
    return Sample(
        time=load.time,
        pending=load.pending,
        ack_pending=load.ack_pending,
        acked=load.acked,
        last_seq=load.frames.last_seq,
        frames_per_message=per_message,
        processed_frames=processed,
        oldest_age_seconds=load.oldest_age_seconds,
        results_fill=load.results.fill,
        chunks_fill=load.chunks.fill,
        ready=workers.ready,
        desired=workers.desired,
        unschedulable=workers.unschedulable,
        rolling_out=workers.rolling_out,
        lifecycle=workers.lifecycle,
        run_active=load.state == "running",
        beam_active=load.beam_active,
        ceiling=load.ceiling,
        scale_in_paused=workers.scale_in_paused,
        scale_out_paused=workers.scale_out_paused,
    )
