"""Chunk formats: results of one run, one detector and one layout become one object and its rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np

from cygnet.model.errors import BadInputError
from cygnet.model.frame import Attributes
from cygnet.model.identity import NAME_PATTERN, check_name
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import ArrayLayout, Result

SCHEMA = 1
RESERVED = ("tstamp", "event", "revision", "meta")
_MODULES = {"npz": "cygnet.storage.npz", "hdf5": "cygnet.storage.hdf5"}
FORMATS = tuple(_MODULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFile:
    """A chunk's final bytes and one row for each array in them."""

    body: memoryview
    content_type: str
    extension: str
    rows: list[ManifestRow]


class Writer(Protocol):
    """A chunk format."""

    extension: str
    content_type: str

    def write(self, results: Sequence[Result], key: str, meta: str) -> tuple[memoryview, list[ManifestRow]]:
        """Return the object's bytes and its rows; `meta` is the JSON document to keep inside."""


def writer(format_name: str) -> Writer:
    """Return the writer of a format. Raises BadInputError."""
    if format_name not in _MODULES:
        raise BadInputError(
            f"format: {format_name!r} is not a chunk format; accepted: {', '.join(FORMATS)}",
            reason="bad-format",
        )
    return cast("Writer", import_module(_MODULES[format_name]))


def write_chunk(
    format_name: str, results: Sequence[Result], *, key: str, meta: Mapping[str, Any] | None = None
) -> ChunkFile:
    """Return the object of `results` (ascending events, one layout), which will be stored under `key`.

    `meta`: what else the object shall say of itself (`processing`: provenance documents by id). Raises
    BadInputError for arrays that the format cannot hold.
    """
    chosen = writer(format_name)
    _check(results)
    document = json.dumps(
        {**(meta or {}), **describe(results)}, sort_keys=True, ensure_ascii=False, default=str
    )
    body, rows = chosen.write(results, key, document)
    return ChunkFile(body=body, content_type=chosen.content_type, extension=chosen.extension, rows=rows)


def describe(results: Sequence[Result]) -> dict[str, Any]:
    """Return what a chunk says of itself: identity, form of its arrays, provenance of its events."""
    first, last = results[0], results[-1]
    provenance: list[dict[str, Any]] = []
    for result in results:
        if provenance and provenance[-1]["id"] == result.provenance:
            provenance[-1]["last_event"] = result.id.event
        else:
            event = result.id.event
            provenance.append({"id": result.provenance, "first_event": event, "last_event": event})
    return {
        "schema": SCHEMA,
        "run": first.id.run,
        "detector": first.id.detector,
        "first_event": first.id.event,
        "last_event": last.id.event,
        "count": len(results),
        "arrays": {
            each.name: {"dtype": each.dtype, "shape": list(each.shape), "axes": each.axes}
            for each in first.layout
        },
        "provenance": provenance,
    }


def row_of(result: Result, form: ArrayLayout, key: str, place: tuple[int, int, str, int]) -> ManifestRow:
    """Return the row of one array; `place`: offset, size, codec and CRC-32C of its stored bytes."""
    offset, size, codec, crc = place
    return ManifestRow(
        run=result.id.run,
        detector=result.id.detector,
        event=result.id.event,
        time_ns=result.time_ns,
        array=form.name,
        object=key,
        offset=offset,
        size=size,
        codec=codec,
        dtype=form.dtype,
        shape=form.shape,
        axes=form.axes,
        revision=result.revision,
        provenance=result.provenance,
        crc32c=crc,
        attrs=attributes_json(result.attrs),
    )


def attributes_json(attrs: Attributes) -> str:
    """Return the attributes as a manifest keeps them: compact JSON, empty when there are none."""
    return json.dumps(attrs, separators=(",", ":"), ensure_ascii=False, default=str) if attrs else ""


def _check(results: Sequence[Result]) -> None:
    if not results:
        raise ValueError("a chunk needs at least one result")
    first, layout = results[0], results[0].layout
    if not layout:
        raise BadInputError(f"frame {first.id}: a stored result needs at least one array", reason="no-array")
    for form in layout:
        check_name(form.name, "array")
        if form.name in RESERVED:
            raise BadInputError(
                f"array: {form.name!r} is one of {', '.join(RESERVED)}, which chunks use themselves; "
                f"accepted: any other name {NAME_PATTERN}",
                reason="reserved-array",
            )
        if np.dtype(form.dtype).kind not in "biufc":
            raise BadInputError(
                f"dtype of array {form.name!r}: {form.dtype!r} cannot be stored; "
                "accepted: booleans, integers, floats, complex numbers",
                reason="bad-dtype",
            )
    before = -1
    for result in results:
        if (result.id.run, result.id.detector) != (first.id.run, first.id.detector):
            raise ValueError(f"a chunk holds one run and detector: {first.id}, {result.id}")
        if not _alike(first, result) and result.layout != layout:
            raise ValueError(f"a chunk holds one layout: {layout} at {first.id}, not {result.layout}")
        if result.id.event <= before:
            raise ValueError(f"a chunk's events ascend: {result.id.event} follows {before}")
        before = result.id.event


def _alike(first: Result, other: Result) -> bool:
    """Whether two layouts are seen to be equal without building them: it is asked for every event."""
    return (
        first.axes == other.axes
        and list(first.arrays) == list(other.arrays)
        and all(
            array.dtype == again.dtype and array.shape == again.shape
            for array, again in zip(first.arrays.values(), other.arrays.values(), strict=True)
        )
    )
