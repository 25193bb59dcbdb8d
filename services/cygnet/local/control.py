"""Asking for a run: a new one, or the one that an earlier `up` left unfinished."""

from dataclasses import dataclass

from cygnet.model.identity import new_run_id
from cygnet.transport.runs import RUN_KEY, RunRequest, cursor_key, run_state
from cygnet.transport.values import ConflictError, Values

COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Asked:
    """The run that `up` works on, and whether it was left behind by an earlier one."""

    request: RunRequest
    goes_on: bool
    state: str | None = None
    """How far the run that was there is: `running`, or `ended` when its source has issued all."""


async def ask_for_run(values: Values, events: int | None) -> Asked:
    """Ask for a new run of `events` (None: as the spec says), unless an unfinished one is there.

    An unfinished one that still runs gets the new limit, but none below what it has issued: those events
    are in the stream, and the run must own them.
    """
    while True:
        value = await values.get(RUN_KEY)
        state = await run_state(values, value.data["run"]) if value else None
        goes_on = state in ("running", "ended")
        if value and goes_on:
            run, limit = str(value.data["run"]), value.data.get("events")
            if events is None or state == "ended":
                return Asked(RunRequest(run, limit), goes_on=True, state=state)
            request = RunRequest(run, max(events, await _issued(values, run)))
        else:
            request = RunRequest(new_run_id(), events)
        document = {"run": request.run, "events": request.events}
        try:
            if value is None:
                await values.create(RUN_KEY, document)
            else:
                await values.update(RUN_KEY, document, value.revision)
        except ConflictError:
            continue
        return Asked(request, goes_on=goes_on, state=state)


async def _issued(values: Values, run: str) -> int:
    """Return the numbers that the detector which is furthest has issued, or may have."""
    cursors = [await values.get(key) for key in await values.keys(cursor_key(run, ""))]
    return max((max(int(c.data["next"]), int(c.data.get("reserved", 0))) for c in cursors if c), default=0)
