"""One frame in a message: headers say what it is, the body is its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ARRAY, MAX_ATTRIBUTES_BYTES, Frame
from cygnet.model.identity import FrameId, check_event, check_name
from cygnet.transport._frame_form import body_size, check_body, check_time

_MAX_PARTS = 4096
_DEFAULT_AXES = "y,x"
_SURELY_FITS = MAX_ATTRIBUTES_BYTES // 8  # no number grows more when it is written again
_decode_json = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFrame:
    """What cannot be a frame: `reason` is a slug, `message` says field, value and what is accepted."""

    id: FrameId | None
    reason: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""


def encode_frame(frame: Frame) -> tuple[dict[str, str], bytes | memoryview]:
    """Return headers and body of the message that carries one frame; what is default is left out."""
    headers = {
        "Cygnet-Run": frame.id.run,
        "Cygnet-Detector": frame.id.detector,
        "Cygnet-Event": str(frame.id.event),
        "Cygnet-Time": str(frame.time_ns),
    }
    if frame.type != ARRAY:
        headers["Cygnet-Type"] = frame.type
    if frame.content_type:
        headers["Content-Type"] = frame.content_type
    if frame.encoding != "identity":
        headers["Content-Encoding"] = frame.encoding
    if frame.dtype:
        headers["Cygnet-Dtype"] = frame.dtype
    if frame.shape:
        headers["Cygnet-Shape"] = ",".join(map(str, frame.shape))
    if frame.axes != _DEFAULT_AXES:
        headers["Cygnet-Axes"] = frame.axes
    if frame.parts:
        headers["Cygnet-Parts"] = ",".join(map(str, frame.parts))
    if frame.attrs:
        headers["Cygnet-Attrs"] = encode_attributes(frame.attrs).decode()
    return headers, frame.body


def decode_frame(headers: Mapping[str, str], body: bytes | memoryview) -> Frame | BrokenFrame:
    """Return the frame of a message that carries one; never raises."""
    id_: FrameId | None = None
    try:
        id_ = frame_id_of(headers)
        time_ns = check_time(_whole_number(headers, "Cygnet-Time"))
        type_ = headers.get("Cygnet-Type", ARRAY)
        content_type = headers.get("Content-Type", "")
        encoding = headers.get("Content-Encoding", "identity")
        dtype = headers.get("Cygnet-Dtype", "")
        shape = _whole_numbers(headers, "Cygnet-Shape", 16, "bad-shape")
        axes = headers.get("Cygnet-Axes", _DEFAULT_AXES)
        parts = _whole_numbers(headers, "Cygnet-Parts", _MAX_PARTS, "bad-parts")
        check_body(body_size(type_, content_type, encoding, dtype, shape, axes), len(body), parts, encoding)
        attributes = headers.get("Cygnet-Attrs")
        return Frame(
            id=id_,
            time_ns=time_ns,
            body=body,
            type=type_,
            content_type=content_type,
            encoding=encoding,
            dtype=dtype,
            shape=shape,
            axes=axes,
            parts=parts,
            attrs=decode_attributes(attributes.encode()) if attributes else {},
        )
    except BadInputError as error:
        return BrokenFrame(id=id_, reason=error.reason, message=str(error), headers=dict(headers), body=body)


def frame_id_of(headers: Mapping[str, str]) -> FrameId:
    """Return the identity that a message's headers give; raise BadInputError if they do not."""
    return FrameId(
        check_name(_required(headers, "Cygnet-Run"), "Cygnet-Run"),
        check_name(_required(headers, "Cygnet-Detector"), "Cygnet-Detector"),
        check_event(_whole_number(headers, "Cygnet-Event"), "Cygnet-Event"),
    )


def encode_attributes(attrs: Mapping[str, Any]) -> bytes:
    """Return attributes as JSON; raise BadInputError above 4 KiB, or for what JSON cannot say."""
    try:
        text = msgspec.json.encode(attrs)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"attrs: {error}; accepted: what JSON can say", reason="bad-attrs") from error
    if len(text) > MAX_ATTRIBUTES_BYTES:
        raise _too_large(len(text))
    return text


def decode_attributes(text: bytes) -> dict[str, Any]:
    """Return the attributes of a JSON object of at most 4 KiB, else raise BadInputError."""
    if len(text) > MAX_ATTRIBUTES_BYTES:
        raise _too_large(len(text))
    try:
        attrs = _decode_json(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(f"Cygnet-Attrs: not JSON: {error}", reason="bad-attrs") from error
    if not isinstance(attrs, dict):
        raise BadInputError(f"Cygnet-Attrs: {text[:80]!r}; accepted: a JSON object", reason="bad-attrs")
    if len(text) > _SURELY_FITS:
        encode_attributes(attrs)  # raises: written again, 1e9 is 1000000000.0
    return attrs


def _too_large(size: int) -> BadInputError:
    return BadInputError(
        f"Cygnet-Attrs: {size} bytes; accepted: up to {MAX_ATTRIBUTES_BYTES}", reason="attrs-too-large"
    )


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise BadInputError(f"{name}: missing; every frame needs it", reason="missing-header")
    return value


def _whole_number(headers: Mapping[str, str], name: str) -> int:
    return _number(_required(headers, name), name, "wrong-type")


def _whole_numbers(headers: Mapping[str, str], name: str, most: int, reason: str) -> tuple[int, ...]:
    text = headers.get(name)
    if text is None:
        return ()
    pieces = text.split(",", most)
    if len(pieces) > most:
        raise BadInputError(f"{name}: more than {most} numbers", reason=reason)
    return tuple(_number(piece, name, reason) for piece in pieces)


def _number(text: str, name: str, reason: str) -> int:
    if len(text) <= 20 and text.isascii() and text.isdigit():
        return int(text)
    raise BadInputError(f"{name}: {text[:80]!r}; accepted: a whole number", reason=reason)
