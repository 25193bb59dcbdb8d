"""Two aggregators at once: one works, the other waits, and a takeover while the old one still lives."""

import asyncio
from typing import Any

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import AGGREGATOR, Fleet
from tests.faults.plan import DETECTOR, Plan
from tests.faults.rig import Rig
from tests.faults.runs import account_of, ask_for_run, complete, reached, settled
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

from cygnet.model.account import Epoch
from cygnet.transport.account import read_account
from cygnet.transport.streams import subjects

_SECOND = "aggregator-1"
_EVENTS, _RATE_HZ = 600, 40.0
_TAKE_SECONDS = 30.0


def scenarios() -> list[Scenario]:
    """A second aggregator that waits, and one that takes over while the first is frozen in mid-commit."""
    return [
        Scenario(
            name="two aggregators",
            what="a second one waits; the first is killed, the second takes over",
            family="takeover",
            plan=_plan,
            play=_killed,
        ),
        Scenario(
            name="takeover alive",
            what="the first is frozen between slices and commit past its lease, overtaken, thawed",
            family="takeover",
            plan=_plan,
            play=_frozen,
        ),
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("square", count=11, half_window=None, rows=256, columns=256)
    return Plan(name="takeover", frames=frames, rate_hz=_RATE_HZ, chunk_events=50)


async def _killed(fleet: Fleet) -> Checked:
    run = await _begin(fleet)
    epoch = (await _lease(fleet))["epoch"]
    await reached(fleet, run, _EVENTS // 4, 60)
    if (await _lease(fleet))["epoch"] != epoch:
        raise FaultError("the second aggregator did not wait")
    await fleet.kill(AGGREGATOR)
    await _taken_over(fleet, _SECOND)
    fleet.start(AGGREGATOR)
    await complete(fleet, run, 90)
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))


async def _frozen(fleet: Fleet) -> Checked:
    run = await _begin(fleet)
    old = fleet.service(AGGREGATOR)
    while True:
        await _slices_wait(fleet)
        old.freeze()
        if await _undecided(fleet, run):
            break
        old.thaw()
    fleet.tally.note(f"{AGGREGATOR} frozen between slices and commit")
    await _taken_over(fleet, _SECOND)
    await _fenced(fleet, run)
    old.thaw()
    fleet.tally.note(f"{AGGREGATOR} thawed")
    await complete(fleet, run, 90)
    if "overtaken" not in old.log.read_text():
        raise FaultError(f"{AGGREGATOR} went on without noticing that it was overtaken")
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))


async def _begin(fleet: Fleet) -> str:
    """Have the first aggregator hold the lease, the second one wait, and a run under way."""
    await fleet.whole()
    await _taken_over(fleet, AGGREGATOR)
    fleet.start(_SECOND)
    await fleet.ready(_SECOND)
    run = await ask_for_run(fleet, _EVENTS)
    await reached(fleet, run, 50, 40)
    return run


async def _lease(fleet: Fleet) -> dict[str, Any]:
    value = await fleet.values.get("lease.aggregator")
    if value is None:
        raise FaultError("nobody holds the aggregator's lease")
    document: dict[str, Any] = value.data
    return document


async def _taken_over(fleet: Fleet, slot: str) -> None:
    async def holds() -> bool:
        value = await fleet.values.get("lease.aggregator")
        return value is not None and value.data["holder"]["id"] == slot and not value.data["released"]

    await settled(fleet, holds, _TAKE_SECONDS, f"{slot} does not hold the aggregator's lease")
    fleet.tally.note(f"{slot} holds the lease")


async def _fenced(fleet: Fleet, run: str) -> None:
    """Return once the new epoch stands in the run's account."""
    epoch = (await _lease(fleet))["epoch"]

    async def there() -> bool:
        records = await read_account(fleet.nc, fleet.names, run)
        return any(isinstance(record, Epoch) and record.epoch == epoch for _, record in records)

    await settled(fleet, there, _TAKE_SECONDS, f"epoch {epoch} does not stand in the account")


async def _slices_wait(fleet: Fleet) -> None:
    """Return as soon as there are slices: their commit may be a few milliseconds away."""
    async with asyncio.timeout(_TAKE_SECONDS):
        while not (await fleet.queues())["CHUNKS"].messages:
            fleet.check_alive()


async def _undecided(fleet: Fleet, run: str) -> bool:
    """Whether there are slices that no commit speaks of."""
    pattern = fleet.names.chunk_subject(run, DETECTOR, "*", "*")
    attempts = {
        subject.rpartition(".")[2] for subject in await subjects(fleet.nc, fleet.names.chunks, pattern)
    }
    account = await account_of(fleet, run)
    return bool(attempts - {commit.attempt for commit in account.detector(DETECTOR).commits.values()})
