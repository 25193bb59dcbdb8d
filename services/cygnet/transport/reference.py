"""Results that no message can carry: the message points at an object in the bucket."""

from collections.abc import Mapping

import msgspec

from cygnet.model.identity import FrameId

CONTENT_TYPE = "application/vnd.cygnet.reference+json"
_HEADER = "Content-Type"


class Reference(msgspec.Struct, frozen=True):
    """Where the body of a message lies, whose result it is, and the headers that it would have had."""

    run: str
    detector: str
    event: int
    key: str
    size: int
    sha256: str
    headers: dict[str, str]


def reference_folder(prefix: str, run: str) -> str:
    """Return the folder of a run's results on their way; empty once the run is complete."""
    return f"{prefix}/{run}/results" if prefix else f"{run}/results"


def reference_key(prefix: str, identity: FrameId) -> str:
    """Return the object key of a result on its way."""
    return f"{reference_folder(prefix, identity.run)}/{identity.detector}/{identity.event:09d}"


def referenced(key: str, run: str) -> FrameId | None:
    """Return whose result lies under a key of `reference_key`, None for any other key."""
    *_, detector, event = ("", *key.split("/"))[-2:]
    return FrameId(run, detector, int(event)) if event.isdigit() else None


def as_reference(
    identity: FrameId, headers: Mapping[str, str], *, key: str, size: int, sha256: str
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of the message that points at an object."""
    reference = Reference(
        run=identity.run,
        detector=identity.detector,
        event=identity.event,
        key=key,
        size=size,
        sha256=sha256,
        headers=dict(headers),
    )
    return {_HEADER: CONTENT_TYPE}, msgspec.json.encode(reference)


def reference_in(headers: Mapping[str, str] | None, body: bytes | memoryview) -> Reference | None:
    """Return what a message points at, None for one that carries its body itself."""
    if not headers or headers.get(_HEADER) != CONTENT_TYPE:
        return None
    return msgspec.json.decode(body, type=Reference)
