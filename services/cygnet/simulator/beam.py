"""Says whether there is beam: what the operator and the local supervisor do not scale to zero in."""

from collections.abc import Iterable

from cygnet.runtime.context import Context
from cygnet.runtime.metrics import BEAM_ACTIVE
from cygnet.transport.runs import BEAM_KEY


class Beam:
    """The beam of one run: on while any of its detectors says so. Written when it changes."""

    def __init__(self, context: Context, run: str, detectors: Iterable[str]) -> None:
        self._context = context
        self._run = run
        self._on = set(detectors)

    async def begin(self) -> None:
        """Write that there is beam: a run begins with it."""
        await self._write()

    async def report(self, detector: str, *, on: bool) -> None:
        """Take note of one detector's beam."""
        before = bool(self._on)
        if on:
            self._on.add(detector)
        else:
            self._on.discard(detector)
        if bool(self._on) != before:
            await self._write()

    async def _write(self) -> None:
        active = bool(self._on)
        document = {"active": active, "run": self._run}
        await self._context.patiently(lambda: self._context.values.put(BEAM_KEY, document))
        BEAM_ACTIVE.set(active)
