"""One detector's image in one event, as it travels: a body, or an announcement of a stored one."""

from dataclasses import dataclass, field
from typing import Any

from cygnet.model.identity import FrameId

Attributes = dict[str, Any]
ARRAY = "array"
ANNOUNCEMENT = "application/vnd.cygnet.announcement+json"
IMAGE_TYPES = ("image/png", "image/jpeg", "image/tiff")
ARRAY_FILE = "application/x-npy"
MAX_ATTRIBUTES_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame in a message.

    `body` is the array's bytes under `encoding` (a Content-Encoding), an encoded image when
    `content_type` is `image/*`, an .npy file when it is ARRAY_FILE, or an announcement's JSON when it is
    ANNOUNCEMENT.
    `dtype` (numpy's spelling, `<u2`), `shape` and `axes` describe an array body.
    """

    id: FrameId
    time_ns: int
    body: bytes | memoryview
    type: str = ARRAY
    content_type: str = ""
    encoding: str = "identity"
    dtype: str = ""
    shape: tuple[int, ...] = ()
    axes: str = "y,x"
    parts: tuple[int, ...] = ()
    attrs: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A pointer at a stored frame: what a foreign announcer says, and what Cygnet adds to it."""

    url: str
    time: str
    filename: str = ""
    run: str | None = None
    event: int | None = None
    detector: str | None = None
    bucket: str | None = None
    key: str | None = None
    offset: int | None = None
    size: int | None = None
    codec: str | None = None
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    attrs: Attributes | None = None
    crc32c: int | None = None
