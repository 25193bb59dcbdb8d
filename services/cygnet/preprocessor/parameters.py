"""Parameters that can change while a run is on: one snapshot a batch, and it never goes back."""

import asyncio
import contextlib
import hashlib
import json
import math
import time
from dataclasses import dataclass
from typing import Any

from cygnet import __version__
from cygnet.model.errors import BadInputError
from cygnet.runtime.logging import Log
from cygnet.spec.stages import Window
from cygnet.spec.workers import Preprocessor
from cygnet.transport.parameters import (
    PARAMETERS_KEY,
    WindowBounds,
    check_window,
    last_good,
    note_good,
    provenance_value,
)
from cygnet.transport.values import ConflictError, Values

_LOOK_SECONDS = 0.5
_MOST_LEVELS = 65535


def check_parameters(document: Any, view: Window) -> WindowBounds | None:
    """Return the bounds that a parameter document sets for a window stage, None if it sets none."""
    if not isinstance(document, dict):
        raise BadInputError(
            f"params: {document!r}; accepted: an object such as {{window: {{min: 80, max: 120}}}}"
        )
    if "window" not in document:
        return None
    bounds = check_window(document["window"])
    if view.output == "levels":
        span = bounds.max - bounds.min
        if not (bounds.min.is_integer() and bounds.max.is_integer() and span <= _MOST_LEVELS):
            raise BadInputError(
                f"params.window: {document['window']!r}; accepted for levels: whole numbers,"
                f" at most {_MOST_LEVELS} apart"
            )
    return bounds


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parameters that a batch of frames is processed with, and where they are written down."""

    revision: int
    window: WindowBounds | None
    provenance: str


class Parameters:
    """Reads the parameter document twice a second; stores each provenance document before its first use."""

    def __init__(self, values: Values, spec: Preprocessor, log: Log) -> None:
        self._values = values
        self._spec = spec
        self._snapshot: Snapshot | None = None
        self._looked = -math.inf
        self._looking = asyncio.Lock()
        self._log = log
        self.problem: str | None = None

    async def snapshot(self) -> Snapshot:
        """Return the newest parameters; a bad document changes nothing, is logged and kept in `problem`.

        Who asks while they are being read waits for them: a later batch never has older parameters.
        """
        async with self._looking:
            known = self._snapshot
            if known is not None and time.monotonic() - self._looked < _LOOK_SECONDS:
                return known
            revision, bounds = await self._read()
            if known is None or (revision > known.revision and bounds != known.window):
                known = Snapshot(revision, bounds, await self._write_down(revision, bounds))
            self._snapshot = known
            self._looked = time.monotonic()
            return known

    async def _read(self) -> tuple[int, WindowBounds | None]:
        """Return revision and bounds; where no good ones are set, those that were used last.

        Revision 0, which replaces no other, are the spec's.
        """
        view = self._spec.window
        if view is None:
            return 0, None
        value = await self._values.get(PARAMETERS_KEY)
        if value is not None:
            try:
                bounds = check_parameters(value.data, view)
            except BadInputError as error:
                if self.problem != str(error):
                    self._log.error("parameters refused", revision=value.revision, error=str(error))
                self.problem = str(error)
            else:
                self.problem = None
                if bounds:
                    return value.revision, bounds
        return await self._last_good(view)

    async def _last_good(self, view: Window) -> tuple[int, WindowBounds | None]:
        """Return what a worker before this one used: one that starts anew must not go back either."""
        from_spec = (0, WindowBounds(view.min, view.max))
        if self._snapshot is not None:
            return from_spec
        revision, document = await last_good(self._values)
        try:
            bounds = check_parameters(document, view) if revision else None
        except BadInputError:  # the spec's window is of another kind now
            return from_spec
        return (revision, bounds) if bounds else from_spec

    async def _write_down(self, revision: int, bounds: WindowBounds | None) -> str:
        document = provenance(self._spec, revision, bounds)
        body = json.dumps(document, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(body.encode()).hexdigest()
        with contextlib.suppress(ConflictError):  # it is there: the same document has the same name
            await self._values.create(provenance_value(digest), document)
        if revision and bounds:
            await note_good(self._values, revision, {"window": {"min": bounds.min, "max": bounds.max}})
        return digest


def provenance(spec: Preprocessor, revision: int, bounds: WindowBounds | None) -> dict[str, Any]:
    """Return the document of what is done to a frame: parameters, revision, version, stages, scale.

    The stages are those of the spec with the bounds in force. A pixel that is not clipped has
    `offset + factor * stored` counts; `scale` is None where underflow is kept, which no scale undoes.
    """
    window = {"min": bounds.min, "max": bounds.max} if bounds else {}
    stages = [stage.model_dump(exclude_none=True) for stage in spec.stages]
    for stage in stages:
        if "window" in stage:
            stage["window"] |= window
    return {
        "software": {"name": "cygnet", "version": __version__},
        "stages": stages,
        "revision": revision,
        "parameters": {"window": window} if bounds else {},
        "scale": _scale(spec.window, bounds),
    }


def _scale(view: Window | None, bounds: WindowBounds | None) -> dict[str, float] | None:
    if view is None or bounds is None:
        return {"offset": 0.0, "factor": 1.0}
    if view.legacy_underflow:
        return None
    return {"offset": bounds.min, "factor": 1.0 if view.output == "levels" else bounds.max - bounds.min}
