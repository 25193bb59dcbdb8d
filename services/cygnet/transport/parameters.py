"""Live parameters: what they may be, and that only a changed spec undoes what a person has set."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cygnet.model.errors import BadInputError
from cygnet.transport.values import ConflictError, Value, Values

PARAMETERS_KEY = "params"
_FROM_SPEC_KEY = "params.spec"  # what the spec said when it was last followed, and what it was to replace
_GOOD_KEY = "params.good"  # the newest ones that a worker has used
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


def provenance_value(sha256: str) -> str:
    """Key of a provenance document."""
    return f"provenance.{sha256}"


async def follow_spec(values: Values, window: Window | None) -> bool:
    """Write the spec's window as the parameters if the spec says something new; return whether it did.

    It replaces only what was there when the new spec was first seen: what a person sets after that stays,
    also if we are killed in between. Where what the spec said before is written in a form that we don't know,
    nobody can tell whether it says something new: what is there stays.
    """
    wanted = {} if window is None else {"window": dict(window)}
    while True:
        seen, now = await values.get(_FROM_SPEC_KEY), await values.get(PARAMETERS_KEY)
        revision = now.revision if now else 0
        known = _followed(seen)
        if known is None or known["wanted"] != wanted:
            is_first = seen is None and now is None  # then the workers take it from the spec itself
            is_unknown = seen is not None and known is None
            document = {"wanted": wanted, "replaces": None if is_first or is_unknown else revision}
            try:
                await values.update(_FROM_SPEC_KEY, document, seen.revision if seen else 0)
            except ConflictError:
                continue
        elif known["replaces"] != revision:
            return False
        else:
            document = known
        if document["replaces"] is None:
            return False
        try:
            await values.update(PARAMETERS_KEY, wanted, revision)
        except ConflictError:
            return False
        return True


def _followed(seen: Value | None) -> dict[str, Any] | None:
    """Return what is written of the spec that was followed, None where it is not as we write it."""
    data = seen.data if seen else None
    return data if isinstance(data, dict) and {"wanted", "replaces"} <= data.keys() else None


async def set_by_hand(values: Values, window: Window) -> tuple[int, Any] | None:
    """Return revision and window of parameters that differ from the spec's window, None where none do."""
    now = await values.get(PARAMETERS_KEY)
    there = now.data.get("window") if now and isinstance(now.data, dict) else None
    return (now.revision, there) if now and there is not None and there != dict(window) else None


async def note_good(values: Values, revision: int, document: Any) -> None:
    """Write down parameters that a worker is about to use, unless another has used newer ones."""
    while True:
        last = await values.get(_GOOD_KEY)
        if last is not None and last.data["revision"] >= revision:
            return
        good = {"revision": revision, "document": document}
        try:
            await values.update(_GOOD_KEY, good, last.revision if last else 0)
        except ConflictError:
            continue
        return


async def last_good(values: Values) -> tuple[int, Any]:
    """Return revision and document of the newest parameters that were used; (0, None) if none were."""
    last = await values.get(_GOOD_KEY)
    return (last.data["revision"], last.data["document"]) if last else (0, None)
