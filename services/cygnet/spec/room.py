"""How large a result will be, known before the first frame where the spec says what frames are expected."""

import math
from collections.abc import Sequence

from cygnet.spec.sources import ExpectedFrame
from cygnet.spec.stages import Stage

_FRACTION_BYTES = 4
_PIXEL_BYTES = {"uint8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4, "float64": 8}
_LEAST_BYTES = 1


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
