"""The records of a run's account: append-only, the truth from which everything is rebuilt."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from cygnet.model.intervals import Pairs

ALL_DETECTORS = "="  # stands for the detector in records that speak of the whole run
DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The run exists. `store` false: frames are processed and counted as consumed."""

    kind: ClassVar[str] = "begin"
    run: str
    detectors: list[str]
    time_ns: int
    store: bool = True
    joined: bool = False
    bucket: str = ""
    prefix: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    message: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A new aggregator took over: written with the expected last sequence, it fences the old one."""

    kind: ClassVar[str] = "commit"  # it shares the commit's subject: that is what fences
    run: str
    detector: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A chunk is decided: these events, these bytes, under this key. Slices are stream sequences.

    `provenance`: the documents that its rows name, by sha256; they are stored before its manifest.
    """

    kind: ClassVar[str] = "commit"
    run: str
    detector: str
    chunk: str
    attempt: str
    epoch: int
    key: str
    content_type: str
    size: int
    sha256: str
    events: Pairs
    slices: list[int]
    manifest_key: str
    manifest_size: int
    manifest_sha256: str
    manifest_slices: list[int]
    time_ns: int = 0
    first_time_ns: int = 0
    last_time_ns: int = 0
    provenance: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A committed chunk and its manifest are in the bucket."""

    kind: ClassVar[str] = "stored"
    run: str
    detector: str
    chunk: str
    attempt: str
    key: str
    manifest_key: str
    size: int
    events: Pairs
    time_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """Events finished on purpose without a stored array."""

    kind: ClassVar[str] = "consumed"
    run: str
    detector: str
    events: Pairs
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """An event given up. Its frame is the `letter` of that sequence in DEAD, for as long as there is room.

    `file`: the name that it came with, empty for none.
    """

    kind: ClassVar[str] = "dead"
    run: str
    detector: str
    events: Pairs
    reason: str
    message: str = ""
    stage: str = ""
    file: str = ""
    letter: int = 0
    time_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Event numbers that the source issued and did not publish; `reason` DUPLICATE: seen before."""

    kind: ClassVar[str] = "dropped"
    run: str
    detector: str
    events: Pairs
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The source has issued all its events. `announced`: numbers issued, for each detector."""

    kind: ClassVar[str] = "end"
    run: str
    announced: dict[str, int]
    time_ns: int
    message: dict[str, Any] = field(default_factory=dict)


Record = Begin | Epoch | Commit | Stored | Consumed | Dead | Dropped | End
