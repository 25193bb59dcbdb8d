"""Announcements: a foreign announcer's three keys, and what Cygnet adds to them."""

import msgspec

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.model.identity import FrameId, check_event, check_name
from cygnet.transport._frame_codec import encode_attributes

MAX_ANNOUNCEMENT_BYTES = 64 << 10
MAX_URL_BYTES = 16 << 10
REQUIRED = ("url", "time")

_decode = msgspec.json.Decoder(Announcement).decode
_decode_any = msgspec.json.Decoder().decode


def announcement_frame(announcement: Announcement, id: FrameId, time_ns: int) -> Frame:  # noqa: A002
    """Return the frame whose body is this announcement's JSON; keys that are None are left out."""
    return Frame(id=id, time_ns=time_ns, body=encode_announcement(announcement), content_type=ANNOUNCEMENT)


def encode_announcement(announcement: Announcement) -> bytes:
    """Return the JSON as announcers write it; keys that are None are left out."""
    fields = ((name, getattr(announcement, name)) for name in Announcement.__dataclass_fields__)
    return msgspec.json.encode({name: value for name, value in fields if value is not None})


def decode_announcement(body: bytes | memoryview) -> Announcement:
    """Return the announcement of a JSON body. Keys that Cygnet does not know are ignored.

    Raises BadInputError with reason too-large, not-utf8, not-json, missing-key, wrong-type, or that of the
    field that is out of range.
    """
    if len(body) > MAX_ANNOUNCEMENT_BYTES:
        raise BadInputError(
            f"announcement: {len(body)} bytes; accepted: up to {MAX_ANNOUNCEMENT_BYTES}", reason="too-large"
        )
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"announcement: not UTF-8: {error}", reason="not-utf8") from error
    try:
        announcement = _decode(body)
    except msgspec.ValidationError as error:
        raise _not_an_announcement(body, error) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(f"announcement: not JSON: {error}", reason="not-json") from error
    _check_values(announcement)
    return announcement


def _not_an_announcement(body: bytes | memoryview, error: msgspec.ValidationError) -> BadInputError:
    try:
        document = _decode_any(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as deeper:
        return BadInputError(f"announcement: not JSON: {deeper}", reason="not-json")
    if not isinstance(document, dict):
        return BadInputError(
            f"announcement: a JSON {type(document).__name__}; accepted: an object with {', '.join(REQUIRED)}",
            reason="wrong-type",
        )
    for name in REQUIRED:
        if name not in document:
            return BadInputError(
                f"{name}: missing; an announcement needs {', '.join(REQUIRED)}", reason="missing-key"
            )
    return BadInputError(f"announcement: {error}", reason="wrong-type")


def _check_values(announcement: Announcement) -> None:
    if not announcement.url:
        raise BadInputError("url: empty; accepted: where the frame can be fetched", reason="bad-url")
    if len(announcement.url) > MAX_URL_BYTES:
        raise BadInputError(f"url: longer than {MAX_URL_BYTES} bytes", reason="bad-url")
    if announcement.run is not None:
        check_name(announcement.run, "run")
    if announcement.detector is not None:
        check_name(announcement.detector, "detector")
    if announcement.event is not None:
        check_event(announcement.event)
    for name in ("offset", "size", "crc32c"):
        value = getattr(announcement, name)
        if value is not None and not 0 <= value < 1 << 63:
            raise BadInputError(f"{name}: {value}; accepted: a whole number from 0", reason="bad-number")
    if announcement.shape is not None and min(announcement.shape, default=0) < 1:
        raise BadInputError(f"shape: {announcement.shape}; accepted: numbers from 1", reason="bad-shape")
    if announcement.attrs:
        encode_attributes(announcement.attrs)
