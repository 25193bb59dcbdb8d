"""Many small frames in one message: an index in front, the bodies behind it.

`size of index: uint32, little-endian | index: msgpack | bodies`. The index is [forms, entries]; a form is
[type, content type, encoding, dtype, shape, axes], an entry [event, time, offset, size, form, attrs, parts],
its offset counted from the end of the index, so that one bad entry says nothing about the next.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from cygnet.model.errors import BadInputError
from cygnet.model.frame import Frame
from cygnet.model.identity import MAX_EVENT, FrameId, check_event, check_name
from cygnet.transport._event_list import event_list, listed_events
from cygnet.transport._frame_codec import (
    BrokenFrame,
    decode_attributes,
    decode_frame,
    encode_attributes,
    encode_frame,
)
from cygnet.transport._frame_form import (
    ANY_SIZE,
    EARLIEST_NS,
    LATEST_NS,
    body_size,
    check_body,
    check_time,
)

PACK = "application/vnd.cygnet.pack"
MAX_FRAMES = 65_536
_LENGTH = struct.Struct("<I")


class _Form(msgspec.Struct, array_like=True, frozen=True):
    type: str
    content_type: str
    encoding: str
    dtype: str
    shape: tuple[int, ...]
    axes: str


class _Entry(msgspec.Struct, array_like=True, gc=False):
    event: int
    time_ns: int
    offset: int
    size: int
    form: int
    attrs: bytes = b""
    parts: tuple[int, ...] = ()


class _Index(msgspec.Struct, array_like=True):
    forms: list[_Form]
    entries: list[_Entry]


class _LooseIndex(msgspec.Struct, array_like=True):
    forms: list[msgspec.Raw]
    entries: list[msgspec.Raw]


_encode = msgspec.msgpack.Encoder().encode
_decode_index = msgspec.msgpack.Decoder(_Index).decode
_decode_loose = msgspec.msgpack.Decoder(_LooseIndex).decode
_decode_form = msgspec.msgpack.Decoder(_Form).decode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode


def encode_frame_pack(frames: Sequence[Frame]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of the message that carries frames of one run and one detector."""
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise ValueError(f"a pack of {len(frames)} frames; accepted: 1 to {MAX_FRAMES}")
    run, detector = frames[0].id.run, frames[0].id.detector
    forms: dict[tuple[object, ...], int] = {}
    entries: list[tuple[object, ...]] = []
    offset = 0
    for frame in frames:
        if frame.id.run != run or frame.id.detector != detector:
            raise ValueError(f"a pack of {run}/{detector} cannot hold {frame.id}")
        form = (frame.type, frame.content_type, frame.encoding, frame.dtype, frame.shape, frame.axes)
        number = forms.setdefault(form, len(forms))
        size = len(frame.body)
        attrs = encode_attributes(frame.attrs) if frame.attrs else b""
        entries.append((frame.id.event, frame.time_ns, offset, size, number, attrs, frame.parts))
        offset += size
    index = _encode((list(forms), entries))
    headers = {
        "Cygnet-Run": run,
        "Cygnet-Detector": detector,
        "Content-Type": PACK,
        "Cygnet-Count": str(len(frames)),
        **event_list(frame.id for frame in frames),
    }
    return headers, b"".join((_LENGTH.pack(len(index)), index, *(frame.body for frame in frames)))


def frame_count(headers: Mapping[str, str] | None) -> int:
    """Return how many frames a message says that it carries, within what a pack may; without opening it."""
    count = (headers or {}).get("Cygnet-Count", "1")
    return min(MAX_FRAMES, max(1, int(count))) if count.isascii() and count.isdigit() else 1


def decode_frames(headers: Mapping[str, str] | None, body: bytes | memoryview) -> list[Frame | BrokenFrame]:
    """Return all frames of a message, one or a pack of many. Never raises: what is wrong is a BrokenFrame."""
    known = headers or {}
    if known.get("Content-Type") != PACK:
        return [decode_frame(known, body)]
    try:
        return _decode_pack(known, body)
    except BadInputError as error:
        return broken_pack(known, body, error.reason, str(error))


def broken_pack(
    headers: Mapping[str, str], body: bytes | memoryview, reason: str, message: str
) -> list[Frame | BrokenFrame]:
    """Return what becomes of a pack that cannot be read: each event that its headers list is broken.

    The first of them keeps the whole body. Without a list it is one broken frame that has no identity.
    """
    ids = listed_events(headers)
    if not ids:
        return [BrokenFrame(id=None, reason=reason, message=message, headers=dict(headers), body=body)]
    return [
        BrokenFrame(
            id=each,
            reason=reason,
            message=message,
            headers=_headers_alone(each.run, each.detector, each, None, None),
            body=body if number == 0 else b"",
        )
        for number, each in enumerate(ids)
    ]


def _decode_pack(headers: Mapping[str, str], body: bytes | memoryview) -> list[Frame | BrokenFrame]:
    run = check_name(headers.get("Cygnet-Run", ""), "Cygnet-Run")
    detector = check_name(headers.get("Cygnet-Detector", ""), "Cygnet-Detector")
    view = memoryview(body)
    if len(view) < _LENGTH.size:
        raise BadInputError(f"pack: {len(view)} bytes; accepted: an index and bodies", reason="bad-pack")
    begin = _LENGTH.size + _LENGTH.unpack_from(view)[0]
    if begin > len(view):
        raise BadInputError(
            f"pack: index ends at {begin} of {len(view)} bytes; it is cut short", reason="bad-pack"
        )
    packed, bodies = view[_LENGTH.size : begin], view[begin:]
    try:
        index = _decode_index(packed)
        forms: Sequence[_Form | BadInputError] = index.forms
        entries: Sequence[_Entry | msgspec.Raw] = index.entries
    except (msgspec.MsgspecError, ValueError, RecursionError):
        loose = _loose_index(packed)
        forms = [_form(raw) for raw in loose.forms]
        entries = loose.entries
    if headers.get("Cygnet-Count") != str(len(entries)):
        raise BadInputError(
            f"Cygnet-Count: {str(headers.get('Cygnet-Count'))[:40]!r}; accepted: {len(entries)}, its entries",
            reason="count-mismatch",
        )
    sizes = [_size_of(form) for form in forms]
    frames = [
        _plain_entry(run, detector, entry, forms, sizes, bodies)
        or _decode_entry_of(run, detector, entry, forms, bodies)
        for entry in entries
    ]
    return _named(frames, headers)


def _named(frames: list[Frame | BrokenFrame], headers: Mapping[str, str]) -> list[Frame | BrokenFrame]:
    """Give entries without a number those that the headers list and no other entry has."""
    nameless = [place for place, frame in enumerate(frames) if frame.id is None]
    if nameless:
        known = {frame.id for frame in frames}
        left = [each for each in listed_events(headers) if each not in known]
        if len(left) == len(nameless):
            for place, identity in zip(nameless, left, strict=True):
                broken = frames[place]
                if isinstance(broken, BrokenFrame):
                    alone = {**broken.headers, "Cygnet-Event": str(identity.event)}
                    frames[place] = replace(broken, id=identity, headers=alone)
    return frames


def _size_of(form: _Form | BadInputError) -> int | None:
    """Return the body size of a form, ANY_SIZE if it does not say, None if no body can have it."""
    try:
        if isinstance(form, _Form):
            return body_size(form.type, form.content_type, form.encoding, form.dtype, form.shape, form.axes)
    except BadInputError:
        return None
    return None


def _plain_entry(
    run: str,
    detector: str,
    entry: _Entry | msgspec.Raw,
    forms: Sequence[_Form | BadInputError],
    sizes: Sequence[int | None],
    bodies: memoryview,
) -> Frame | None:
    """Return the frame of an entry with nothing special and nothing wrong, by the shortest way; else None."""
    if not isinstance(entry, _Entry) or entry.attrs or entry.parts or not 0 <= entry.form < len(forms):
        return None
    form, expected = forms[entry.form], sizes[entry.form]
    end = entry.offset + entry.size
    is_right = (
        0 <= entry.event <= MAX_EVENT
        and EARLIEST_NS <= entry.time_ns <= LATEST_NS
        and 0 <= entry.offset <= end <= len(bodies)
        and expected in (ANY_SIZE, entry.size)
    )
    if not is_right or not isinstance(form, _Form):
        return None
    return Frame(
        id=FrameId(run, detector, entry.event),
        time_ns=entry.time_ns,
        body=bodies[entry.offset : end],
        type=form.type,
        content_type=form.content_type,
        encoding=form.encoding,
        dtype=form.dtype,
        shape=form.shape,
        axes=form.axes,
    )


def _loose_index(packed: memoryview) -> _LooseIndex:
    try:
        return _decode_loose(packed)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(f"pack: unreadable index: {error}", reason="bad-pack") from error


def _form(raw: msgspec.Raw) -> _Form | BadInputError:
    try:
        return _decode_form(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return BadInputError(f"pack: unreadable form: {error}", reason="bad-pack")


def _decode_entry_of(
    run: str,
    detector: str,
    given: _Entry | msgspec.Raw,
    forms: Sequence[_Form | BadInputError],
    bodies: memoryview,
) -> Frame | BrokenFrame:
    id_: FrameId | None = None
    part = memoryview(b"")
    entry: _Entry | None = None
    form: _Form | BadInputError | None = None
    try:
        if isinstance(given, msgspec.Raw):
            event = _event_of(given)
            id_ = None if event is None else FrameId(run, detector, event)
        entry = _entry(given)
        id_ = FrameId(run, detector, check_event(entry.event, "event"))
        if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > len(bodies):
            raise BadInputError(
                f"pack: bytes {entry.offset} + {entry.size} of {len(bodies)}; it is cut short",
                reason="bad-range",
            )
        part = bodies[entry.offset : entry.offset + entry.size]
        form = forms[entry.form] if 0 <= entry.form < len(forms) else _no_form(entry.form)
        if isinstance(form, BadInputError):
            raise form
        check_time(entry.time_ns)
        expected = body_size(form.type, form.content_type, form.encoding, form.dtype, form.shape, form.axes)
        check_body(expected, entry.size, entry.parts, form.encoding)
        return Frame(
            id=id_,
            time_ns=entry.time_ns,
            body=part,
            type=form.type,
            content_type=form.content_type,
            encoding=form.encoding,
            dtype=form.dtype,
            shape=form.shape,
            axes=form.axes,
            parts=entry.parts,
            attrs=decode_attributes(entry.attrs) if entry.attrs else {},
        )
    except BadInputError as error:
        headers = _headers_alone(run, detector, id_, entry, form)
        return BrokenFrame(id=id_, reason=error.reason, message=str(error), headers=headers, body=part)


def _headers_alone(
    run: str, detector: str, id_: FrameId | None, entry: _Entry | None, form: object
) -> dict[str, str]:
    """Return the headers that the entry would have in a message of its own, as far as they are known."""
    headers = {"Cygnet-Run": run, "Cygnet-Detector": detector}
    if id_ is not None:
        headers["Cygnet-Event"] = str(id_.event)
    if entry is not None:
        headers["Cygnet-Time"] = str(entry.time_ns)
        if entry.attrs:
            headers["Cygnet-Attrs"] = entry.attrs.decode("utf-8", "replace")
        if entry.parts:
            headers["Cygnet-Parts"] = ",".join(map(str, entry.parts))
    if isinstance(form, _Form):
        headers["Cygnet-Type"] = form.type
        headers["Content-Encoding"] = form.encoding
        headers["Cygnet-Dtype"] = form.dtype
        headers["Cygnet-Shape"] = ",".join(map(str, form.shape))
        headers["Cygnet-Axes"] = form.axes
        headers["Content-Type"] = form.content_type
    return {name: value for name, value in headers.items() if value}


def _entry(given: _Entry | msgspec.Raw) -> _Entry:
    if isinstance(given, _Entry):
        return given
    try:
        return _decode_entry(given)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(f"pack: unreadable entry: {error}", reason="bad-pack") from error


def _event_of(raw: msgspec.Raw) -> int | None:
    """Return the event number of an entry whose other fields cannot be read: its identity is not lost."""
    try:
        fields: Any = msgspec.msgpack.decode(raw)
        return check_event(fields[0])
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _no_form(number: int) -> BadInputError:
    return BadInputError(f"pack: form {number} is not in its index", reason="bad-pack")


__all__ = [
    "MAX_FRAMES",
    "PACK",
    "broken_pack",
    "decode_frames",
    "encode_frame",
    "encode_frame_pack",
    "frame_count",
]
