"""The data folder: who holds it, and where the servers and pipelines of the one who does are (`up.json`)."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cygnet.local.errors import FolderHeldError, LocalError, NotRunningError, disk_trouble
from cygnet.local.keys import write_private

_RECORD, _LOCK = "up.json", "up.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one pipeline's NATS and bucket are, with the keys to them."""

    namespace: str
    bucket: str
    prefix: str
    spec: str
    nats_url: str
    nats_user: str | None = None
    nats_password: str | None = field(default=None, repr=False)
    s3_endpoint: str
    s3_access_key_id: str
    s3_secret_access_key: str = field(repr=False)
    s3_region: str = "us-east-1"
    s3_ca_bundle: str | None = None
    s3_public_endpoint: str | None = None
    s3_embedded: bool = False
    """Whether the bucket is a folder of the embedded server, whose port may be another one next time."""

    @property
    def home(self) -> tuple[str, str, str]:
        """Endpoint (empty: the folder's own), bucket and prefix: where its runs are."""
        return "" if self.s3_embedded else self.s3_endpoint, self.bucket, self.prefix


@dataclass(frozen=True, slots=True)
class Earlier:
    """A pipeline that ran in the folder before those of the last `up`, or had another place."""

    pipeline: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What `up.json` says. `ended` is empty while it runs, and after a kill."""

    pid: int
    started: str
    pipelines: dict[str, Place] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    """Address of each embedded server."""
    wanted: list[str] = field(default_factory=list)
    """Processes that should be there, by the names of their logs; what is missing among them has died."""
    earlier: list[Earlier] = field(default_factory=list)
    """What ran in the folder before, newest first: their runs are still there."""
    ended: str = ""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the record. Raises ValueError, KeyError or TypeError for what is none."""
        document: dict[str, Any] = json.loads(text)
        places = {name: Place(**place) for name, place in document.pop("pipelines").items()}
        earlier = [Earlier(each["pipeline"], Place(**each["place"])) for each in document.pop("earlier", [])]
        return cls(pipelines=places, earlier=earlier, **document)

    def known(self) -> list[tuple[str, Place]]:
        """Return every pipeline that runs or ran in the folder, newest first; one that moved has several."""
        return [*self.pipelines.items(), *((each.pipeline, each.place) for each in self.earlier)]

    def place(self, pipeline: str | None) -> tuple[str, Place]:
        """Return the pipeline of this name, or the only one. Raises LocalError."""
        names = ", ".join(self.pipelines)
        if pipeline is None:
            if len(self.pipelines) != 1:
                raise LocalError(f"several pipelines run; say which: {names}")
            return next(iter(self.pipelines.items()))
        if pipeline not in self.pipelines:
            raise LocalError(f"no pipeline {pipeline!r} runs; accepted: {names or 'none, it is starting'}")
        return pipeline, self.pipelines[pipeline]


class Claim:
    """The folder while it is ours."""

    def __init__(self, folder: Path, before: Up | None) -> None:
        self.folder = folder
        self.before = before
        """What the one before us left."""
        self.up = Up(pid=os.getpid(), started=_now())
        self._said = False

    @property
    def killed_before(self) -> bool:
        """Whether the one before us did not end by itself: clients may still look for its addresses."""
        return self.before is not None and not self.before.ended

    def say(self, *, pipelines: dict[str, Place], servers: dict[str, str]) -> None:
        """Write down what runs, for the other commands."""
        kept = {(name, place.home) for name, place in pipelines.items()}
        earlier = [
            Earlier(name, place)
            for name, place in (self.before.known() if self.before else [])
            if (name, place.home) not in kept
        ]
        self.up = replace(self.up, pipelines=pipelines, servers=servers, earlier=earlier)
        self._said = True
        self._write()

    def wants(self, slots: list[str]) -> None:
        """Write down which processes should be there, if that has changed."""
        if self._said and slots != self.up.wanted:
            self.up = replace(self.up, wanted=slots)
            with suppress(LocalError):  # a full disk makes nobody stop
                self._write()

    def end(self) -> None:
        """Write down that we ended by ourselves; one that never came to run anything leaves no trace."""
        if self._said:
            self.up = replace(self.up, ended=_now())
            with suppress(LocalError):  # a full disk: to the next one it looks as if we had been killed
                self._write()

    def _write(self) -> None:
        write_private(self.folder / _RECORD, json.dumps(asdict(self.up), indent=1))


@contextmanager
def claim(folder: Path) -> Iterator[Claim]:
    """Hold the folder. The lock dies with its process, so that a kill leaves nothing to clean up.

    Raises FolderHeldError when somebody else has it, LocalError when it can't be written in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise disk_trouble(folder, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderHeldError(_held_by(folder)) from error
        mine = Claim(folder, left_behind(folder))
        try:
            os.truncate(lock, 0)
            os.pwrite(lock, f"{mine.up.pid} {mine.up.started}".encode(), 0)
        except OSError as error:
            raise disk_trouble(folder, error) from error
        yield mine
        mine.end()
    finally:
        os.close(lock)


def running(folder: Path) -> Up:
    """Return what runs in the folder. Raises NotRunningError."""
    if not is_held(folder):
        raise NotRunningError(f"no `cygnet up` runs in {folder}; start one, or say where with --data DIR")
    up = left_behind(folder)
    if up is None or up.ended or str(up.pid) != _holder(folder)[0]:
        raise NotRunningError(f"`cygnet up` is only starting in {folder}; try again in a moment")
    return up


def left_behind(folder: Path) -> Up | None:
    """Return what the folder says of who runs, or ran last, in it."""
    try:
        return Up.from_json((folder / _RECORD).read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_held(folder: Path) -> bool:
    """Return whether somebody holds the folder."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _held_by(folder: Path) -> str:
    pid, since = _holder(folder)
    up = left_behind(folder)
    what = f", running {', '.join(up.pipelines)}" if up and up.pipelines and str(up.pid) == pid else ""
    return (
        f"{folder} is held by `cygnet up` (process {pid}, since {since}{what});"
        " end that one, or choose another folder with --data"
    )


def _holder(folder: Path) -> tuple[str, str]:
    pid, _, since = (folder / _LOCK).read_text().partition(" ")
    return pid or "unknown", since or "a moment ago"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
