"""Parameters that can change while a run is on: one snapshot a batch, and it never goes back."""

import hashlib
import json
import math
import time
from dataclasses import dataclass
from typing import Any

from cygnet import __version__
from cygnet.model.errors import BadInputError
from cygnet.spec.pipeline import Preprocessor
from cygnet.transport.values import ConflictError, Values

PARAMETERS_KEY = "params"
_LOOK_SECONDS = 0.5


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
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
            raise BadInputError(f"{field}.{name}: {bound!r} is not a number; accepted: a finite number")
    if not document["min"] < document["max"]:
        raise BadInputError(f"{field}.min: {document['min']!r}; accepted: below max, {document['max']!r}")
    return WindowBounds(float(document["min"]), float(document["max"]))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parameters that a batch of frames is processed with, and where they are written down."""

    revision: int
    window: WindowBounds | None
    provenance: str


class Parameters:
    """Reads the parameter document twice a second; stores each provenance document before its first use."""

    def __init__(self, values: Values, spec: Preprocessor) -> None:
        self._values = values
        self._spec = spec
        self._snapshot: Snapshot | None = None
        self._looked = -math.inf
        self.problem: str | None = None

    async def snapshot(self) -> Snapshot:
        """Return the newest parameters; a bad document changes nothing and is named in `problem`."""
        now = time.monotonic()
        if self._snapshot is not None and now - self._looked < _LOOK_SECONDS:
            return self._snapshot
        self._looked = now
        revision, bounds = await self._read()
        known = self._snapshot
        if known is None or (revision > known.revision and bounds != known.window):
            self._snapshot = Snapshot(revision, bounds, await self._write_down(revision, bounds))
        return self._snapshot or Snapshot(revision, bounds, "")

    async def _read(self) -> tuple[int, WindowBounds | None]:
        view = self._spec.window
        if view is None:
            return 0, None
        value = await self._values.get(PARAMETERS_KEY)
        if value is None or "window" not in value.data:
            return 0, WindowBounds(view.min, view.max)
        try:
            bounds = check_window(value.data["window"])
            if view.output == "levels" and not (bounds.min.is_integer() and bounds.max.is_integer()):
                raise BadInputError(
                    f"params.window: {value.data['window']!r}; accepted: whole numbers for levels"
                )
        except BadInputError as error:
            self.problem = str(error)
            return (
                (self._snapshot.revision, self._snapshot.window)
                if self._snapshot
                else (
                    0,
                    WindowBounds(view.min, view.max),
                )
            )
        self.problem = None
        return value.revision, bounds

    async def _write_down(self, revision: int, bounds: WindowBounds | None) -> str:
        document = provenance(self._spec, revision, bounds)
        body = json.dumps(document, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(body.encode()).hexdigest()
        try:
            await self._values.create(f"provenance.{digest}", document)
        except ConflictError:
            return digest  # it is there: the same document has the same name
        return digest


def provenance(spec: Preprocessor, revision: int, bounds: WindowBounds | None) -> dict[str, Any]:
    """Return the document of what is done to a frame: parameters, revision, version, stages."""
    return {
        "software": {"name": "cygnet", "version": __version__},
        "stages": [stage.model_dump(exclude_none=True) for stage in spec.stages],
        "revision": revision,
        "parameters": {"window": {"min": bounds.min, "max": bounds.max}} if bounds else {},
    }
