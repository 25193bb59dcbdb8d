"""The form of every stream: what the design's table says, as JetStream's API takes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from cygnet.transport.api import Json
from cygnet.transport.names import Names

DUPLICATE_WINDOW_SECONDS = 120
MAX_VALUE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSizes:
    """How large the streams may grow, and how patient their consumers are."""

    frames_bytes: int
    results_bytes: int
    chunks_bytes: int
    dead_bytes: int
    dead_max_age_seconds: float = 168 * 3600.0
    replicas: int = 1
    ack_wait_seconds: float = 30.0
    max_ack_pending: int = 20_000


def bucket_stream(names: Names) -> str:
    """Name of the stream under the key-value bucket."""
    return f"KV_{names.bucket}"


def stream_configs(names: Names, sizes: StreamSizes, owner_metadata: Mapping[str, str]) -> list[Json]:
    """Return the wanted configuration of each stream, as JetStream's API takes it."""

    def config(name: str, subject: str, **more: object) -> Json:
        return {
            "name": name,
            "subjects": [subject],
            "retention": "limits",
            "discard": "new",
            "storage": "file",
            "num_replicas": sizes.replicas,
            "duplicate_window": nanoseconds(DUPLICATE_WINDOW_SECONDS),
            "allow_direct": True,
            "metadata": dict(owner_metadata),
            "max_bytes": -1,
            **more,
        }

    chunks = names.chunk_subject("*", "*", "*", "*")
    account = names.account_subject("*", "*", "*")
    dead_age = nanoseconds(sizes.dead_max_age_seconds)
    return [
        config(names.frames, names.frame_subject(">"), retention="workqueue", max_bytes=sizes.frames_bytes),
        config(
            names.results, names.result_subject("*"), retention="workqueue", max_bytes=sizes.results_bytes
        ),
        config(names.chunks, chunks, max_bytes=sizes.chunks_bytes),
        config(names.notices, names.notice_subject("*"), retention="workqueue"),
        config(names.account, account),
        config(
            names.dead,
            names.dead_subject("*", "*"),
            discard="old",
            max_bytes=sizes.dead_bytes,
            max_age=dead_age,
            duplicate_window=min(nanoseconds(DUPLICATE_WINDOW_SECONDS), dead_age),
        ),
        config(
            bucket_stream(names),
            f"$KV.{names.bucket}.>",
            max_msgs_per_subject=1,
            max_msg_size=MAX_VALUE_BYTES + 4096,
            allow_rollup_hdrs=True,
            deny_delete=True,
        ),
    ]


def nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
