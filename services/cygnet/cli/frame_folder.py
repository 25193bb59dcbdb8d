"""Looks into a folder of frames before a pipeline is built on it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cygnet.model.frame import ARRAY_FILE
from cygnet.model.frame_files import CONTENT_TYPES

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
    """A folder with frames; how many there are of each kind."""

    path: Path
    kinds: dict[str, int]

    def __str__(self) -> str:
        total = sum(self.kinds.values())
        kinds = ", ".join(f"{many} {kind}" for kind, many in self.kinds.items())
        return f"{total} frame{'s' * (total != 1)} ({kinds})"


def survey(path: Path) -> FrameFolder:
    """Count the frames of a folder by kind; subfolders are not looked into.

    Raises:
        FolderError: there is no such folder, no frame in it, or a file that is not what its name says.
    """
    try:
        files = sorted(file for file in path.iterdir() if file.is_file())
        frames = [file for file in files if file.suffix.lower() in KINDS]
        for file in frames:
            _check(file)
    except FileNotFoundError:
        raise FolderError(f"{path} is not there; accepted: {_WANTED}") from None
    except NotADirectoryError:
        raise FolderError(f"{path} is a file; accepted: the folder that the frames are in") from None
    except OSError as error:
        raise FolderError(f"{error.filename or path} cannot be read: {error.strerror}") from None
    if not frames:
        others = f"files in it: {len(files)}, none of them an image" if files else "there is no file in it"
        raise FolderError(f"{path} has no frames: {others}; accepted: {_WANTED}")
    counted = Counter(KINDS[file.suffix.lower()] for file in frames)
    return FrameFolder(path, dict(counted.most_common()))


def _check(file: Path) -> None:
    kind = KINDS[file.suffix.lower()]
    with file.open("rb") as stream:
        begins = stream.read(8)
    if not begins.startswith(_BEGINNINGS[kind]):
        raise FolderError(f"{file} is not a {kind} file, though its name says so")
