"""Results in a message: an index in front, the arrays behind it, read back as views without a copy.

`size of index: uint32, little-endian | index: msgpack | arrays, each on a multiple of 16 bytes`. The index is
[runs, layouts, provenances, entries]; a layout is a list of [name, dtype, shape, axes], an entry
[run, event, time, layout, provenance, revision, offset, attrs].
"""

import math
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
import numpy as np

from cygnet.model.errors import BadInputError
from cygnet.model.identity import FrameId, check_event, check_name
from cygnet.model.result import Array, Layout, Result
from cygnet.transport._event_list import event_list
from cygnet.transport._frame_codec import decode_attributes, encode_attributes
from cygnet.transport._frame_form import MAX_ARRAY_BYTES, MAX_DIMENSIONS, check_time

RESULTS = "application/vnd.cygnet.results"
MAX_RESULTS = 65_536
_ALIGNMENT = 16
_LENGTH = struct.Struct("<I")
_PADDING = bytes(_ALIGNMENT)


class _ArrayForm(msgspec.Struct, array_like=True, frozen=True):
    name: str
    dtype: str
    shape: tuple[int, ...]
    axes: str


class _Entry(msgspec.Struct, array_like=True, gc=False):
    run: int
    event: int
    time_ns: int
    layout: int
    provenance: int
    revision: int
    offset: int
    attrs: bytes = b""


class _Index(msgspec.Struct, array_like=True):
    runs: list[str]
    layouts: list[tuple[_ArrayForm, ...]]
    provenances: list[str]
    entries: list[_Entry]


_encode = msgspec.msgpack.Encoder().encode
_decode_index = msgspec.msgpack.Decoder(_Index).decode


class _Plan:
    """How the arrays of one layout lie behind one another."""

    __slots__ = ("arrays", "axes", "size")

    def __init__(self, layout: tuple[_ArrayForm, ...]) -> None:
        self.arrays: list[tuple[str, np.dtype[np.generic], tuple[int, ...], int]] = []
        self.axes = {form.name: form.axes for form in layout}
        self.size = 0
        for form in layout:
            dtype, nbytes = _checked(form)
            self.arrays.append((form.name, dtype, form.shape, self.size))
            self.size = _aligned(self.size + nbytes)
        if len(self.axes) != len(layout):
            raise BadInputError("results: two arrays of one name", reason="bad-layout")


def encode_results(results: Sequence[Result]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of the message that carries results of one detector, of any runs."""
    if not 1 <= len(results) <= MAX_RESULTS:
        raise ValueError(f"{len(results)} results in a message; accepted: 1 to {MAX_RESULTS}")
    detector = results[0].id.detector
    runs: dict[str, int] = {}
    layouts: dict[Layout, int] = {}
    provenances: dict[str, int] = {}
    entries: list[tuple[object, ...]] = []
    pieces: list[bytes | memoryview] = []
    offset = 0
    for result in results:
        if result.id.detector != detector:
            raise ValueError(f"a message of {detector}'s results cannot hold {result.id}")
        entries.append(
            (
                runs.setdefault(result.id.run, len(runs)),
                result.id.event,
                result.time_ns,
                layouts.setdefault(result.layout, len(layouts)),
                provenances.setdefault(result.provenance, len(provenances)),
                result.revision,
                offset,
                encode_attributes(result.attrs) if result.attrs else b"",
            )
        )
        for array in result.arrays.values():
            pieces.append(_bytes_of(array))
            padding = -array.nbytes % _ALIGNMENT
            if padding:
                pieces.append(_PADDING[:padding])
            offset += array.nbytes + padding
    forms = [[(f.name, f.dtype, f.shape, f.axes) for f in layout] for layout in layouts]
    index = _encode((list(runs), forms, list(provenances), entries))
    front = _LENGTH.size + len(index)
    headers = {
        "Cygnet-Detector": detector,
        "Content-Type": RESULTS,
        "Cygnet-Count": str(len(results)),
        **event_list(result.id for result in results),
    }
    return headers, b"".join((_LENGTH.pack(len(index)), index, _PADDING[: -front % _ALIGNMENT], *pieces))


def decode_results(headers: Mapping[str, str] | None, body: bytes | memoryview) -> list[Result]:
    """Return the results of a message; their arrays are read-only views of `body`.

    Raises BadInputError for anything that `encode_results` does not write.
    """
    known = headers or {}
    if known.get("Content-Type") != RESULTS:
        text = str(known.get("Content-Type"))[:80]
        raise BadInputError(f"Content-Type: {text!r}; accepted: {RESULTS}", reason="unknown-content-type")
    detector = check_name(known.get("Cygnet-Detector", ""), "Cygnet-Detector")
    try:
        return _decode(detector, memoryview(body).toreadonly())
    except (msgspec.MsgspecError, IndexError, RecursionError, struct.error, UnicodeDecodeError) as error:
        raise BadInputError(f"results: unreadable: {error}", reason="bad-results") from error


def _decode(detector: str, view: memoryview) -> list[Result]:
    end = _LENGTH.size + _LENGTH.unpack_from(view)[0]
    if end > len(view):
        raise BadInputError(f"results: cut short at {len(view)} of {end} bytes", reason="bad-results")
    index = _decode_index(view[_LENGTH.size : end])
    runs = [check_name(run, "run") for run in index.runs]
    plans = [_plan(layout) for layout in index.layouts]
    data = _aligned(end)
    results = []
    for entry in index.entries:
        if min(entry.run, entry.layout, entry.provenance, entry.offset) < 0:
            raise BadInputError("results: negative place in an entry", reason="bad-results")
        plan = plans[entry.layout]
        begin = data + entry.offset
        if begin + plan.size > _aligned(len(view)):
            raise BadInputError(
                f"results: arrays end at {begin + plan.size} of {len(view)} bytes", reason="size-mismatch"
            )
        results.append(
            Result(
                id=FrameId(runs[entry.run], detector, check_event(entry.event)),
                time_ns=check_time(entry.time_ns),
                arrays=_views(plan, view, begin),
                axes=plan.axes,
                revision=entry.revision,
                provenance=index.provenances[entry.provenance],
                attrs=decode_attributes(entry.attrs) if entry.attrs else {},
            )
        )
    return results


def _views(plan: _Plan, view: memoryview, begin: int) -> dict[str, Array]:
    try:
        return {
            name: np.ndarray(shape, dtype, view, begin + offset) for name, dtype, shape, offset in plan.arrays
        }
    except (TypeError, ValueError) as error:
        raise BadInputError(f"results: {error}", reason="size-mismatch") from error


@lru_cache(maxsize=256)
def _plan(layout: tuple[_ArrayForm, ...]) -> _Plan:
    return _Plan(layout)


def _checked(form: _ArrayForm) -> tuple[np.dtype[np.generic], int]:
    try:
        dtype: np.dtype[np.generic] = np.dtype(form.dtype)
    except (TypeError, ValueError, SyntaxError) as error:
        raise BadInputError(f"dtype: {form.dtype[:80]!r}; accepted: numpy's", reason="bad-dtype") from error
    if dtype.kind not in "buifcmM" or dtype.names or dtype.subdtype:
        raise BadInputError(f"dtype: {form.dtype[:80]!r}; accepted: numbers and times", reason="bad-dtype")
    if len(form.shape) > MAX_DIMENSIONS or min(form.shape, default=0) < 0:
        raise BadInputError(f"shape: {form.shape[:16]}; accepted: whole numbers from 0", reason="bad-shape")
    nbytes = dtype.itemsize * math.prod(form.shape)
    if nbytes > MAX_ARRAY_BYTES:
        raise BadInputError(f"shape: {form.shape}; accepted: {MAX_ARRAY_BYTES} bytes", reason="bad-shape")
    return dtype, nbytes


def _bytes_of(array: Array) -> bytes | memoryview:
    if array.nbytes == 0:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
