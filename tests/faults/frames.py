"""Folders of small, distinct images whose pixels tell their number, and what must be stored of each."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[Any]
Bounds = tuple[int, int]
GARBAGE = b"this is no image, whatever its name says\n"


@dataclass(frozen=True)
class FrameFolder:
    """Files that a source replays: event n is file n modulo their number.

    `half_window`: the crop that the pipeline applies to them, None for none. `broken`: numbers of the files
    that are no images.
    """

    path: Path
    half_window: int | None
    count: int
    broken: frozenset[int] = frozenset()
    _wanted: dict[int, Pixels] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def files(self) -> list[Path]:
        """The files in the order of their names, as the source takes them."""
        return sorted(self.path.iterdir())

    def is_broken(self, event: int) -> bool:
        """Whether this event's file is no image."""
        return event % self.count in self.broken

    def pixels(self, event: int) -> Pixels:
        """Return what must be stored of an event, computed here from its file."""
        number = event % self.count
        if number not in self._wanted:
            self._wanted[number] = cropped(_read(self.files[number]), self.half_window)
        return self._wanted[number]


def cropped(image: Pixels, half_window: int | None) -> Pixels:
    """Return the central window of an image (H, W)."""
    if half_window is None:
        return image
    row, column = image.shape[0] // 2, image.shape[1] // 2
    return image[row - half_window : row + half_window, column - half_window : column + half_window]


def levels(image: Pixels, low: int, high: int) -> Pixels:
    """Return the image as levels of a window: 0 at `low` and darker, `high - low` at `high` and brighter."""
    dtype = np.uint8 if high - low <= 255 else np.uint16
    return (np.clip(image.astype(np.int64), low, high) - low).astype(dtype)


def make_folder(
    path: Path,
    *,
    count: int,
    half_window: int | None,
    rows: int = 48,
    columns: int = 64,
    is_mixed: bool = False,
    broken: Collection[int] = (),
    garbage: bytes = GARBAGE,
) -> FrameFolder:
    """Write `count` files and return their folder.

    `is_mixed`: some are 16-bit arrays, some too large for a pack. A broken file is `garbage`.
    """
    path.mkdir(parents=True)
    for number in range(count):
        stem = path / f"frame-{number:04d}"
        if number in broken:
            stem.with_suffix(".png").write_bytes(number.to_bytes(4) + garbage)
        elif is_mixed and number % 5 == 3:
            np.save(stem.with_suffix(".npy"), image_of(number, rows, columns).astype("<u2") + 1000)
        elif is_mixed and number % 7 == 6:  # above what travels in a pack
            Image.fromarray(image_of(number, 300, 320)).save(stem.with_suffix(".png"))
        else:
            Image.fromarray(image_of(number, rows, columns)).save(stem.with_suffix(".png"))
    return FrameFolder(path, half_window, count, frozenset(broken))


def image_of(number: int, rows: int, columns: int) -> Pixels:
    """Return an image (rows, columns) uint8, noise about a ramp that starts at a place of its own."""
    noise = np.random.default_rng(number).integers(0, 64, (rows, columns))
    ramp = np.add.outer(3 * np.arange(rows), 5 * np.arange(columns))
    return ((37 * number + ramp) % 191 + noise).astype(np.uint8)


def _read(path: Path) -> Pixels:
    if path.suffix == ".npy":
        loaded: Pixels = np.load(path, allow_pickle=False)
        return loaded
    with Image.open(path) as image:
        return np.asarray(image)
