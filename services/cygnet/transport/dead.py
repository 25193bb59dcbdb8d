"""Dead letters: frames that were given up, kept with their reason until somebody replays or drops them."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from nats.aio.client import Client as NatsClient

from cygnet.model.account import ALL_DETECTORS, Dead
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.transport._stream_reader import StreamReader
from cygnet.transport.account import append
from cygnet.transport.api import NOT_FOUND, api
from cygnet.transport.client import Client
from cygnet.transport.codec import BrokenFrame, encode_frame, frame_id_of, replay_message_id
from cygnet.transport.errors import ApiError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PubAck, PublishWindow
from cygnet.transport.stored import stored_message

REASON, MESSAGE = "Cygnet-Reason", "Cygnet-Message"
STAGE, DELIVERIES = "Cygnet-Stage", "Cygnet-Deliveries"
BODY = "Cygnet-Body"
_OURS = (REASON, MESSAGE, STAGE, DELIVERIES, BODY)
_MAX_MESSAGE = 1024
_MAX_HEADERS_BYTES = 48 << 10


class DeadBody(msgspec.Struct, frozen=True):
    """Where in the bucket the body of a letter lies."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A frame that was given up. `time_ns`: when. `size`: of its body. `headers`: the frame's own.

    `elsewhere`: where its body is, if it is not here.
    """

    sequence: int
    id: FrameId | None
    reason: str
    message: str
    stage: str
    deliveries: int
    time_ns: int
    headers: dict[str, str]
    size: int
    elsewhere: DeadBody | None = None
    body: bytes = b""


async def bury(
    window: PublishWindow,
    names: Names,
    frame: Frame | BrokenFrame,
    *,
    reason: str,
    message: str,
    stage: str,
    deliveries: int,
    sequence: int | None = None,
    elsewhere: DeadBody | None = None,
    between: Callable[[], None] | None = None,
) -> PubAck:
    """Keep the frame in DEAD, then write the account's dead record; the caller acks the input afterwards.

    `sequence`, that of the input in FRAMES, makes a repetition for the same input one letter. `elsewhere`
    says where the body is if the letter is not to hold it. `between` is called after the first step. What no
    frame could be made of, and has no identity, has no record. Raises MessageTooLargeError.
    """
    headers, body = _original(frame)
    if elsewhere is not None:
        headers[BODY] = msgspec.json.encode(elsewhere).decode()
        body = b""
    headers |= {REASON: reason, MESSAGE: message[:_MAX_MESSAGE], STAGE: stage, DELIVERIES: str(deliveries)}
    identity = frame.id
    msg_id = f"{identity or 'unknown'}/dead/{sequence}" if sequence is not None else None
    run = identity.run if identity else ALL_DETECTORS
    detector = identity.detector if identity else ALL_DETECTORS
    ack = await window.publish(names.dead_subject(run, detector), body, headers, msg_id=msg_id)
    if between:
        between()
    if identity is not None:
        record = Dead(
            run=run,
            detector=detector,
            events=[(identity.event, identity.event)],
            reason=reason,
            message=message[:_MAX_MESSAGE],
            stage=stage,
        )
        await append(window, names, record, msg_id=msg_id)
    return ack


async def list_dead(
    nc: Client, names: Names, run: str | None = None, detector: str | None = None
) -> list[DeadLetter]:
    """Return the dead letters of a run and a detector, or of all, oldest first and without their bodies."""
    subject = names.dead_subject(run or "*", detector or "*")
    reader = StreamReader(nc, names.dead, subject, headers_only=True)
    try:
        return [
            _letter(each.stream_sequence, each.headers or {}, each.time_ns)
            for each in await reader.read_all()
        ]
    finally:
        await reader.stop()


async def get_dead(nc: NatsClient, names: Names, sequence: int) -> DeadLetter:
    """Return one dead letter with its body; NoSuchError if it is not there (any more)."""
    message = await stored_message(nc, names.dead, sequence)
    if message is None:
        raise NoSuchError(f"dead letter {sequence} does not exist; it was replayed, dropped, or too old")
    return _letter(sequence, message.headers, message.time_ns, message.data)


async def replay(window: PublishWindow, names: Names, sequence: int, body: bytes | None = None) -> PubAck:
    """Publish a dead letter's frame to FRAMES again, and remove the letter once it is there.

    `body` is what its letter points at, None for a letter that holds it itself.
    Its message id ends in `replay-{sequence}`: the same letter replayed twice is one frame, and a letter
    that comes of it has another sequence. Raises BadInputError for one that cannot be a frame.
    """
    letter = await get_dead(window.nc, names, sequence)
    if letter.elsewhere is not None and body is None:
        raise ValueError(f"dead letter {sequence}: its body lies at {letter.elsewhere.key}")
    if letter.id is None:
        raise BadInputError(
            f"dead letter {sequence} cannot be replayed: it has no identity; accepted: letters of frames",
            reason="not-replayable",
        )
    subject = names.frame_subject(letter.id.detector)
    msg_id = replay_message_id(letter.id, sequence)
    ack = await window.publish(subject, letter.body if body is None else body, letter.headers, msg_id=msg_id)
    await drop(window.nc, names, sequence)
    return ack


async def drop(nc: NatsClient, names: Names, sequence: int) -> None:
    """Remove a dead letter for good; one that is not there is removed already."""
    try:
        await api(nc, f"STREAM.MSG.DELETE.{names.dead}", {"seq": sequence, "no_erase": True})
    except ApiError as error:
        is_absent = error.err_code == _DELETE_FAILED and "no message found" in error.description
        if error.err_code not in NOT_FOUND and not is_absent:
            raise


_DELETE_FAILED = 10057


def _original(frame: Frame | BrokenFrame) -> tuple[dict[str, str], bytes | memoryview]:
    """Return the frame's own headers, those that fit, and its body."""
    if isinstance(frame, Frame):
        return encode_frame(frame)
    room = _MAX_HEADERS_BYTES
    headers: dict[str, str] = {}
    for name, value in sorted(frame.headers.items(), key=lambda item: len(item[1])):
        room -= len(name) + 4 * len(value) + 4
        if room > 0 and name.isascii() and not name.startswith("Nats-") and name not in _OURS:
            headers[name] = value
    return headers, frame.body


def _letter(sequence: int, found: Mapping[str, str], time_ns: int, body: bytes | None = None) -> DeadLetter:
    headers = {
        name: value for name, value in found.items() if name not in _OURS and not name.startswith("Nats-")
    }
    identity = None
    with contextlib.suppress(BadInputError):
        identity = frame_id_of(headers)
    size = found.get("Nats-Msg-Size", "0") if body is None else str(len(body))
    elsewhere = msgspec.json.decode(found[BODY], type=DeadBody) if BODY in found else None
    deliveries = found.get(DELIVERIES, "0")
    return DeadLetter(
        sequence=sequence,
        id=identity,
        reason=found.get(REASON, "unknown"),
        message=found.get(MESSAGE, ""),
        stage=found.get(STAGE, ""),
        deliveries=int(deliveries) if deliveries.isdecimal() else 0,
        time_ns=time_ns,
        headers=headers,
        size=elsewhere.size if elsewhere else int(size) if size.isdecimal() else 0,
        elsewhere=elsewhere,
        body=body or b"",
    )
