"""Making, updating, measuring and deleting a pipeline's streams, consumers and key-value bucket."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from nats.aio.client import Client as NatsClient

from cygnet.transport._stream_configs import (
    MAX_VALUE_BYTES,
    StreamSizes,
    bucket_stream,
    nanoseconds,
    stream_configs,
)
from cygnet.transport.api import NOT_FOUND, Json, api, seconds_since_1970
from cygnet.transport.errors import ApiError, ConsumerGoneError, StorageReserveError, StreamConflictError
from cygnet.transport.names import Names, intake_stream

__all__ = [
    "MAX_VALUE_BYTES",
    "PREPROCESSOR",
    "PREPROCESSOR_BATCH",
    "UPLOADER",
    "ConsumerState",
    "StreamSizes",
    "StreamState",
    "aggregator_consumer",
    "bucket_stream",
    "consumer_state",
    "consumers",
    "create_aggregator_consumer",
    "delete_consumer",
    "delete_streams",
    "ensure_consumer",
    "ensure_intake",
    "ensure_streams",
    "purge_subject",
    "stream_configs",
    "stream_state",
    "subjects",
]

PREPROCESSOR = "preprocessor"
PREPROCESSOR_BATCH = 64  # messages that one worker pulls at most
UPLOADER = "uploader"

_EXISTS_DIFFERENTLY = 10058
_SUBJECTS_OVERLAP = 10065
_NO_ROOM = (10023, 10028, 10047)
_SECOND_READER = (10099, 10100)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """What a stream holds. `first_ts`: when its oldest message came, seconds since 1970; None if empty."""

    messages: int
    bytes: int
    max_bytes: int
    first_seq: int
    last_seq: int
    first_ts: float | None

    @property
    def fill(self) -> float:
        """The part of its bytes that is held, 0 to 1; 0 for a stream without a limit."""
        return self.bytes / self.max_bytes if self.max_bytes > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerState:
    """How far a consumer is: not yet delivered, delivered and not acked, delivered more than once."""

    pending: int
    ack_pending: int
    redelivered: int
    waiting: int
    delivered_stream_seq: int
    ack_floor_stream_seq: int
    max_ack_pending: int


def aggregator_consumer(epoch: int) -> str:
    """Name of the consumer of RESULTS of one epoch: stale acks of an older one touch nothing."""
    return f"aggregator-{epoch}"


async def ensure_streams(
    nc: NatsClient, names: Names, sizes: StreamSizes, owner_metadata: Mapping[str, str]
) -> None:
    """Make the pipeline's streams, bucket and standing consumers, or change them into this form.

    May run in several processes at once, and again at any time. Raises StreamConflictError when a stream
    exists in a form that cannot be changed, StorageReserveError when its bytes cannot be had.
    """
    for config in stream_configs(names, sizes, owner_metadata):
        await _ensure_stream(nc, config)
    for stream, consumer, subject in (
        (names.frames, PREPROCESSOR, names.frame_subject("*")),
        (names.notices, UPLOADER, names.notice_subject("*")),
    ):
        await ensure_consumer(nc, stream, consumer, subject, sizes)


async def ensure_consumer(
    nc: NatsClient, stream: str, consumer: str, filter_subject: str, sizes: StreamSizes
) -> None:
    """Make a durable pull consumer, or change it into this form."""
    config = {
        "durable_name": consumer,
        "name": consumer,
        "filter_subject": filter_subject,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": nanoseconds(sizes.ack_wait_seconds),
        "max_deliver": -1,
        "max_ack_pending": sizes.max_ack_pending,
        "replay_policy": "instant",
        "num_replicas": 0,
    }
    try:
        await api(
            nc,
            f"CONSUMER.CREATE.{stream}.{consumer}.{filter_subject}",
            {"stream_name": stream, "config": config},
        )
    except ApiError as error:
        if error.err_code in _SECOND_READER:
            raise StreamConflictError(
                f"{stream} has a reader other than {consumer!r}; a work queue takes one: {error.description}"
            ) from error
        raise


async def delete_older_consumers(nc: NatsClient, names: Names, epoch: int) -> None:
    """Delete the aggregator's consumers of older epochs; ConsumerGoneError when a newer epoch's exists."""
    for name in await consumers(nc, names.results):
        number = name.removeprefix("aggregator-")
        if number == name or not number.isdigit():
            continue
        if int(number) > epoch:
            raise ConsumerGoneError(f"epoch {number} has taken {names.results} over from epoch {epoch}")
        if int(number) < epoch:
            await delete_consumer(nc, names.results, name)


async def create_aggregator_consumer(nc: NatsClient, names: Names, sizes: StreamSizes, epoch: int) -> str:
    """Delete the aggregator's consumers of older epochs, make that of `epoch`, and return its name.

    Raises ConsumerGoneError when a newer epoch's exists: the caller has been overtaken.
    """
    mine = aggregator_consumer(epoch)
    while True:
        await delete_older_consumers(nc, names, epoch)
        try:
            await ensure_consumer(nc, names.results, mine, names.result_subject("*"), sizes)
        except StreamConflictError:
            others = [name for name in await consumers(nc, names.results) if name.startswith("aggregator-")]
            if not others:
                raise
            continue
        return mine


async def consumers(nc: NatsClient, stream: str) -> list[str]:
    """Return the names of a stream's consumers."""
    found: list[str] = []
    while True:
        answer = await api(nc, f"CONSUMER.NAMES.{stream}", {"offset": len(found)})
        page = answer.get("consumers") or []
        found += page
        if not page or len(found) >= int(answer.get("total", 0)):
            return found


async def delete_consumer(nc: NatsClient, stream: str, consumer: str) -> None:
    """Delete a consumer; one that is not there is deleted already."""
    await _unless_absent(nc, f"CONSUMER.DELETE.{stream}.{consumer}")


async def ensure_intake(nc: NatsClient, subject: str, max_bytes: int, nats_account: str = "") -> str:
    """Make the stream that takes a foreign literal subject, and return its name.

    It is shared: the largest `max_bytes` that any pipeline asked for stays.
    """
    name = intake_stream(subject, nats_account)
    with contextlib.suppress(ApiError):
        max_bytes = max(max_bytes, (await stream_state(nc, name)).max_bytes)
    await _ensure_stream(
        nc,
        {
            "name": name,
            "subjects": [subject],
            "retention": "limits",
            "discard": "old",
            "storage": "file",
            "max_bytes": max_bytes,
            "allow_direct": True,
        },
    )
    return name


async def delete_streams(nc: NatsClient, names: Names) -> None:
    """Delete everything that the pipeline keeps on NATS. What is not there is deleted already."""
    for stream in (*names.streams().values(), bucket_stream(names)):
        await _unless_absent(nc, f"STREAM.DELETE.{stream}")


async def purge_subject(nc: NatsClient, stream: str, subject: str) -> int:
    """Remove the messages of a subject (wildcards allowed) and return how many they were."""
    answer = await api(nc, f"STREAM.PURGE.{stream}", {"filter": subject})
    return int(answer.get("purged", 0))


async def subjects(nc: NatsClient, stream: str, pattern: str) -> dict[str, int]:
    """Return the subjects of `stream` that match `pattern`, each with its number of messages."""
    found: dict[str, int] = {}
    while True:
        body = {"subjects_filter": pattern, "offset": len(found)}
        answer = await api(nc, f"STREAM.INFO.{stream}", body)
        page = answer["state"].get("subjects") or {}
        found.update(page)
        if not page or len(found) >= int(answer.get("total", len(found))):
            return found


async def stream_state(nc: NatsClient, stream: str) -> StreamState:
    """Return what a stream holds now."""
    answer = await api(nc, f"STREAM.INFO.{stream}")
    state = answer["state"]
    return StreamState(
        messages=state["messages"],
        bytes=state["bytes"],
        max_bytes=answer["config"].get("max_bytes", -1),
        first_seq=state["first_seq"],
        last_seq=state["last_seq"],
        first_ts=seconds_since_1970(state["first_ts"]) if state["messages"] else None,
    )


async def consumer_state(nc: NatsClient, stream: str, consumer: str) -> ConsumerState:
    """Return how far a consumer is now."""
    answer = await api(nc, f"CONSUMER.INFO.{stream}.{consumer}")
    return ConsumerState(
        pending=answer["num_pending"],
        ack_pending=answer["num_ack_pending"],
        redelivered=answer["num_redelivered"],
        waiting=answer["num_waiting"],
        delivered_stream_seq=answer["delivered"]["stream_seq"],
        ack_floor_stream_seq=answer["ack_floor"]["stream_seq"],
        max_ack_pending=answer["config"].get("max_ack_pending", 0),
    )


async def _ensure_stream(nc: NatsClient, config: Json) -> None:
    name = config["name"]
    try:
        try:
            await api(nc, f"STREAM.CREATE.{name}", config)
        except ApiError as error:
            if error.err_code != _EXISTS_DIFFERENTLY:
                raise
            await api(nc, f"STREAM.UPDATE.{name}", config)
    except ApiError as error:
        if error.err_code in _NO_ROOM:
            raise StorageReserveError(
                f"{name}: the NATS server cannot reserve {config['max_bytes']} bytes: {error.description};"
                " make the stream smaller or the server's max_file_store larger"
            ) from error
        if error.err_code == _SUBJECTS_OVERLAP:
            raise StreamConflictError(
                f"{name}: another stream owns {config['subjects'][0]}: {error.description}"
            ) from error
        if error.code in (400, 500):
            raise StreamConflictError(
                f"{name} exists in another form and cannot be changed to retention {config['retention']!r},"
                f" discard {config['discard']!r}, max_bytes {config['max_bytes']}: {error.description}"
                f" (err_code {error.err_code}); drain it and delete it first"
            ) from error
        raise


async def _unless_absent(nc: NatsClient, action: str) -> None:
    try:
        await api(nc, action)
    except ApiError as error:
        if error.err_code not in NOT_FOUND:
            raise
