"""A run from the outside: who asked for it, whether it is to end, how far it is. In the key-value bucket."""

from dataclasses import dataclass
from typing import Any

from cygnet.model.identity import new_run_id
from cygnet.transport.values import ConflictError, Values

RUN_KEY = "control.run"
END_KEY = "control.end"
BEAM_KEY = "beam"
RUN, LATE, CURSOR, BASE = "run.", "late.", "cursor.", "base."
STATES = ("running", "ended", "complete", "removed")
SETTLED = ("complete", "removed")  # nothing of such a run is open


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The run that the source is asked for; `events` overrides the spec's number of events."""

    run: str
    events: int | None


def run_key(run: str) -> str:
    """Key of a run's state."""
    return f"{RUN}{run}"


def cursor_key(run: str, detector: str) -> str:
    """Key of how far a source has issued the events of a detector."""
    return f"{CURSOR}{run}.{detector}"


def base_key(run: str, detector: str) -> str:
    """Key of what a detector's events in a run are counted from: a start in time, or a bridge's sequence."""
    return f"{BASE}{run}.{detector}"


def late_key(run: str) -> str:
    """Key of what says that a run got a result late."""
    return f"{LATE}{run}"


async def requested_run(values: Values) -> RunRequest:
    """Return the run that is asked for; a pipeline that was asked for none asks itself for its first."""
    while True:
        value = await values.get(RUN_KEY)
        if value is not None:
            return RunRequest(value.data["run"], value.data.get("events"))
        try:
            await values.create(RUN_KEY, {"run": new_run_id(), "events": None})
        except ConflictError:
            continue


async def request_next_run(values: Values, after: str) -> None:
    """Ask for another run, unless someone already did since `after` was asked for."""
    value = await values.get(RUN_KEY)
    if value is None or value.data["run"] != after:
        return
    try:
        await values.update(RUN_KEY, {"run": new_run_id(), "events": None}, value.revision)
    except ConflictError:
        return


async def current_run(values: Values) -> RunRequest | None:
    """Return the run that is asked for now."""
    value = await values.get(RUN_KEY)
    return None if value is None else RunRequest(value.data["run"], value.data.get("events"))


async def ask_for_end(values: Values, run: str, *, last: bool, drained: bool = False) -> None:
    """Ask the source to end a run; `last`: and begin no other; `drained`: until the drain is taken back."""
    await values.put(END_KEY, {"run": run, "last": last, **({"drained": True} if drained else {})})


async def is_drained(values: Values, run: str) -> bool:
    """Return whether this run's end was asked for by a drain."""
    value = await values.get(END_KEY)
    return value is not None and value.data.get("run") == run and bool(value.data.get("drained"))


async def is_end_requested(values: Values, run: str) -> bool:
    """Return whether somebody asked for the end of this run."""
    value = await values.get(END_KEY)
    return value is not None and value.data.get("run") == run


async def is_last_run(values: Values, run: str) -> bool:
    """Return whether somebody asked that no other run follows this one."""
    value = await values.get(END_KEY)
    return value is not None and value.data.get("run") == run and bool(value.data.get("last"))


async def run_state(values: Values, run: str) -> str | None:
    """Return `running`, `ended`, `complete`, `removed`, or None for a run that nobody has begun."""
    value = await values.get(run_key(run))
    return None if value is None else str(value.data["state"])


async def set_run_state(values: Values, run: str, state: str, **details: Any) -> None:
    """Move a run on to `state`; it never goes back."""
    while True:
        value = await values.get(run_key(run))
        try:
            if value is None:
                await values.create(run_key(run), {"state": state, **details})
                return
            now = str(value.data["state"])
            document = {**value.data, **details, "state": max(now, state, key=STATES.index)}
            if document != value.data:
                await values.update(run_key(run), document, value.revision)
        except ConflictError:
            continue
        return


async def note_late(values: Values, run: str) -> int:
    """Write down that a run gets a result, complete or not: whoever takes over must (again) finish it."""
    return await values.put(late_key(run), {"run": run})


async def late_runs(values: Values) -> dict[str, int]:
    """Return the runs that `note_late` told of, each with the revision to forget it by."""
    found = {key: await values.get(key) for key in await values.keys(LATE)}
    return {key.removeprefix(LATE): value.revision for key, value in found.items() if value is not None}


async def forget_late(values: Values, run: str, revision: int) -> None:
    """The run is complete, with index and ledger; a result that was told of later still waits for its."""
    await values.delete(late_key(run), revision)


async def forget_attempts(values: Values, run: str) -> None:
    """Remove the attempts at a complete run's frames: each has its fate, and is not tried alone again.

    Workers remove their own, unless a killed NATS forgot how often it had delivered the frame.
    """
    for key in await values.keys(f"attempt.{run}."):
        await values.delete(key)
