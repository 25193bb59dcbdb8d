"""Plays scenarios one after another, and side by side where they may, and makes a row of each."""

import asyncio
import itertools
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tests.faults.check import Checked
from tests.faults.fleet import Fleet, open_fleet
from tests.faults.rig import Rig, open_rig
from tests.faults.scenario import Scenario
from tests.faults.service import tail
from tests.faults.table import Row
from tests.faults.tally import Tally
from tests.faults.waiting import FaultError

SCENARIO_SECONDS = 240.0  # far above what any takes: a suite that hangs says nothing


async def play_all(scenarios: Sequence[Scenario]) -> list[Row]:
    """Play all and return their rows. Each family has servers of its own."""
    rows: list[Row] = []
    for _, family in groupby(scenarios, lambda scenario: scenario.family):
        async with open_rig() as rig:
            rows += await _play_family(rig, list(family))
    return rows


async def _play_family(rig: Rig, scenarios: Sequence[Scenario]) -> list[Row]:
    lanes: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        lane = scenario.plan(rig).name if scenario.leaves_servers_alone else ""
        lanes.setdefault(lane, []).append(scenario)
    played = await asyncio.gather(*(_play_in_turn(rig, lane) for lane in lanes.values()))
    rows = {row.scenario: row for lane in played for row in lane}
    return [rows[scenario.name] for scenario in scenarios]


async def _play_in_turn(rig: Rig, scenarios: Sequence[Scenario]) -> list[Row]:
    """Play scenarios in turn; the services stay while the pipeline is the same and nothing went wrong."""
    rows: list[Row] = []
    for _, same in groupby(scenarios, lambda scenario: scenario.plan(rig).name):
        left = list(same)
        for attempt in itertools.count(1):
            if not left:
                break
            plan = left[0].plan(rig)
            if attempt > 1:  # what went wrong left its mess in the streams: take new ones
                plan = replace(plan, name=f"{plan.name}-{attempt}")
            try:
                async with open_fleet(rig, plan) as fleet:
                    while left and not (rows and rows[-1].why and rows[-1].pipeline == plan.name):
                        rows.append(await _play(fleet, left.pop(0)))
            except Exception:  # the servers can't be used: the others still have their rows
                rows += [_not_played(scenario, traceback.format_exc()) for scenario in left]
                left.clear()
    return rows


async def _play(fleet: Fleet, scenario: Scenario) -> Row:
    fleet.tally = Tally()
    checked, why = Checked(), ""
    try:
        async with asyncio.timeout(SCENARIO_SECONDS):
            checked = await scenario.play(fleet)
        fleet.check_alive()
    except FaultError as error:
        why = str(error)
    except TimeoutError:
        why = f"not over after {SCENARIO_SECONDS:g} s"
    except Exception:
        why = traceback.format_exc()
    tally = fleet.tally
    row = Row(
        scenario=scenario.name,
        pipeline=fleet.plan.name,
        what=scenario.what,
        kills=tally.kills,
        starts=tally.starts,
        seconds=tally.seconds,
        checked=checked,
        why=why,
    )
    _say(row, fleet)
    return row


def _not_played(scenario: Scenario, why: str) -> Row:
    print(f"{scenario.name}: not played\n{why}", file=sys.stderr, flush=True)
    return Row(scenario=scenario.name, what=scenario.what, kills=0, starts=0, seconds=0.0, why=why)


def _say(row: Row, fleet: Fleet) -> None:
    """Tell of each scenario as it ends, and of one that failed everything that is known."""
    print(f"{row.scenario}: {row.verdict} in {row.seconds:.1f} s", file=sys.stderr, flush=True)
    if row.why:
        actions = "\n".join(fleet.tally.actions)
        servers = (
            f"--- S3\n{tail(fleet.rig.s3.log)}\n--- nats-server\n{tail(fleet.rig.nats.folder / 'nats.log')}"
        )
        print(f"{row.why}\n{actions}\n{fleet.logs()}\n{servers}", file=sys.stderr, flush=True)
