"""Reads Pipelines from YAML files, and says about a bad file everything that is wrong with it."""

from collections.abc import Iterable
from pathlib import Path

from cygnet.spec.documents import Document, distinct, documents
from cygnet.spec.pipeline import Pipeline
from cygnet.spec.problems import Problem, SpecError, SpecText
from cygnet.spec.schema import Path as FieldPath
from cygnet.spec.suggest import closest
from cygnet.spec.tree import Node, trees

LARGEST = 1 << 20


def load(path: str | Path) -> list[Pipeline]:
    """Return the Pipelines of one file, at least one, in its order.

    Raises:
        SpecError: the file cannot be read, is not YAML, or a document in it is not a valid Pipeline.
    """
    return [pipeline for _, pipeline in load_files([path])]


def load_files(paths: Iterable[str | Path]) -> list[tuple[Path, Pipeline]]:
    """Return the Pipelines of several files, each with its file; no two have the same namespace and name.

    Raises:
        SpecError: with what is wrong in all of the files.
    """
    found: list[tuple[Path, Document]] = []
    problems: list[Problem] = []
    for path in map(Path, paths):
        try:
            valid, wrong = documents(_read(path))
        except SpecError as error:
            valid, wrong = [], error.problems
        found += [(path, document) for document in valid]
        problems += wrong
    problems += distinct([document for _, document in found])
    if problems:
        raise SpecError(problems)
    return [(path, document.pipeline) for path, document in found]


def loads(text: str, filename: str = "<text>") -> list[Pipeline]:
    """Return the Pipelines of a text; `filename` is what errors call it.

    Raises:
        SpecError: as `load`.
    """
    found, problems = documents(_sized(text, filename))
    problems = problems + distinct(found)
    if problems:
        raise SpecError(problems)
    return [document.pipeline for document in found]


def fault_in(file: Path, pipeline: str, field: FieldPath, message: str, accepted: str) -> SpecError:
    """Return what is wrong with a field of a valid Pipeline in `file`, where only its use shows it."""
    text = _read(file)
    root = next(root for root in trees(text)[0] if _name(root) == pipeline)
    node = root
    for part in field:
        node = node.child(part) or node
    return SpecError([text.problem(node.place, field, node.plain(), message, accepted)])


def _name(root: Node) -> object:
    metadata = root.child("metadata")
    name = metadata.child("name") if metadata else None
    return name.value if name else None


def _read(path: Path) -> SpecText:
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(file, f"no such file{_neighbour(path)}") from None
    except IsADirectoryError:
        raise _unreadable(file, "this is a folder") from None
    except (OSError, ValueError) as error:
        raise _unreadable(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return _sized(data.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        if len(data) > LARGEST:
            return _sized(data.decode("utf-8-sig", "replace"), file)
        before = SpecText(data[: error.start].decode("utf-8-sig", "replace"), file)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        place = before.mark_at(len(before.text))
        raise SpecError([before.problem(place, (), None, message, "a text file in UTF-8")]) from None


def _sized(text: str, file: str) -> SpecText:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise _unreadable(file, "the file is too large", f"at most {LARGEST} bytes (1 MiB)")
    return SpecText(text, file)


def _neighbour(path: Path) -> str:
    try:
        meant = closest(path.name, [entry.name for entry in path.parent.iterdir() if entry.is_file()])
    except OSError:
        return ""
    return f"; did you mean {path.with_name(meant)}?" if meant else ""


def _unreadable(file: str, message: str, accepted: str = "a YAML file with Pipelines") -> SpecError:
    return SpecError([Problem(file, 0, 0, "", None, message, accepted)])
