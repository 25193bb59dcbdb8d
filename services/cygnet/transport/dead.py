"""Dead letters: frames that were given up, kept with their reason until somebody replays or drops them."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from nats.aio.client import Client as NatsClient

from cygnet.model.account import ALL_DETECTORS, Dead
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.frame import ANNOUNCEMENT, Frame
from cygnet.model.identity import FrameId
from cygnet.model.intervals import IntervalSet
from cygnet.transport._stream_reader import StreamReader
from cygnet.transport.account import append, read_account
from cygnet.transport.api import NOT_FOUND, api
from cygnet.transport.client import Client
from cygnet.transport.codec import (
    BrokenFrame,
    decode_announcement,
    decode_attributes,
    encode_frame,
    frame_id_of,
    replay_message_id,
)
from cygnet.transport.errors import ApiError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PubAck, PublishWindow
from cygnet.transport.stored import stored_message
from cygnet.transport.values import ConflictError, Value, Values

REASON, MESSAGE = "Cygnet-Reason", "Cygnet-Message"
STAGE, DELIVERIES = "Cygnet-Stage", "Cygnet-Deliveries"
BODY, FILE = "Cygnet-Body", "Cygnet-File"
_OURS = (REASON, MESSAGE, STAGE, DELIVERIES, BODY, FILE)
_TAKEN_KEY = "dead.taken"  # letters that somebody has replayed or dropped, as intervals
_MOST_TAKEN = 2000  # intervals
_MAX_MESSAGE, _MAX_FILE = 1024, 255
_MAX_HEADERS_BYTES = 48 << 10


class DeadBody(msgspec.Struct, frozen=True):
    """Where in the bucket the body of a letter lies."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A frame that was given up. `time_ns`: when. `size`: of its body. `headers`: the frame's own.

    `elsewhere`: where its body is, if it is not here. `file`: the name that it came with, empty for none.
    `is_gone`: newer letters have driven it out, or it was too old; what the account says of it is all that
    is left.
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
    file: str = ""
    is_gone: bool = False


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
    file = _file_of(headers, body)
    if elsewhere is not None:
        headers[BODY] = msgspec.json.encode(elsewhere).decode()
        body = b""
    headers |= {REASON: reason, MESSAGE: message[:_MAX_MESSAGE], STAGE: stage, DELIVERIES: str(deliveries)}
    if file.isascii() and file.isprintable():  # a header can hold it
        headers[FILE] = file
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
            file=file,
            letter=ack.sequence,
            time_ns=time.time_ns(),
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


async def list_gone(nc: Client, names: Names, run: str | None = None) -> list[DeadLetter]:
    """Return the letters that have left by themselves, oldest first: what the accounts say of them."""
    there = {letter.sequence for letter in await list_dead(nc, names, run)}
    taken = _intervals(await Values(nc, names).get(_TAKEN_KEY))
    found = {}
    for _, record in await read_account(nc, names, run or "*", Dead.kind):
        if isinstance(record, Dead) and record.letter and record.letter not in there:
            found[record.letter] = record
    return [_gone(record) for letter, record in sorted(found.items()) if letter not in taken]


async def get_dead(nc: NatsClient, names: Names, sequence: int) -> DeadLetter:
    """Return one dead letter with its body; NoSuchError if it is not there (any more)."""
    message = await stored_message(nc, names.dead, sequence)
    if message is None:
        raise NoSuchError(
            f"dead letter {sequence} does not exist: it was replayed or dropped, or it has left because newer"
            " ones needed its room (streams.deadBytes) or it was too old (deadLetters.maxAgeHours)"
        )
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
    await _note_taken(Values(nc, names), sequence)
    try:
        await api(nc, f"STREAM.MSG.DELETE.{names.dead}", {"seq": sequence, "no_erase": True})
    except ApiError as error:
        is_absent = error.err_code == _DELETE_FAILED and "no message found" in error.description
        if error.err_code not in NOT_FOUND and not is_absent:
            raise


_DELETE_FAILED = 10057


async def _note_taken(values: Values, sequence: int) -> None:
    """Write down that somebody took a letter out: one that is missing otherwise has left by itself."""
    while True:
        value = await values.get(_TAKEN_KEY)
        taken = _intervals(value)
        taken.add(sequence, sequence)
        try:
            await values.update(_TAKEN_KEY, taken.pairs()[-_MOST_TAKEN:], value.revision if value else 0)
        except ConflictError:
            continue
        return


def _intervals(value: Value | None) -> IntervalSet:
    return IntervalSet([(int(first), int(last)) for first, last in value.data] if value else [])


def _gone(record: Dead) -> DeadLetter:
    return DeadLetter(
        sequence=record.letter,
        id=FrameId(record.run, record.detector, record.events[0][0]),
        reason=record.reason,
        message=record.message,
        stage=record.stage,
        deliveries=0,
        time_ns=record.time_ns,
        headers={},
        size=0,
        file=record.file,
        is_gone=True,
    )


def _file_of(headers: Mapping[str, str], body: bytes | memoryview) -> str:
    """Return the name of the file that a frame was: of a replayed one, or as its announcement says."""
    with contextlib.suppress(BadInputError):
        attributes = headers.get("Cygnet-Attrs", "")
        if attributes and (file := decode_attributes(attributes.encode()).get("file")):
            return str(file)[:_MAX_FILE]
        if headers.get("Content-Type") == ANNOUNCEMENT:
            return decode_announcement(body).filename[:_MAX_FILE]
    return ""


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
        file=found.get(FILE, ""),
    )
