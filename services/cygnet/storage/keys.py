"""Where everything of a run lies in its bucket."""

import re
import string
from collections.abc import Mapping

from cygnet.model.errors import BadInputError
from cygnet.model.frame import Attributes
from cygnet.model.identity import FrameId
from cygnet.model.timestamp import format_time
from cygnet.spec.templates import ATTRIBUTE_BYTES, fault

CYGNO_TEMPLATE = "{prefix}/data-chunk-{last_time}.npz"
"""Keys as the CYGNO school's notebooks write and list them."""
_ATTRIBUTE = "attrs."
_UNSAFE = re.compile(r"[^A-Za-z0-9._=+:-]+")
_MANIFEST = re.compile(r"([A-Za-z0-9_-]{1,64})-(\d{9,})-(\d{9,})(?:_\d+)?\.parquet")
_TRUTH = re.compile(r"([A-Za-z0-9_-]{1,64})-(\d{9,})-(\d{9,})\.parquet")
_SEGMENT = re.compile(r"segment-(\d{6,})\.parquet")
_GENERATION = re.compile(r"generation-(\d{6,})\.parquet")


def check_template(template: str) -> None:
    """Raise BadInputError, which names field and accepted ones, unless keys can be made with `template`."""
    wrong = fault(template)
    if wrong:
        raise BadInputError(f"key template {template!r}: {wrong}", reason="bad-key-template")


def render_key(
    template: str,
    *,
    prefix: str,
    run: str,
    detector: str,
    first_event: int,
    last_event: int,
    first_time_ns: int,
    last_time_ns: int,
    seq: int,
    attrs: Attributes,
    ext: str,
) -> str:
    """Return the key of a chunk.

    Times have fixed width, so that names sort by time. `{attrs.NAME}` is an attribute of the chunk's
    first event, `none` when it has none of this name; what is unsafe in a key becomes `_`, and what is
    longer than ATTRIBUTE_BYTES is cut. No key is longer than MOST_KEY_BYTES: templates that could make
    one are refused.
    """
    check_template(template)
    values: dict[str, str | int] = {
        "prefix": prefix,
        "run": run,
        "detector": detector,
        "first_event": first_event,
        "last_event": last_event,
        "first_time": format_time(first_time_ns),
        "last_time": format_time(last_time_ns),
        "seq": seq,
        "ext": ext,
    }
    parts = []
    for literal, field, width, _ in string.Formatter().parse(template):
        parts.append(literal)
        if field is None:
            continue
        if field.startswith(_ATTRIBUTE):
            parts.append(_attribute(attrs, field.removeprefix(_ATTRIBUTE)))
        else:
            parts.append(format(values[field], width or ""))
    return join("".join(parts))


def with_suffix(key: str, number: int) -> str:
    """Return the key to try when `key` is taken: `chunk.npz`, 1 → `chunk_1.npz`, which sorts behind it."""
    folder, slash, name = key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem}_{number}{dot}{extension}"


def join(*parts: str) -> str:
    """Return a key of the given parts, without empty segments: an empty prefix leaves no slash."""
    return "/".join(segment for part in parts for segment in part.split("/") if segment)


def run_folder(prefix: str, run: str) -> str:
    """Return the folder of all that belongs to a run, except chunks that a template puts elsewhere."""
    return join(prefix, run)


def manifest_folder(prefix: str, run: str) -> str:
    """Return the folder of a run's manifests, apart from the chunks: listings stay fast."""
    return join(prefix, run, "manifest")


def manifest_key(prefix: str, run: str, detector: str, first_event: int, last_event: int) -> str:
    """Return the key of the manifest of one chunk."""
    return join(manifest_folder(prefix, run), f"{detector}-{first_event:09d}-{last_event:09d}.parquet")


def index_folder(prefix: str, run: str) -> str:
    """Return the folder of a run's index."""
    return join(prefix, run, "index")


def segment_key(prefix: str, run: str, number: int) -> str:
    """Return the key of an index segment."""
    return join(index_folder(prefix, run), f"segment-{number:06d}.parquet")


def generation_key(prefix: str, run: str, number: int) -> str:
    """Return the key of a generation of the index."""
    return join(index_folder(prefix, run), f"generation-{number:06d}.parquet")


def ledger_key(prefix: str, run: str) -> str:
    """Return the key of a complete run's ledger."""
    return join(prefix, run, "ledger.json")


def provenance_key(prefix: str, run: str, sha256: str) -> str:
    """Return the key of a provenance document."""
    return join(prefix, run, "provenance", f"{sha256}.json")


def truth_folder(prefix: str, run: str) -> str:
    """Return the folder of the truth of a run's simulated events."""
    return join(prefix, run, "truth")


def truth_key(prefix: str, run: str, detector: str, first_event: int, last_event: int) -> str:
    """Return the key of a segment of truth."""
    return join(truth_folder(prefix, run), f"{detector}-{first_event:09d}-{last_event:09d}.parquet")


def truth_segment(key: str) -> tuple[str, int, int] | None:
    """Return detector, first and last event of a segment of truth, None for any other key."""
    match = _TRUTH.fullmatch(key.rpartition("/")[2])
    return (match[1], int(match[2]), int(match[3])) if match else None


def dead_folder(prefix: str, run: str) -> str:
    """Return the folder of bodies of a run's dead letters that are too large for their stream."""
    return join(prefix, run, "dead")


def dead_key(prefix: str, identity: FrameId | None, mark: str) -> str:
    """Return the key of a dead letter's body; `mark` tells the letters of one event apart."""
    if identity is None:
        return join(prefix, "dead", mark)
    return join(dead_folder(prefix, identity.run), identity.detector, f"{identity.event:09d}-{mark}")


def is_manifest(key: str) -> bool:
    """Whether an object in the manifest folder is a manifest, and not what a killed server left."""
    return _MANIFEST.fullmatch(key.rpartition("/")[2]) is not None


def segment_number(key: str) -> int | None:
    """Return the number of an index segment, None for any other key."""
    match = _SEGMENT.fullmatch(key.rpartition("/")[2])
    return int(match[1]) if match else None


def generation_number(key: str) -> int | None:
    """Return the number of a generation of the index, None for any other key."""
    match = _GENERATION.fullmatch(key.rpartition("/")[2])
    return int(match[1]) if match else None


def _attribute(attrs: Mapping[str, object], name: str) -> str:
    value = attrs.get(name)
    text = "none" if value is None else _UNSAFE.sub("_", str(value))[:ATTRIBUTE_BYTES]
    return text if text.strip(".") else "none"
