"""The Pipeline resource: what a user writes in one YAML file."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cygnet.spec.base import (
    GIB,
    KIB,
    MIB,
    BucketName,
    HttpOrigin,
    NatsUrl,
    Part,
    Prefix,
    SecretName,
    Whole,
    accepts,
    keyed_by,
)
from cygnet.spec.local import Local
from cygnet.spec.metadata import Metadata
from cygnet.spec.pods import Pods
from cygnet.spec.room import NO_ROOM, result_bytes
from cygnet.spec.rules import Cel, Rule
from cygnet.spec.sources import Source
from cygnet.spec.templates import FORM, WITH_CEL, fault
from cygnet.spec.workers import Preprocessor

API_VERSION = "cygnet.dev/v1alpha1"
DEFAULT_KEY_TEMPLATE = "{prefix}/{run}/{detector}/chunk-{first_event:09d}-{last_event:09d}.{ext}"
_ACK_WAIT = Rule(
    "ackWaitSeconds must be above maxProcessingSeconds",
    "ackWaitSeconds",
    Cel(holds="self.ackWaitSeconds > self.maxProcessingSeconds"),
)
_NAMES_DIFFER = Rule("source names must differ", "sources", by_key=True)
_NO_ECHO = Rule(
    "mirrorSubjects may not repeat announcements.subjects of this pipeline: a frame would come back as a new"
    " one",
    "sources",
    Cel(
        holds="self.sources.all(source, source.mirrorSubjects.all(subject, !self.sources.exists(other,"
        " has(other.announcements) && subject in other.announcements.subjects)))"
    ),
)
_HALF = Rule(
    "aggregator.maxBytes must not exceed half of streams.chunksBytes",
    "aggregator.maxBytes",
    Cel(holds="2 * self.aggregator.maxBytes <= self.streams.chunksBytes"),
)
StreamBytes = Annotated[int, Field(ge=MIB, le=1024 * GIB)]


class Transport(Part):
    """How frames travel from the source to the preprocessors."""

    mode: Literal["auto", "inline", "reference"] = "auto"
    """`inline`: in the message; `reference`: stored in S3 and announced; `auto`: inline where it fits."""


class Aggregator(Part):
    """Makes chunks of results."""

    RULES = (*WITH_CEL, FORM)

    chunk_size: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Events in a chunk."""
    max_age_seconds: Annotated[float, Field(ge=0.1, le=86400)] = 60
    """A chunk is closed this long after its first result."""
    max_bytes: Annotated[int, Field(ge=64 * KIB, le=4 * GIB)] = 32 * MIB
    """A chunk is closed at this size; at most half of streams.chunksBytes."""
    format: Literal["npz", "hdf5"] = "npz"
    """File format of chunks."""
    key_template: Annotated[str, StringConstraints(min_length=1, max_length=500)] = DEFAULT_KEY_TEMPLATE
    """Object key of a chunk; knows prefix, run, detector, first_event, last_event, first_time, last_time,
    seq, ext and attributes of the first frame."""

    @model_validator(mode="after")
    def _known_fields(self) -> "Aggregator":
        """`keyTemplate` names only fields that exist, with widths as in `{seq:06d}`; keys fit 1000 bytes."""
        if problem := fault(self.key_template):
            raise FORM.broken(problem=problem)
        return self


class Uploader(Part):
    """Puts chunks into the bucket."""

    bucket: BucketName = "cygnet"
    """Bucket for chunks, manifests and, unless inline, frames."""
    prefix: Prefix | None = None
    """Prefix of all keys; absent: the pipeline's name."""
    replicas: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of uploaders."""


class DeadLetters(Part):
    """What happens to frames that cannot be processed."""

    max_deliver: Annotated[int, Field(ge=1, le=100)] = 5
    """Attempts at a foreign URL; deliveries after which a frame is processed alone."""
    max_age_hours: Annotated[float, Field(gt=0, le=8760)] = 168
    """Dead letters leave after this time."""


class Streams(Part):
    """Sizes of the streams; the server reserves the bytes."""

    RULES = (_ACK_WAIT,)

    frames_bytes: StreamBytes = 64 * MIB
    """Frames that wait; full: the source is held."""
    results_bytes: StreamBytes = 64 * MIB
    """Results that wait; full: preprocessors are held."""
    chunks_bytes: StreamBytes = 64 * MIB
    """Chunks that wait for upload; full: the aggregator is held."""
    dead_bytes: StreamBytes = 16 * MIB
    """Dead letters; full: the oldest leave, and only their reason and file name stay."""
    replicas: Annotated[Literal[1, 3, 5], Whole] = 1
    """Copies of each stream in a cluster of NATS servers."""
    ack_wait_seconds: Annotated[float, Field(ge=1, le=3600)] = 30
    """A message that its worker does not speak of for so long goes to another worker."""
    max_processing_seconds: Annotated[float, Field(gt=0, le=3600)] = 20
    """A frame that takes longer is given up."""

    @model_validator(mode="after")
    def _ordered(self) -> "Streams":
        """`ackWaitSeconds` must be above `maxProcessingSeconds`."""
        if not self.ack_wait_seconds > self.max_processing_seconds:
            raise _ACK_WAIT.broken()
        return self


class Nats(Part):
    """A NATS server of one's own."""

    url: NatsUrl | None = None
    """`nats://host:port`; absent: the installation's own."""
    secret_name: SecretName | None = None
    """Secret with `username` and `password`, in the Pipeline's namespace."""


class Storage(Part):
    """An S3 endpoint of one's own."""

    endpoint: HttpOrigin | None = None
    """`https://host:port`; absent: the installation's own."""
    region: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$", max_length=64), accepts("1 to 64 of a-z 0-9 -")
    ] = "us-east-1"
    """Region that requests are signed for."""
    secret_name: SecretName | None = None
    """Secret with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, in the Pipeline's namespace."""


class PipelineSpec(Part):
    """A pipeline from source to bucket."""

    RULES = (_NAMES_DIFFER, _NO_ECHO, _HALF, NO_ROOM)

    lifecycle: Literal["Running", "Paused", "Drained"] = "Running"
    """`Paused`: sources stop; `Drained`: the run is ended and everything in flight is stored."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """What happens to streams and key-value bucket when the Pipeline is deleted."""
    sources: Annotated[list[Source], Field(min_length=1, max_length=64), keyed_by("name")]
    """The detectors."""
    runs: Literal["once", "endless"] = "once"
    """`endless`: the next run follows when one has ended."""
    store: bool = True
    """False: frames are processed and counted as consumed, nothing is stored."""
    transport: Transport = Transport()
    """How frames travel."""
    preprocessor: Preprocessor = Preprocessor()
    """The workers."""
    aggregator: Aggregator = Aggregator()
    """How chunks are made."""
    uploader: Uploader = Uploader()
    """Where chunks go."""
    dead_letters: DeadLetters = DeadLetters()
    """What happens to frames that cannot be processed."""
    streams: Streams = Streams()
    """Sizes and times of the streams."""
    nats: Nats = Nats()
    """A NATS server of one's own."""
    storage: Storage = Storage()
    """An S3 endpoint of one's own."""
    pods: Pods = Pods()
    """How the services run on a cluster."""
    local: Local = Local()
    """Servers on this machine."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "PipelineSpec":
        """Names differ, no source hears another's mirror, `maxBytes` is at most half of `chunksBytes`."""
        names = [source.name for source in self.sources]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise _NAMES_DIFFER.broken("sources", str(place), "name")
        heard = {subject for each in self.sources for subject in each.announced_subjects}
        for place, source in enumerate(self.sources):
            if heard & set(source.mirror_subjects):
                raise _NO_ECHO.broken("sources", str(place), "mirrorSubjects")
        if self.aggregator.max_bytes > self.streams.chunks_bytes // 2:
            raise _HALF.broken()
        return self

    @model_validator(mode="after")
    def _chunks_hold_frames(self) -> "PipelineSpec":
        """With `chunkSize` above 1 at least two results of each `expect.shape` fit into `maxBytes`."""
        for source in self.sources if self.aggregator.chunk_size > 1 else ():
            size = result_bytes(source.expect, self.preprocessor.stages)
            if 2 * size > self.aggregator.max_bytes:
                raise NO_ROOM.broken(name=source.name, size=size, twice=2 * size, fourfold=4 * size)
        return self


class Pipeline(BaseModel):
    """One Pipeline document."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    apiVersion: Literal["cygnet.dev/v1alpha1"]  # noqa: N815
    """Version of this format."""
    kind: Literal["Pipeline"]
    """What the document describes."""
    metadata: Metadata
    """Name and namespace."""
    spec: PipelineSpec
    """The pipeline, from source to bucket."""
    status: dict[str, Any] = {}
    """Written by the operator; ignored in a file."""

    @property
    def prefix(self) -> str:
        """Prefix of all keys in the bucket."""
        prefix = self.spec.uploader.prefix
        return self.metadata.name if prefix is None else prefix
