"""Asking for a run, for its end, and how far it is: run control from the outside."""

from dataclasses import dataclass

from cygnet.model.identity import new_run_id
from cygnet.transport.runs import END_KEY, RUN_KEY, RunRequest, run_state
from cygnet.transport.values import ConflictError, Values

COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Asked:
    """The run that `up` works on, and whether it was left behind by an earlier one."""

    request: RunRequest
    goes_on: bool


async def ask_for_run(values: Values, events: int | None) -> Asked:
    """Ask for a new run of `events` (None: as the spec says), unless an unfinished one is there."""
    while True:
        value = await values.get(RUN_KEY)
        if value is not None and await run_state(values, value.data["run"]) in ("running", "ended"):
            return Asked(RunRequest(value.data["run"], value.data.get("events")), goes_on=True)
        request = RunRequest(new_run_id(), events)
        document = {"run": request.run, "events": request.events}
        try:
            if value is None:
                await values.create(RUN_KEY, document)
            else:
                await values.update(RUN_KEY, document, value.revision)
        except ConflictError:
            continue
        return Asked(request, goes_on=False)


async def current_run(values: Values) -> RunRequest | None:
    """Return the run that is asked for now."""
    value = await values.get(RUN_KEY)
    return None if value is None else RunRequest(value.data["run"], value.data.get("events"))


async def ask_for_end(values: Values, run: str, *, last: bool) -> None:
    """Ask the source to end a run; `last`: and to begin no other."""
    await values.put(END_KEY, {"run": run, "last": last})
