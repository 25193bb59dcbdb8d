"""Suggests window bounds from the pixels of raw frames."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cygnet.imaging import DecodeError, DecodeLimits, decode, pixel_histogram, read_npy
from cygnet.model.errors import BadInputError
from cygnet.model.frame_files import is_frame_file

MOST_FRAMES = 50
_PEDESTAL, _BRIGHTEST = 0.5, 0.9999
_LIMITS = DecodeLimits(max_bytes=1 << 30, max_pixels=1 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Bounds, and the pixels that they are from."""

    min: int
    max: int
    least: int
    most: int
    frames: int
    pixels: int
    dtype: str

    def to_document(self) -> dict[str, Any]:
        """Return the suggestion as a JSON object."""
        return asdict(self)


def suggest(folder: Path) -> Suggestion:
    """Return bounds for the frames of a folder: the median, and what all but 1 in 10,000 stay below.

    At most 50 frames are read, evenly spread. Raises BadInputError.
    """
    if not folder.is_dir():
        raise BadInputError(f"FRAMES: {str(folder)!r} is no folder; accepted: a folder of raw frames")
    counts, dtype, frames = np.zeros(0, np.int64), "", 0
    for image in _images(folder):
        if dtype and image.dtype.name != dtype:
            raise BadInputError(f"FRAMES: {dtype} and {image.dtype.name} in one folder; accepted: one type")
        _, histogram = pixel_histogram(image)
        counts = histogram if not frames else counts + histogram
        dtype, frames = image.dtype.name, frames + 1
    if not frames:
        raise BadInputError(f"FRAMES: {str(folder)!r} holds no uint8 or uint16 image that can be read")
    below = np.cumsum(counts) / counts.sum()
    low, high = int(np.searchsorted(below, _PEDESTAL)), int(np.searchsorted(below, _BRIGHTEST))
    seen = np.flatnonzero(counts)
    return Suggestion(
        min=low,
        max=max(high, low + 1),
        least=int(seen[0]),
        most=int(seen[-1]),
        frames=frames,
        pixels=int(counts.sum()),
        dtype=dtype,
    )


def _images(folder: Path) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    files = sorted(file for file in folder.iterdir() if is_frame_file(file))
    step = max(1, -(-len(files) // MOST_FRAMES))
    for file in files[::step]:
        try:
            image = _decoded(file)
        except (DecodeError, OSError):
            continue
        if image.dtype.name in ("uint8", "uint16") and image.ndim in (2, 3):
            yield image


def _decoded(file: Path) -> np.ndarray[Any, np.dtype[Any]]:
    read = read_npy if file.suffix.lower() == ".npy" else decode
    return read(file.read_bytes(), limits=_LIMITS)
