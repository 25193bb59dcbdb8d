"""Looks into a folder of frames before a pipeline is built on it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.model.frame import ARRAY_FILE
from cygnet.model.frame_files import CONTENT_TYPES, is_frame_file

_NAMES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/tiff": "TIFF", ARRAY_FILE: "npy"}
KINDS = {ending: _NAMES[content_type] for ending, content_type in CONTENT_TYPES.items()}
_BEGINNINGS = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "TIFF": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "npy": (b"\x93NUMPY",),
}
_WANTED = "a folder with PNG, JPEG, TIFF or npy files"


class FolderError(ValueError):
    """A folder that cannot be replayed, and why."""


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """A folder with frames; how many there are of each kind, and which files will become dead letters."""

    path: Path
    kinds: dict[str, int]
    bad: dict[str, str] = field(default_factory=dict)
    """Name and what is wrong with it."""

    def __str__(self) -> str:
        total = sum(self.kinds.values())
        kinds = ", ".join(f"{many} {kind}" for kind, many in self.kinds.items())
        return f"{total} frame{'s' * (total != 1)} ({kinds})"


def survey(path: Path) -> FrameFolder:
    """Count the frames of a folder by kind; subfolders are not looked into.

    Raises:
        FolderError: there is no such folder, or no frame in it.
    """
    try:
        files = sorted(file for file in path.iterdir() if file.is_file())
        named = [file for file in files if is_frame_file(file)]
        bad = {file.name: wrong for file in named if (wrong := _wrong_with(file))}
    except FileNotFoundError:
        raise FolderError(f"{path} is not there; accepted: {_WANTED}") from None
    except NotADirectoryError:
        raise FolderError(f"{path} is a file; accepted: the folder that the frames are in") from None
    except OSError as error:
        raise FolderError(f"{error.filename or path} cannot be read: {error.strerror}") from None
    frames = [file for file in named if file.name not in bad]
    if not frames:
        others = f"files in it: {len(files)}, none of them an image" if files else "there is no file in it"
        if bad:
            name, wrong = next(iter(bad.items()))
            others = f"{name} {wrong}" + (
                f"; {len(bad) - 1} more are no frames either" if len(bad) > 1 else ""
            )
        raise FolderError(f"{path} has no frames: {others}; accepted: {_WANTED}")
    counted = Counter(KINDS[file.suffix.lower()] for file in frames)
    return FrameFolder(path, dict(counted.most_common()), bad)


def _wrong_with(file: Path) -> str:
    kind = KINDS[file.suffix.lower()]
    try:
        with file.open("rb") as stream:
            begins = stream.read(8)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if begins.startswith(_BEGINNINGS[kind]) else f"is not a {kind} file, though its name says so"
