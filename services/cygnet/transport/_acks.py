"""What JetStream answers to a published message, read cheaply: it has it, not now, or never."""

import enum
import re

import msgspec

from cygnet.transport.errors import PublishRefusedError, WrongLastSequenceError
from cygnet.transport.wire import status_of

_WRONG_LAST_SEQUENCE = (10071, 10164)
_FULL = (10002, 10023, 10028, 10047, 10077, 10167)
_TOO_MANY = 429
_NUMBER = re.compile(r"(\d+)\s*$")


class PubAck(msgspec.Struct, frozen=True, gc=False):
    """JetStream has it: stored as `sequence` of `stream`; `duplicate` when it was there before."""

    stream: str
    sequence: int = msgspec.field(name="seq", default=0)
    duplicate: bool = False


class NotNow(enum.Enum):
    """Why a message is to be sent again later."""

    FULL = "full"
    """The stream takes no more: back-pressure."""
    AWAY = "away"
    """Stream, leader or JetStream is not there: an outage."""


class _Refusal(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    error: _Refusal


_decode_ack = msgspec.json.Decoder(PubAck).decode
_decode_refusal = msgspec.json.Decoder(_Answer).decode


def read_answer(subject: str, header: bytes, payload: bytes) -> PubAck | NotNow | PublishRefusedError:
    """Return what an answer says about the message that was published on `subject`."""
    if header and not payload:
        status = status_of(header)
        return NotNow.FULL if status is not None and status[0] == _TOO_MANY else NotNow.AWAY
    try:
        if b'"error":' not in payload:
            return _decode_ack(payload)
        error = _decode_refusal(payload).error
    except msgspec.MsgspecError as failure:
        return PublishRefusedError(subject, 0, 0, f"unreadable answer: {failure}")
    if error.err_code in _WRONG_LAST_SEQUENCE:
        found = _NUMBER.search(error.description)
        last = int(found[1]) if found else None
        return WrongLastSequenceError(subject, error.err_code, error.description, last)
    if error.err_code in _FULL or error.code == _TOO_MANY:
        return NotNow.FULL
    if error.code >= 500:
        return NotNow.AWAY
    return PublishRefusedError(subject, error.code, error.err_code, error.description)
