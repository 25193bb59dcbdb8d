"""From a load to the sample that the scaling policy reads; of the workers it knows nothing."""

from cygnet.observe.load import Load
from cygnet.scaling import Sample


def sample_of(load: Load, *, per_message: float, processed: int) -> Sample:
    """Return the sample of one tick; `per_message`, `processed`: frames, as the workers report them.

    What is known of the workers themselves is for whoever runs them to add.
    """
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
        run_active=load.state == "running",
        beam_active=load.beam_active,
        ceiling=load.ceiling,
    )
