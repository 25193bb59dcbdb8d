"""Live parameters: what they may be, and that only a changed spec undoes what a person has set."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cygnet.model.errors import BadInputError
from cygnet.transport.values import Values

PARAMETERS_KEY = "params"
_FROM_SPEC_KEY = "params.spec"  # what the spec said when it was last followed
_LARGEST = 2.0**32  # no detector counts further
Window = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WindowBounds:
    """Counts that become 0 and 1."""

    min: float
    max: float

    def as_written(self) -> tuple[float, float]:
        """Return the bounds, whole numbers as int: an integer image then keeps its unsigned arithmetic."""
        low, high = (int(bound) if bound == int(bound) else bound for bound in (self.min, self.max))
        return low, high


def check_window(document: Any, field: str = "params.window") -> WindowBounds:
    """Return the bounds in a parameter document; raise BadInputError naming field, value and accepted."""
    if not isinstance(document, dict) or set(document) != {"min", "max"}:
        raise BadInputError(f"{field}: {document!r}; accepted: {{min: a number, max: a number}}")
    for name, bound in document.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            wrong = "is no number"
        elif not abs(bound) <= _LARGEST:
            wrong = "is out of range" if abs(bound) < math.inf else "is not finite"
        else:
            continue
        raise BadInputError(f"{field}.{name}: {bound!r} {wrong}; accepted: a number between -2^32 and 2^32")
    if not document["min"] < document["max"]:
        raise BadInputError(f"{field}.min: {document['min']!r}; accepted: below max, {document['max']!r}")
    return WindowBounds(float(document["min"]), float(document["max"]))


async def follow_spec(values: Values, window: Window | None) -> bool:
    """Write the spec's window as the parameters if the spec says something new; return whether it did."""
    wanted = {} if window is None else {"window": dict(window)}
    seen = await values.get(_FROM_SPEC_KEY)
    if seen is not None and seen.data == wanted:
        return False
    is_first = seen is None and await values.get(PARAMETERS_KEY) is None
    if not is_first:
        await values.put(PARAMETERS_KEY, wanted)
    await values.put(_FROM_SPEC_KEY, wanted)
    return not is_first
