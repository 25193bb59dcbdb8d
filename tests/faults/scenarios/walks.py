"""Random walks: one scenario a seed."""

import asyncio
import random
from dataclasses import replace
from functools import partial

from tests.faults.announcer import POISON, Announcer, payloads
from tests.faults.bad_host import open_bad_host
from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import SLOTS, Fleet
from tests.faults.hostility import images
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, reached
from tests.faults.scenario import Scenario
from tests.faults.walk import Walk
from tests.faults.windows import FIRST, Windows

_RATE_HZ = 20.0  # of each of two detectors
_SUBJECT = "faults/walk"
_WALKED = 0.7  # of the time; the rest is for healing
_ANNOUNCED = 0.5  # of the time: a source that was held does not make up for it
_COMPLETE_SECONDS = 120.0


def scenarios(seeds: int, seconds: float) -> list[Scenario]:
    """One for each seed from 1 on."""
    return [
        Scenario(
            name=f"walk {seed}",
            what=f"seed {seed}: kills, outages, refusals, full streams, hostility, repeats for {seconds:g} s",
            family=f"walk {seed}",
            plan=partial(_plan, seed),
            play=partial(_play, seed=seed, seconds=seconds),
        )
        for seed in range(1, seeds + 1)
    ]


def _plan(seed: int, rig: Rig) -> Plan:
    host, closed = (f"http://127.0.0.1:{port}" for port in rig.spare_ports)
    return Plan(
        name=f"walk-{seed}",
        frames=rig.frames("walked", count=17, half_window=None, broken={5}, is_mixed=True),
        rate_hz=_RATE_HZ,
        transport="reference" if seed % 2 else "auto",
        format="hdf5" if seed % 4 in (2, 3) else "npz",
        window=FIRST,
        foreign=_SUBJECT,
        poison=POISON,
        is_gated=True,
        max_deliver=2,
        preprocessor={
            "urlAllowList": [host, closed],
            "imageLimits": {"maxBytes": 1 << 20, "maxPixels": 1 << 20},
            "fetchTimeoutSeconds": 5,
        },
    )


async def _play(fleet: Fleet, *, seed: int, seconds: float) -> Checked:
    await fleet.whole()
    chance = random.Random(seed)
    events = int(_RATE_HZ * _ANNOUNCED * seconds)
    foreign = fleet.rig.frames("walked-foreign", count=20, half_window=None, rows=32, columns=32)
    host, closed = (f"http://127.0.0.1:{port}" for port in fleet.rig.spare_ports)
    windows = Windows(fleet)
    async with open_bad_host([image.body for image in images()], fleet.rig.spare_ports[0]):
        announcer = Announcer(fleet, *await payloads(fleet, foreign, host, closed), random.Random(seed))
        run = await ask_for_run(fleet, events)
        await reached(fleet, run, 1, 30)
        announcing = asyncio.create_task(announcer.announce(1.5 * _RATE_HZ))
        try:
            walk = Walk(fleet, chance, windows)
            await walk.wander(_WALKED * seconds)
            fleet.check_alive()
            await fleet.ready(*SLOTS)
            await complete(fleet, run, _COMPLETE_SECONDS)
        finally:
            announcing.cancel()
            await asyncio.gather(announcing, return_exceptions=True)
    expected = [
        replayed(fleet.plan.frames, events, windows=windows.bounds),
        replace(await announcer.expected(run, events, foreign), windows=windows.bounds),
    ]
    letters = not walk.letters_left
    return await check_run(fleet, run, *(replace(each, letters=letters) for each in expected))
