"""How large a result will be, known before the first frame where the spec says what frames are expected."""

import math
from collections.abc import Sequence

from cygnet.spec.rules import Cel, Rule
from cygnet.spec.sources import ExpectedFrame
from cygnet.spec.stages import Stage

_FRACTION_BYTES = 4
_PIXEL_BYTES = {"uint8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4, "float64": 8}
_LEAST_BYTES = 1

_CROPS = "self.preprocessor.stages.filter(stage, has(stage.crop))"
_WINDOWS = "self.preprocessor.stages.filter(stage, has(stage.window))"
_RESULT_BYTES = (
    f"(s.expect.shape.size() == 3 ? s.expect.shape[0] : 1) * ({_CROPS}.size() > 0"
    f" ? 4 * {_CROPS}[0].crop.halfWindow * {_CROPS}[0].crop.halfWindow"
    " : s.expect.shape[s.expect.shape.size() - 2] * s.expect.shape[s.expect.shape.size() - 1])"
    f" * ({_WINDOWS}.size() > 0 ? ({_WINDOWS}[0].window.output == 'fraction' ? {_FRACTION_BYTES} :"
    f" {_LEAST_BYTES}) : has(s.expect.dtype) ? {_PIXEL_BYTES}[s.expect.dtype] : {_LEAST_BYTES})"
)
"""`result_bytes` of a source `s`, in CEL."""
_FITS = (
    f"!has(s.expect.shape) || s.expect.shape.size() < 2 || 2 * {_RESULT_BYTES} <= self.aggregator.maxBytes"
)
_WORDS = (
    "no two results of %s fit into a chunk: each has %d bytes or more; accepted: maxBytes from %d, with"
    " streams.chunksBytes from %d, or chunkSize: 1"
)
NO_ROOM = Rule(
    _WORDS.replace("%s", "{name}")
    .replace("%d", "{size}", 1)
    .replace("%d", "{twice}", 1)
    .replace("%d", "{fourfold}", 1),
    "aggregator.maxBytes",
    Cel(
        holds=f"self.aggregator.chunkSize == 1 || self.sources.all(s, {_FITS})",
        words=f"self.sources.filter(s, !({_FITS})).map(s, '{_WORDS}'.format([s.name, {_RESULT_BYTES},"
        f" 2 * {_RESULT_BYTES}, 4 * {_RESULT_BYTES}]))[0]",
    ),
)


def result_bytes(expected: ExpectedFrame, stages: Sequence[Stage]) -> int:
    """Return the least that one result of the expected shape has in bytes; 0 when no shape is expected."""
    if expected.shape is None:
        return 0
    *panels, height, width = expected.shape
    crop = next((stage.crop for stage in stages if stage.crop), None)
    if crop:
        height = width = 2 * crop.half_window
    return math.prod((*panels, height, width)) * _pixel_bytes(expected, stages)


def _pixel_bytes(expected: ExpectedFrame, stages: Sequence[Stage]) -> int:
    window = next((stage.window for stage in stages if stage.window), None)
    if window and window.output == "fraction":
        return _FRACTION_BYTES
    if window:
        return _LEAST_BYTES  # bounds can change while a run is on
    return _PIXEL_BYTES[expected.dtype] if expected.dtype else _LEAST_BYTES
