"""Where frames come from: exactly one kind for each source."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cygnet.spec.base import MIB, DetectorName, EventCount, LiteralSubject, Part, Rate, accepts
from cygnet.spec.rules import broken
from cygnet.spec.simulated import SimulatedSource


class ReplaySource(Part):
    """Replays the PNG, JPEG, TIFF and npy files of a folder, in the order of their names."""

    path: Annotated[
        str,
        StringConstraints(pattern=r"^[^\x00-\x1f]+$", max_length=1000),
        accepts("1 to 1000 characters without line breaks"),
    ]
    """Folder with the frames; relative to the spec file."""
    loop: bool = True
    """Begin again after the last file; false: every file once."""
    rate_hz: Rate | None = None
    """Events per second; absent: as fast as back-pressure allows."""
    events_per_run: EventCount | None = None
    """Events in a run; absent: all files once, or until the run is ended when `loop` is true."""


class AnnouncementsSource(Part):
    """Takes the announcements of someone else's injector from a literal NATS subject."""

    subjects: Annotated[list[LiteralSubject], Field(min_length=1, max_length=1)]
    """The subject to listen to, taken literally (`daq/data`). One: it numbers the events; another announcer
    is another source."""
    dedupe_by: Literal["none", "filename+time"] = "none"
    """Which announcements count as the same; the second one is counted as a duplicate."""
    events_per_run: EventCount | None = None
    """Events in a run; absent: until the run is ended."""
    intake_bytes: Annotated[int, Field(ge=MIB, le=1024 * 1024 * MIB)] = 64 * MIB
    """Size of the stream that holds announcements until they are taken; the oldest leave first."""


class ExpectedFrame(Part):
    """What every frame of a source must be; another one becomes a dead letter."""

    dtype: Literal["uint8", "uint16", "int16", "int32", "uint32", "float32", "float64"] | None = None
    """Type of a pixel; absent: any."""
    shape: (
        Annotated[list[Annotated[int, Field(ge=1, le=65536)]], Field(min_length=2, max_length=3)] | None
    ) = None
    """Rows and columns (or panels, rows, columns); absent: any."""


class Source(Part):
    """One detector's source; its name is the detector's name."""

    name: DetectorName
    """Name of the detector: 1 to 64 of A-Z a-z 0-9 _ -."""
    replay: ReplaySource | None = None
    """Replay a folder of images."""
    simulator: SimulatedSource | None = None
    """Simulate a detector."""
    announcements: AnnouncementsSource | None = None
    """Bridge from a foreign announcer."""
    mirror_subjects: Annotated[list[LiteralSubject], Field(max_length=16)] = []
    """Also store each frame and announce it on these literal subjects, for old listeners."""
    expect: ExpectedFrame = ExpectedFrame()
    """What every frame must be."""

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> "Source":
        """Exactly one of `replay`, `simulator`, `announcements`; no subject both announced and mirrored."""
        if sum(kind is not None for kind in (self.replay, self.simulator, self.announcements)) != 1:
            raise broken("exactly one of replay, simulator, announcements must be given")
        if self.announcements and set(self.mirror_subjects) & set(self.announcements.subjects):
            raise broken(
                "mirrorSubjects may not repeat announcements.subjects: a frame would come back as a new one",
                "mirrorSubjects",
            )
        return self

    @property
    def events_per_run(self) -> int | None:
        """Events in a run, as its kind says."""
        kind = self.replay or self.simulator or self.announcements
        return kind.events_per_run if kind else None
