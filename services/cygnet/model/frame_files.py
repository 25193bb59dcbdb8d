"""Which files are frames: the one list of endings, for those who replay, survey or look into a folder."""

from pathlib import Path

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ARRAY_FILE

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".npy": ARRAY_FILE,
}


def is_frame_file(path: Path) -> bool:
    """Return whether the name is a frame's; a hidden file is none: editors and copies leave them."""
    return path.suffix.lower() in CONTENT_TYPES and not path.name.startswith(".")


def frame_files(folder: Path) -> list[Path]:
    """Return a folder's frame files in the order of their names.

    Raises BadInputError, which names the folder and what is accepted, where there is none.
    """
    accepted = f"accepted: a folder with {' '.join(CONTENT_TYPES)}"
    try:
        files = sorted(path for path in folder.iterdir() if is_frame_file(path))
    except FileNotFoundError:
        raise BadInputError(f"{folder} is not there; {accepted}", reason="no-folder") from None
    except OSError as error:
        raise BadInputError(f"{folder}: {error.strerror}; {accepted}", reason="no-folder") from error
    if not files:
        raise BadInputError(f"{folder} has no frame; {accepted}", reason="no-frames")
    return files
