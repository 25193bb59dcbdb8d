"""Announcements: a foreign announcer's three keys, what Cygnet adds to them, and what others do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.model.identity import FrameId, check_event, check_name
from cygnet.model.timestamp import ACCEPTED as ACCEPTED_TIMES
from cygnet.transport._frame_codec import encode_attributes

MAX_ANNOUNCEMENT_BYTES = 64 << 10
MAX_URL_BYTES = 16 << 10
REQUIRED = ("url", "time")

_KNOWN = frozenset(Announcement.__dataclass_fields__)
_decode_any = msgspec.json.Decoder().decode
_WRONG = re.compile(r"\$\.(\w+)")
_TEXT, _NUMBER = "a text", "a whole number from 0"
_ACCEPTED = {
    "url": "a text, where the frame can be fetched",
    "time": f"a text, {ACCEPTED_TIMES}",
    "filename": _TEXT,
    "run": "a text or a whole number",
    "event": _NUMBER,
    "detector": _TEXT,
    "bucket": _TEXT,
    "key": _TEXT,
    "offset": _NUMBER,
    "size": _NUMBER,
    "codec": _TEXT,
    "dtype": "a text, numpy's spelling of a number, such as <u2",
    "shape": "a list of whole numbers from 1",
    "attrs": "an object",
    "crc32c": _NUMBER,
}


def announcement_frame(announcement: Announcement, id: FrameId, time_ns: int) -> Frame:  # noqa: A002
    """Return the frame whose body is this announcement's JSON; keys that are None are left out."""
    return Frame(id=id, time_ns=time_ns, body=encode_announcement(announcement), content_type=ANNOUNCEMENT)


def encode_announcement(announcement: Announcement) -> bytes:
    """Return the JSON as announcers write it; keys that are None are left out."""
    fields = ((name, getattr(announcement, name)) for name in Announcement.__dataclass_fields__)
    return msgspec.json.encode({name: value for name, value in fields if value is not None})


def decode_announcement(body: bytes | memoryview) -> Announcement:
    """Return the announcement of a JSON body. Keys that Cygnet does not know become attributes.

    Of a key that `attrs` has too, the one in `attrs` counts.

    Raises BadInputError with reason too-large, not-utf8, not-json, missing-key, wrong-type, or that of the
    field that is out of range.
    """
    document = _object(body)
    for name in REQUIRED:
        if name not in document:
            raise BadInputError(
                f"{name}: missing; an announcement needs {', '.join(REQUIRED)}", reason="missing-key"
            )
    more = {name: document.pop(name) for name in list(document) if name not in _KNOWN}
    if type(document.get("run")) is int:  # others count their runs
        document["run"] = str(document["run"])
    try:
        announcement = msgspec.convert(document, Announcement)
    except msgspec.ValidationError as error:
        raise _wrong_type(document, error) from error
    if more:
        announcement = replace(announcement, attrs={**more, **(announcement.attrs or {})})
    _check_values(announcement)
    return announcement


def _object(body: bytes | memoryview) -> dict[str, Any]:
    if len(body) > MAX_ANNOUNCEMENT_BYTES:
        raise BadInputError(
            f"announcement: {len(body)} bytes; accepted: up to {MAX_ANNOUNCEMENT_BYTES}", reason="too-large"
        )
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"announcement: not UTF-8: {error}", reason="not-utf8") from error
    try:
        document = _decode_any(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(f"announcement: not JSON: {error}", reason="not-json") from error
    if not isinstance(document, dict):
        raise BadInputError(
            f"announcement: a JSON {type(document).__name__}; accepted: an object with {', '.join(REQUIRED)}",
            reason="wrong-type",
        )
    return document


def _wrong_type(document: Mapping[str, Any], error: msgspec.ValidationError) -> BadInputError:
    found = _WRONG.search(str(error))
    if found is None:
        return BadInputError(f"announcement: {error}", reason="wrong-type")
    name = found.group(1)
    value = repr(document[name])[:80]
    return BadInputError(f"{name}: {value}; accepted: {_ACCEPTED[name]}", reason="wrong-type")


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
