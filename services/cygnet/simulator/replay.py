"""Replays a folder of image files as the events of a detector."""

import asyncio
import time
from pathlib import Path

import numpy as np

from cygnet.imaging import DecodeError, DecodeLimits, read_npy
from cygnet.model.errors import BadInputError
from cygnet.model.frame import ARRAY_FILE, Frame
from cygnet.model.frame_files import CONTENT_TYPES, frame_files
from cygnet.model.identity import FrameId
from cygnet.simulator.source import Batch
from cygnet.spec.sources import ReplaySource

_WHOLE = DecodeLimits(max_bytes=1 << 40, max_pixels=1 << 40)  # what a frame may be, the preprocessor says
_KEPT_BYTES = 256 << 20  # files are kept in memory up to here, so that a loop reads the disk once


class Replay:
    """Event n is the file n modulo the number of files, in the order of their names."""

    def __init__(self, detector: str, spec: ReplaySource, folder: Path) -> None:
        self.detector = detector
        self._spec = spec
        try:
            self._files = frame_files(folder / spec.path)
        except BadInputError as error:
            raise BadInputError(f"replay.path: {error}", reason=error.reason) from error
        self._kept: dict[int, bytes] = {}
        self._kept_bytes = 0
        self._run = ""

    async def open(self, run: str, next_event: int, events: int | None) -> None:  # noqa: ARG002
        """Begin a run."""
        self._run = run

    async def take(self, next_event: int, most: int) -> Batch:
        """Return the next frames, read from disk in a thread."""
        last = next_event + most
        if not self._spec.loop:
            last = min(last, len(self._files))
        frames = await asyncio.to_thread(self._read, next_event, last)
        exhausted = not self._spec.loop and last >= len(self._files)
        return Batch(frames=frames, next_event=max(last, next_event), exhausted=exhausted)

    async def close(self) -> None:
        """Forget the files' content."""
        self._kept.clear()

    def _read(self, first: int, last: int) -> list[Frame]:
        return [self._frame(event) for event in range(first, last)]

    def _frame(self, event: int) -> Frame:
        """Return the frame of an event; a file that is no frame is published as it is, and given up later."""
        path = self._files[event % len(self._files)]
        body = self._body(event % len(self._files))
        identity = FrameId(self._run, self.detector, event)
        attrs = {"file": path.name}
        content_type = CONTENT_TYPES[path.suffix.lower()]
        if content_type == ARRAY_FILE and (frame := _array_frame(identity, body, attrs)):
            return frame
        return Frame(id=identity, time_ns=time.time_ns(), body=body, content_type=content_type, attrs=attrs)

    def _body(self, place: int) -> bytes:
        body = self._kept.get(place)
        if body is None:
            try:
                body = self._files[place].read_bytes()
            except OSError:
                return b""  # gone or unreadable: an empty frame has its place in the ledger
            if self._kept_bytes + len(body) <= _KEPT_BYTES:
                self._kept[place] = body
                self._kept_bytes += len(body)
        return body


def _array_frame(identity: FrameId, body: bytes, attrs: dict[str, str]) -> Frame | None:
    try:
        array = read_npy(body, limits=_WHOLE)
    except DecodeError:
        return None
    return Frame(
        id=identity,
        time_ns=time.time_ns(),
        body=np.ascontiguousarray(array).reshape(-1).view(np.uint8).data,  # of any byte order, of any type
        dtype=array.dtype.str,
        shape=array.shape,
        axes="y,x" if array.ndim == 2 else ",".join(("panel", "y", "x")[-array.ndim :]),
        attrs=attrs,
    )
