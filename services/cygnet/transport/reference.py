"""Results that no message can carry: the message points at an object in the bucket."""

import re
from collections.abc import Mapping

import msgspec

from cygnet.model.identity import FrameId

CONTENT_TYPE = "application/vnd.cygnet.reference+json"
_HEADER = "Content-Type"
_REFERENCED = re.compile(r"/results/([A-Za-z0-9_-]{1,64})/(\d{9,})-[0-9a-f]{16}\Z")


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


def reference_key(prefix: str, identity: FrameId, sha256: str) -> str:
    """Return the object key of a result on its way.

    Other bytes get another key: a frame processed again must not change what a message points at.
    """
    folder = reference_folder(prefix, identity.run)
    return f"{folder}/{identity.detector}/{identity.event:09d}-{sha256[:16]}"


def referenced(key: str, run: str) -> FrameId | None:
    """Return whose result lies under a key of `reference_key`, None for any other key."""
    found = _REFERENCED.search(key)
    return FrameId(run, found[1], int(found[2])) if found else None


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
