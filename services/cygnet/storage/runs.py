"""Which runs lie where: what `cygnet.open` does before it reads an index."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.timestamp import format_time
from cygnet.storage import keys
from cygnet.storage.bucket import connect, open_folder
from cygnet.storage.errors import NoSuchBucketError
from cygnet.storage.port import Reader
from cygnet.storage.settings import S3Settings, settings_from_environment

_DEPTH = 3  # folders that a prefix may have when it is not told
_OWN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{4,}")
_URL = re.compile(r"s3://([^/]+)/?(.*)")


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A run with stored events: its bucket, its prefix, its id."""

    reader: Reader
    prefix: str
    run: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.reader.place}: {keys.run_folder(self.prefix, self.run)}"


def find_run(where: "str | os.PathLike[str] | S3Settings", run: str | None, endpoint: str | None) -> RunPlace:
    """Return the place of a run, of the newest one when `run` is None.

    where: `s3://bucket[/prefix]`, settings of a bucket, a `cygnet-data` folder, or a bucket's folder.
    Raises NoSuchBucketError, NoSuchError, BadInputError.
    """
    roots, said = _roots(where, endpoint)
    found = [place for reader, prefix in roots for place in _runs(reader, prefix, run)]
    if run is None:
        if not found:
            raise NoSuchError(f"{said} holds no run with stored events yet")
        return max(found, key=_age)
    if not found:
        known = sorted({place.run for reader, prefix in roots for place in _runs(reader, prefix, None)})
        listing = f"; there are {_some(known)}" if known else ""
        raise NoSuchError(f"{said} holds no stored event of run {run!r}{listing}")
    if len(found) > 1:
        raise BadInputError(
            f"run: {run!r} is in {len(found)} places: {'; '.join(place.place for place in found)}; "
            "accepted: s3://BUCKET/PREFIX or a bucket's folder, which say one",
            reason="ambiguous-run",
        )
    return found[0]


def _roots(
    where: "str | os.PathLike[str] | S3Settings", endpoint: str | None
) -> tuple[list[tuple[Reader, str]], str]:
    """Return buckets and prefixes to look in, and what to call them."""
    if isinstance(where, S3Settings):
        reader = connect(where).reader
        return [(reader, "")], reader.place
    text = os.fspath(where)
    if match := _URL.fullmatch(text):
        reader = connect(settings_from_environment(match[1], endpoint=endpoint)).reader
        prefix = match[2].strip("/")
        return [(reader, prefix)], reader.place + (f", folder {prefix!r}" if prefix else "")
    if "://" in text:
        raise BadInputError(
            f"where: {text!r} is neither a bucket nor a folder; accepted: s3://BUCKET[/PREFIX], a folder",
            reason="bad-where",
        )
    folder = Path(text)
    if not folder.is_dir():
        raise NoSuchBucketError(
            f"where: there is no folder {text!r}; accepted: s3://BUCKET[/PREFIX], a cygnet-data folder"
        )
    buckets = folder / "s3"
    if not buckets.is_dir():
        return [(open_folder(folder).reader, "")], f"folder {text!r}"
    roots = [(open_folder(each).reader, "") for each in sorted(buckets.iterdir()) if each.is_dir()]
    return list(roots), f"folder {text!r}"


def _runs(reader: Reader, prefix: str, run: str | None) -> Iterator[RunPlace]:
    """Yield the runs in the folder `prefix` and below, without looking into runs."""
    level = [prefix]
    for _ in range(_DEPTH + 1):
        below = []
        for folder in level:
            children = reader.folders(folder)
            if folder and {"manifest", "index"} & set(children):
                parent, _, name = folder.rpartition("/")
                if run in (None, name):
                    yield RunPlace(reader, parent, name)
                continue
            below += [keys.join(folder, child) for child in children]
        level = below


def _age(place: RunPlace) -> tuple[str, str]:
    """Return what sorts runs by time: their ids' own, or that of their youngest manifest."""
    if _OWN_ID.fullmatch(place.run):
        return place.run[:15], place.run
    listed = place.reader.list(keys.manifest_folder(place.prefix, place.run))
    youngest = max((each.modified_ns for each in listed), default=0)
    return re.sub(r"[-:]", "", format_time(youngest))[:15], place.run


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[-5:])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} older ones"
