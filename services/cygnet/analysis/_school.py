"""The school's own chunks: npz files with `image` (N, H, W) and `tstamp` (N,), from a folder or a list."""

import math
import os
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cygnet.model.errors import BadInputError, NoSuchError

Images = npt.NDArray[np.generic]
_GLANCE = 8  # images
_ZEROS = 0.01  # of the pixels: a camera's pedestal of 100 is never 0, a window clips much to it


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolChunks:
    """Images of many chunks as one sequence, in the order of the files' names; files are read when needed."""

    files: tuple[Path, ...]
    ends: tuple[int, ...]
    """Images in the files up to each one, it included."""
    times: npt.NDArray[np.datetime64]
    """(N,), as the chunks have them; naive."""
    windowed: str
    """Which images are no longer counts, and why; empty if all are."""

    def __len__(self) -> int:
        return len(self.times)

    def images(self, start: int = 0, stop: int | None = None) -> Images:
        """Return the images at positions start … stop, (N, H, W). Raises BadInputError for mixed shapes."""
        first, last, _ = slice(start, stop).indices(len(self))
        parts = []
        while first < last:
            number = bisect_right(self.ends, first)
            begin = self.ends[number - 1] if number else 0
            end = min(self.ends[number], last)
            parts.append(_member(self.files[number], "image")[first - begin : end - begin])
            first = end
        if not parts:
            raise BadInputError(f"positions {start} to {stop}: no image of {len(self)}", reason="no-events")
        forms = sorted({f"{part.dtype} {part.shape[1:]}" for part in parts})
        if len(forms) > 1:
            raise BadInputError(f"these images cannot be stacked: {'; '.join(forms)}", reason="mixed-layout")
        return np.concatenate(parts)


def read_school_chunks(where: "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]") -> SchoolChunks:
    """Open the chunks of a folder (`*.npz`) or the given files, sorted by name, which is by time.

    Raises NoSuchError without any chunk, BadInputError for a file that is none: it must hold `image`
    (N, H, W) and `tstamp` (N,), a time of each image, and is never unpickled. Of the images a few of each
    file are looked at, to see whether they are counts.
    """
    if isinstance(where, (str, os.PathLike)):
        files = sorted(Path(where).glob("*.npz"))
        said = f"folder {os.fspath(where)!r}"
    else:
        files = sorted((Path(each) for each in where), key=lambda file: file.name)
        said = "the list of files"
    if not files:
        raise NoSuchError(f"{said} holds no chunk (*.npz)")
    glances = [_glance(file) for file in files]
    times = [_times(file, count) for file, (count, _) in zip(files, glances, strict=True)]
    whys = {file.name: _why_windowed(some) for file, (_, some) in zip(files, glances, strict=True)}
    counts = np.cumsum([len(each) for each in times])
    return SchoolChunks(
        files=tuple(files),
        ends=tuple(int(count) for count in counts),
        times=np.concatenate(times),
        windowed=next((f"{name}: {why}" for name, why in whys.items() if why), ""),
    )


def _times(file: Path, count: int) -> npt.NDArray[np.datetime64]:
    times = _member(file, "tstamp")
    if times.ndim != 1 or times.dtype.kind != "M":
        raise BadInputError(f"{file}: tstamp is {times.dtype} {times.shape}; accepted: datetime64 (N,)")
    if len(times) != count:
        raise BadInputError(f"{file}: {len(times)} tstamp for {count} images; accepted: one for each")
    if np.isnat(times).any():
        raise BadInputError(f"{file}: tstamp has {int(np.isnat(times).sum())} NaT; accepted: times")
    return times.astype("M8[ns]")


def _glance(file: Path) -> tuple[int, Images]:
    """Return how many images a file has, and the first of them, (n, H, W): the rest is left unread."""
    with _reading(file, "image"), zipfile.ZipFile(file) as chunk, chunk.open("image.npy") as body:
        header = np.lib.format.read_array_header_1_0
        if np.lib.format.read_magic(body) != (1, 0):
            header = np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(body)
        if len(shape) == 3 and not fortran and not dtype.hasobject:
            some = (min(_GLANCE, shape[0]), *shape[1:])
            size = math.prod(some)
            pixels = np.frombuffer(body.read(size * dtype.itemsize), dtype, size)
            return shape[0], pixels.reshape(some)
    whole = _member(file, "image")
    return len(whole), whole[:_GLANCE]


def _member(file: Path, name: str) -> npt.NDArray[Any]:
    with _reading(file, name), file.open("rb") as body, np.load(body, allow_pickle=False) as chunk:
        array: npt.NDArray[Any] = chunk[name]
    if name == "image" and array.ndim != 3:
        raise BadInputError(f"{file}: image has shape {array.shape}; accepted: (N, H, W)")
    return array


@contextmanager
def _reading(file: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInputError(
            f"{file}: {name!r} can't be read: {error}; accepted: an npz with image (N, H, W) and tstamp (N,)"
        ) from error


def _why_windowed(images: Images) -> str:
    """Say why images are no counts: the chunks themselves do not tell."""
    if not images.size:
        return ""
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return f"they are {images.dtype} from {images.min():g} to {images.max():g}, as a window makes"
    zeros = float((images == 0).mean())
    if zeros > _ZEROS:
        return f"{zeros:.0%} of their pixels are 0, as a window makes"
    return ""
