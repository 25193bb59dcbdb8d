"""Turns frames into messages: inline, by reference or in packs, and mirrors them for old listeners."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.storage.checksum import crc32c
from cygnet.storage.port import Bucket
from cygnet.transport.codec import encode_frame, encode_frame_pack, frame_message_id, pack_message_id

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/tiff": "tif"}
_PACK_BELOW_BYTES = 64 << 10  # a frame this small travels with others
_PACK_BYTES = 1 << 20
_PACK_FRAMES = 256
_URL_SECONDS = 3600
_PUTS_AT_ONCE = 16
STAGE = "frame"


@dataclass(frozen=True, slots=True)
class Message:
    """One message for FRAMES and how many frames it carries."""

    body: bytes | memoryview
    headers: dict[str, str]
    msg_id: str
    frames: int


def pack(frames: Sequence[Frame], inline_limit: int) -> Iterator[Message]:
    """Yield messages for `frames`: small ones together, in order; nothing waits for another."""
    most_bytes = min(_PACK_BYTES, inline_limit // 2)  # the other half for the entries' own headers
    waiting: list[Frame] = []
    size = 0
    for frame in frames:
        small = len(frame.body) < _PACK_BELOW_BYTES
        if waiting and (not small or size + len(frame.body) > most_bytes or len(waiting) == _PACK_FRAMES):
            yield _message(waiting)
            waiting, size = [], 0
        if small:
            waiting.append(frame)
            size += len(frame.body)
        else:
            yield _message([frame])
    if waiting:
        yield _message(waiting)


def _message(frames: Sequence[Frame]) -> Message:
    if len(frames) == 1:
        headers, body = encode_frame(frames[0])
        return Message(body, headers, frame_message_id(frames[0].id, STAGE), 1)
    headers, body = encode_frame_pack(frames)
    return Message(body, headers, pack_message_id([frame.id for frame in frames], STAGE), len(frames))


class Store:
    """Puts frames into the bucket and makes announcements of them."""

    def __init__(self, bucket: Bucket, bucket_name: str, prefix: str) -> None:
        self._bucket = bucket
        self._bucket_name = bucket_name
        self._prefix = prefix
        self._slots = asyncio.Semaphore(_PUTS_AT_ONCE)

    async def announce(self, frames: Sequence[Frame]) -> list[Announcement]:
        """Store all frames and return their announcements, in order, once every PUT is confirmed."""
        return list(await asyncio.gather(*(self._announce(frame) for frame in frames)))

    async def _announce(self, frame: Frame) -> Announcement:
        extension = _EXTENSIONS.get(frame.content_type, "raw")
        key = _key(self._prefix, frame, extension)
        async with self._slots:
            key = await self._put(key, frame)
        described = not frame.content_type
        digest = hashlib.md5(frame.body, usedforsecurity=False).hexdigest()
        return Announcement(
            url=self._bucket.sign_get(key, _URL_SECONDS),
            time=str(datetime.fromtimestamp(frame.time_ns / 1e9)),  # noqa: DTZ006 local, as announcers write it
            filename=f"{frame.id.detector}-{digest}.{extension}",
            run=frame.id.run,
            event=frame.id.event,
            detector=frame.id.detector,
            bucket=self._bucket_name,
            key=key,
            size=len(frame.body),
            codec=frame.encoding if described else None,
            dtype=frame.dtype if described else None,
            shape=frame.shape if described else None,
            attrs=frame.attrs or None,
            crc32c=crc32c(frame.body),
        )

    async def _put(self, key: str, frame: Frame) -> str:
        """Put under a key of the event's own; where other bytes are there already, under another."""
        candidate, attempt = key, 0
        content_type = frame.content_type or "application/octet-stream"
        while not await self._bucket.put(
            candidate, frame.body, content_type=content_type, only_if_absent=True
        ):
            if await self._bucket.get(candidate) == bytes(frame.body):
                break
            attempt += 1
            stem, _, extension = key.rpartition(".")
            candidate = f"{stem}-{attempt}.{extension}"
        return candidate


def _key(prefix: str, frame: Frame, extension: str) -> str:
    name = f"{frame.id.run}/frames/{frame.id.detector}/{frame.id.event:09d}.{extension}"
    return f"{prefix}/{name}" if prefix else name


class Route(Enum):
    """How a frame travels."""

    INLINE = "inline"
    REFERENCE = "reference"
    TOO_LARGE = "too-large-for-inline"


def route(frame: Frame, mode: str, inline_limit: int) -> Route:
    """Return how a frame travels in `mode` (auto, inline, reference) for a server of `inline_limit` bytes."""
    if frame.content_type == ANNOUNCEMENT:
        return Route.INLINE if len(frame.body) <= inline_limit else Route.TOO_LARGE
    if mode == "reference":
        return Route.REFERENCE
    if len(frame.body) <= inline_limit:
        return Route.INLINE
    return Route.TOO_LARGE if mode == "inline" else Route.REFERENCE
