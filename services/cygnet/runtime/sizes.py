"""From the spec to the sizes of the streams: the one place where they are worked out."""

from cygnet.spec.pipeline import Pipeline
from cygnet.transport.streams import StreamSizes


def stream_sizes(pipeline: Pipeline) -> StreamSizes:
    """Return the sizes and times of a pipeline's streams and consumers."""
    streams = pipeline.spec.streams
    return StreamSizes(
        frames_bytes=streams.frames_bytes,
        results_bytes=streams.results_bytes,
        chunks_bytes=streams.chunks_bytes,
        dead_bytes=streams.dead_bytes,
        dead_max_age_seconds=pipeline.spec.dead_letters.max_age_hours * 3600,
        replicas=streams.replicas,
        ack_wait_seconds=streams.ack_wait_seconds,
    )


def owner_metadata(pipeline: Pipeline, installation: str = "local", uid: str = "") -> dict[str, str]:
    """Return what streams and bucket carry, so that a sweep takes only what is its own."""
    return {
        "cygnet.dev/installation": installation,
        "cygnet.dev/namespace": pipeline.metadata.namespace,
        "cygnet.dev/pipeline": pipeline.metadata.name,
        "cygnet.dev/uid": uid,
        "cygnet.dev/deletion-policy": pipeline.spec.deletion_policy,
    }
