"""Asking for a run, and waiting until it is complete, with words for how far it has come."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.fleet import Fleet
from tests.faults.plan import DETECTOR
from tests.faults.waiting import until

from cygnet.model.identity import new_run_id
from cygnet.model.ledger import Ledger, RunAccount, fold, ledger, total
from cygnet.transport.account import read_account
from cygnet.transport.runs import RUN_KEY, run_state


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: its next event, and its ledger."""

    announced: int
    line: Ledger


async def ask_for_run(fleet: Fleet, events: int) -> str:
    """Ask the source for a new run of `events` and return its id."""
    run = new_run_id()
    await fleet.values.put(RUN_KEY, {"run": run, "events": events})
    fleet.tally.note(f"run {run} of {events} events asked for")
    return run


async def account_of(fleet: Fleet, run: str) -> RunAccount:
    """Return the run's account as the stream has it now."""
    return fold(run, (record for _, record in await read_account(fleet.nc, fleet.names, run)))


async def cursor_of(fleet: Fleet, run: str) -> int:
    """Return the next event of the run: all before it are in FRAMES or beyond."""
    value = await fleet.values.get(f"cursor.{run}.{DETECTOR}")
    return int(value.data["next"]) if value else 0


async def held_seconds(fleet: Fleet, run: str) -> float:
    """Return for how long back-pressure has held the source of this run."""
    value = await fleet.values.get(f"cursor.{run}.{DETECTOR}")
    return float(value.data.get("held_seconds", 0.0)) if value else 0.0


async def progress(fleet: Fleet, run: str) -> Progress:
    """Return how far a run is."""
    announced = await cursor_of(fleet, run)
    return Progress(announced, total(ledger(await account_of(fleet, run), {DETECTOR: announced}), run))


async def reached(fleet: Fleet, run: str, event: int, seconds: float) -> None:
    """Return once the source has published everything before `event`."""

    async def there() -> bool:
        fleet.check_alive()
        return await cursor_of(fleet, run) >= event

    await until(there, seconds, lambda: _missing(fleet, run, f"event {event} is not yet announced"))


async def stored(fleet: Fleet, run: str, events: int, seconds: float) -> None:
    """Return once so many events of the run are in the bucket."""

    async def there() -> bool:
        fleet.check_alive()
        return (await progress(fleet, run)).line.stored >= events

    await until(there, seconds, lambda: _missing(fleet, run, f"{events} events are not yet stored"))


async def complete(fleet: Fleet, run: str, seconds: float) -> None:
    """Return once the run is complete and nothing is left of it in the streams."""

    async def is_complete() -> bool:
        fleet.check_alive()
        return await run_state(fleet.values, run) == "complete"

    async def are_empty() -> bool:
        fleet.check_alive()
        return not any(state.messages for state in (await fleet.queues()).values())

    await until(is_complete, seconds, lambda: _missing(fleet, run, f"run {run} is not complete"))
    await until(are_empty, 30, lambda: _missing(fleet, run, "the run is complete and streams hold messages"))


async def settled(fleet: Fleet, condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Return once a condition of a scenario holds, while no service ends by itself."""

    async def holds() -> bool:
        fleet.check_alive()
        return await condition()

    await until(holds, seconds, what)


async def _missing(fleet: Fleet, run: str, what: str) -> str:
    state = await run_state(fleet.values, run)
    now = await progress(fleet, run)
    account = await account_of(fleet, run)
    waiting = [c.chunk for each in account.detectors.values() for c in each.waiting_commits()]
    queues = ", ".join(f"{name} {state.messages}" for name, state in (await fleet.queues()).items())
    return (
        f"{what}: state {state}, cursor {now.announced}, {now.line.equation()}; "
        f"commits not stored: {waiting or 'none'}; {queues}"
    )
