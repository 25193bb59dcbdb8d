"""Tell what a body is from its first bytes, and say clearly what it is instead of an image."""

import re

from cygnet.imaging._errors import DecodeError
from cygnet.imaging._image_header import ImageFormat

_MAGIC: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)
_FORMAT_OF_TYPE: dict[str, ImageFormat] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/tiff": "tiff",
}
_UNSPECIFIC = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_ACCEPTED = "image/png, image/jpeg, image/tiff"
_S3_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")


def image_format(head: bytes, content_type: str | None) -> ImageFormat:
    """Return the format of a body from its first bytes (1 KiB is plenty), checked against its content type.

    None and the octet-stream types, S3's default, leave it to the bytes. DecodeError: no image, another
    image than the type says, a type that is no image's.
    """
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if found is None:
        raise _not_an_image(head)
    media_type = (content_type or "").split(";", 1)[0].strip().lower()
    if media_type in _UNSPECIFIC:
        return found
    stated = _FORMAT_OF_TYPE.get(media_type)
    if stated is None:
        raise DecodeError("unsupported", f"content type: {content_type!r:.80} refused; accepted: {_ACCEPTED}")
    if stated != found:
        raise DecodeError(
            "type-mismatch",
            f"content type: {content_type!r:.80}, but the body is {found.upper()}; accepted: its own type",
        )
    return found


def _not_an_image(head: bytes) -> DecodeError:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = text[:512].lower()
    if b"<!doctype html" in lowered or b"<html" in lowered:
        what = "an HTML page"
    elif b"<error>" in lowered:
        code = _S3_CODE.search(head)
        what = f"an S3 error document ({code[1].decode() if code else 'no code'})"
    elif text.startswith(b"<"):
        what = "an XML document"
    elif any(magic.startswith(head) for magic, _ in _MAGIC):
        return DecodeError("truncated", f"the body ends inside the image's signature ({len(head)} bytes)")
    else:
        what = f"starts with {head[:8].hex(' ')}"
    return DecodeError("not-an-image", f"the body is no image: {what}; accepted: {_ACCEPTED}")
