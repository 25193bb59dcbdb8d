"""Where frames come from: exactly one kind for each source."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cygnet.spec.base import (
    MIB,
    BucketName,
    DetectorName,
    EventCount,
    FilePath,
    LiteralSubject,
    Part,
    Rate,
)
from cygnet.spec.rules import Cel, Rule, one_of
from cygnet.spec.simulated import SimulatedSource

_ONE_KIND = one_of("replay", "simulator", "announcements")
_OWN_SUBJECTS = Rule(
    "mirrorSubjects may not begin with cygnet.: those subjects are the pipelines' own",
    "mirrorSubjects",
    Cel(each="mirrorSubjects", holds="self != 'cygnet' && !self.startsWith('cygnet.')"),
)
_TEXT_OF_MIRRORS = Rule(
    "infoSubject tells what mirrorSubjects announce: it goes with them",
    "infoSubject",
    Cel(holds="!has(self.infoSubject) || self.mirrorSubjects.size() > 0"),
)
_TEXT_ELSEWHERE = Rule(
    "infoSubject must be another subject than those of announcements",
    "infoSubject",
    Cel(
        holds="!has(self.infoSubject) || !(self.infoSubject in self.mirrorSubjects"
        " || (has(self.announcements) && self.infoSubject in self.announcements.subjects))"
    ),
)
_STORED_ALREADY = {
    field: Rule(
        "frames of announcements are stored already", field, Cel(holds=f"!has(self.announcements) || {unset}")
    )
    for field, unset in {
        "framesBucket": "!has(self.framesBucket)",
        "frameKeys": "self.frameKeys == 'event'",
    }.items()
}


class ReplaySource(Part):
    """Replays the PNG, JPEG, TIFF and npy files of a folder, in the order of their names."""

    path: FilePath
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

    RULES = (_ONE_KIND, _OWN_SUBJECTS, _TEXT_OF_MIRRORS, _TEXT_ELSEWHERE, *_STORED_ALREADY.values())

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
    info_subject: LiteralSubject | None = None
    """Also say in a line of text, on this literal subject, which frame was announced."""
    frames_bucket: BucketName | None = None
    """Bucket for stored frames; absent: `uploader.bucket`."""
    frame_keys: Literal["event", "content"] = "event"
    """Keys of stored frames. `event`: PREFIX/RUN/frames/NAME/NUMBER; `content`: NAME-MD5, which is also the
    announced filename: frames of the same bytes share an object, and remain events of their own."""
    expect: ExpectedFrame = ExpectedFrame()
    """What every frame must be."""

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> "Source":
        """Exactly one of `replay`, `simulator`, `announcements`; Cygnet's own subjects are no mirrors."""
        if sum(kind is not None for kind in (self.replay, self.simulator, self.announcements)) != 1:
            raise _ONE_KIND.broken()
        for place, subject in enumerate(self.mirror_subjects):
            if subject.split(".")[0] == "cygnet":
                raise _OWN_SUBJECTS.broken("mirrorSubjects", str(place))
        return self

    @model_validator(mode="after")
    def _text_is_not_announced(self) -> "Source":
        """`infoSubject` goes with `mirrorSubjects`, and no announcement is on it."""
        if self.info_subject and not self.mirror_subjects:
            raise _TEXT_OF_MIRRORS.broken()
        announced = self.announcements.subjects if self.announcements else []
        if self.info_subject in (*self.mirror_subjects, *announced):
            raise _TEXT_ELSEWHERE.broken()
        return self

    @model_validator(mode="after")
    def _stored_once(self) -> "Source":
        """`framesBucket` and `frameKeys` are not for `announcements`, whose frames are stored already."""
        if self.announcements and (self.frames_bucket or self.frame_keys != "event"):
            field = "framesBucket" if self.frames_bucket else "frameKeys"
            raise _STORED_ALREADY[field].broken()
        return self

    @property
    def announced_subjects(self) -> list[str]:
        """Subjects that this source listens to."""
        return self.announcements.subjects if self.announcements else []

    @property
    def events_per_run(self) -> int | None:
        """Events in a run, as its kind says."""
        kind = self.replay or self.simulator or self.announcements
        return kind.events_per_run if kind else None
