"""From the spec to the sizes of the streams and whose they are: the one place where it is worked out."""

from cygnet.spec.pipeline import Pipeline
from cygnet.transport import owners
from cygnet.transport.owners import Owner
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
    """Return what a pipeline's streams and bucket carry about their owner."""
    return owners.owner_metadata(
        Owner(
            installation=installation,
            namespace=pipeline.metadata.namespace,
            pipeline=pipeline.metadata.name,
            uid=uid,
            deletion_policy=pipeline.spec.deletion_policy,
        )
    )
