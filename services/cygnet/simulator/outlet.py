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
    """Puts frames into a bucket and makes announcements of them."""

    def __init__(self, bucket: Bucket, bucket_name: str, prefix: str, *, by_content: bool = False) -> None:
        """`by_content`: keys are filenames, so that frames of the same bytes are one object."""
        self._bucket = bucket
        self._bucket_name = bucket_name
        self._prefix = prefix
        self._by_content = by_content
        self._slots = asyncio.Semaphore(_PUTS_AT_ONCE)

    async def announce(self, frames: Sequence[Frame]) -> list[Announcement]:
        """Store all frames and return their announcements, in order, once every PUT is confirmed."""
        names = [_filename(frame) for frame in frames]
        keys = [self._key(frame, name) for frame, name in zip(frames, names, strict=True)]
        objects = dict(zip(keys, frames, strict=True))  # frames of the same bytes may share one
        stored = await asyncio.gather(*(self._store(key, frame) for key, frame in objects.items()))
        key_of = dict(zip(objects, stored, strict=True))
        return [
            self._announcement(frame, name, key_of[key])
            for frame, name, key in zip(frames, names, keys, strict=True)
        ]

    def _announcement(self, frame: Frame, name: str, key: str) -> Announcement:
        described = not frame.content_type
        return Announcement(
            url=self._bucket.sign_get(key, _URL_SECONDS),
            time=str(datetime.fromtimestamp(frame.time_ns / 1e9)),  # noqa: DTZ006 local, as announcers write it
            filename=key if self._by_content else name,
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

    def _key(self, frame: Frame, name: str) -> str:
        if self._by_content:
            return name
        extension = name.rpartition(".")[2]
        key = f"{frame.id.run}/frames/{frame.id.detector}/{frame.id.event:09d}.{extension}"
        return f"{self._prefix}/{key}" if self._prefix else key

    async def _store(self, key: str, frame: Frame) -> str:
        async with self._slots:
            if self._by_content:  # what is there is not put again while somebody may be reading it
                head = await self._bucket.head(key)
                if head is not None and head.size == len(frame.body):
                    return key
            return await self._put(key, frame)

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


def _filename(frame: Frame) -> str:
    """Return DETECTOR-MD5.EXTENSION, by which announcers name a frame."""
    digest = hashlib.md5(frame.body, usedforsecurity=False).hexdigest()
    return f"{frame.id.detector}-{digest}.{_EXTENSIONS.get(frame.content_type, 'raw')}"


def info_line(frame: Frame, announcement: Announcement | None) -> bytes:
    """Return a line of ASCII for people: which frame was announced; None: somebody else's, passed on."""
    which = f"{frame.id.detector}: run {frame.id.run}, event {frame.id.event}"
    what = f"{announcement.filename}, {len(frame.body)} bytes" if announcement else "passed on"
    return f"{which}: {what}".encode("ascii", "replace")


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
