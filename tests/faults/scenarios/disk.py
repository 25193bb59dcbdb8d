"""A disk that is full for real, under `cygnet up`: it says so, holds what it has, goes on with room."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import yaml
from tests.faults.check import Checked, check_folder, replayed
from tests.faults.fleet import Fleet
from tests.faults.plan import BUCKET, Plan
from tests.faults.rig import Rig
from tests.faults.scenario import Scenario
from tests.faults.small_up import SmallUp
from tests.faults.waiting import FaultError, until

from fixtures.small_disk import small_disk

_EVENTS, _RATE_HZ = 600, 60.0  # of 64 KiB
_WHOLE_BYTES = 512 << 20
_LEFT_BYTES = 1 << 20
_CALLED = {"nats": "nats-server", "s3": "S3"}
_NO_SPACE = "no space left on device"


def scenarios() -> list[Scenario]:
    """Room is made while it runs, or between two starts."""
    return [
        Scenario(
            name="disk full, room made",
            what="nats-server of `cygnet up` gets no space until room is made",
            family="disk",
            plan=partial(_plan, "made-nats"),
            leaves_servers_alone=True,
            play=partial(_made, server="nats"),
        ),
        Scenario(
            name="disk full, Ctrl-C",
            what="the same, the run ended by Ctrl-C while there is no space",
            family="disk",
            plan=partial(_plan, "interrupted"),
            leaves_servers_alone=True,
            play=_interrupted,
        ),
        Scenario(
            name="disk full for S3",
            what="S3 of `cygnet up` gets no space until room is made; NATS lies elsewhere",
            family="disk",
            plan=partial(_plan, "made-s3"),
            leaves_servers_alone=True,
            play=partial(_made, server="s3"),
        ),
        Scenario(
            name="disk full, restart",
            what="the same, `up` stopped, refused with the disk full, started with more room",
            family="disk",
            plan=partial(_plan, "restart"),
            leaves_servers_alone=True,
            play=_restarted,
        ),
    ]


def _plan(name: str, rig: Rig) -> Plan:
    frames = rig.frames("square", count=11, half_window=None, rows=256, columns=256)
    return Plan(name=f"disk-{name}", frames=frames, rate_hz=_RATE_HZ, chunk_events=20)


async def _made(fleet: Fleet, *, server: str) -> Checked:
    async with _full_up(fleet, server) as up:
        up.disk.resize(_WHOLE_BYTES)
        fleet.tally.note("room made")
        return await _ends_well(fleet, up)


async def _interrupted(fleet: Fleet) -> Checked:
    async with _full_up(fleet, "nats") as up:
        up.interrupt()
        fleet.tally.note("Ctrl-C")
        up.disk.resize(_WHOLE_BYTES)
        return await _ends_well(fleet, up)


async def _restarted(fleet: Fleet) -> Checked:
    async with _full_up(fleet, "nats") as up:
        code = await asyncio.to_thread(up.stop)
        runs = up.last("closes").get("runs", {})
        trouble = runs.get(fleet.plan.name, {}).get("trouble", "")
        if code != 1 or "is full" not in trouble:
            raise FaultError(f"`up` was stopped on a full disk: code {code}, {trouble!r}, {up.complaints}")
        up.start()
        await _sees(up, lambda: up.exit_code is not None, "`up` starts on a full disk")
        wanted = ("nats-server needs", "MiB in", "free some space", "--data")
        if up.exit_code != 1 or not all(word in up.complaints for word in wanted):
            raise FaultError(f"refused with code {up.exit_code}: {up.complaints}")
        fleet.tally.note(up.complaints.strip())
        up.disk.resize(_WHOLE_BYTES)
        up.start()
        return await _ends_well(fleet, up)


@asynccontextmanager
async def _full_up(fleet: Fleet, server: str) -> AsyncIterator[SmallUp]:
    """Give a `cygnet up` in mid-run of which a server has been refused space, and which says so."""
    place = fleet.folder / "disk"
    spec = fleet.folder / "up.yaml"
    document = fleet.plan.document()
    document["spec"]["local"] = {server: {"listen": "127.0.0.1:0"} for server in ("nats", "s3")}
    spec.write_text(yaml.safe_dump(document))
    with small_disk(place, _WHOLE_BYTES) as disk, contextlib.ExitStack() as stack:
        elsewhere = ("--nats", fleet.rig.nats.url) if server == "s3" else ()
        up = SmallUp(disk, spec, _EVENTS, *elsewhere)
        stack.callback(up.stop)
        up.start()
        fleet.tally.started("`cygnet up`")
        await _sees(up, lambda: _stored(up) >= _EVENTS // 10, "nothing is stored yet")
        disk.fill(_LEFT_BYTES)
        fleet.tally.note(f"{_LEFT_BYTES} bytes left")
        await _sees(up, lambda: _NO_SPACE in up.log(server), f"{server} still finds space")
        await _sees(up, lambda: "is full" in _trouble(up), "the table does not say that the disk is full")
        trouble = _trouble(up)
        fleet.tally.note(trouble)
        for word in (str(disk.path / "data" / server), f"{_CALLED[server]} needs", "free some space"):
            if word not in trouble:
                raise FaultError(f"it does not say {word!r}: {trouble}")
        yield up


async def _ends_well(fleet: Fleet, up: SmallUp) -> Checked:
    await _sees(up, lambda: up.exit_code is not None, "the run does not end")
    if up.exit_code != 0 or not up.last("closes").get("closes"):
        raise FaultError(f"`up` ended with {up.exit_code}: {up.last('closes')} {up.complaints}")
    run = up.last("closes")["runs"][fleet.plan.name]["run"]
    events = sum(line["announced"] for line in up.last("closes")["runs"][fleet.plan.name]["ledger"])
    left = fleet.folder / f"left-{run}"
    shutil.copytree(up.data / "s3" / BUCKET, left)
    return check_folder(left, fleet.plan.name, run, replayed(fleet.plan.frames, events))


async def _sees(up: SmallUp, condition: Callable[[], bool], what: str) -> None:
    async def holds() -> bool:
        if condition():
            return True
        if up.exit_code is not None and not condition():
            raise FaultError(f"{what}, and `up` ended with code {up.exit_code}: {up.complaints}")
        return False

    async def missing() -> str:
        logs = [f"--- {name}\n{up.log(name)[-600:]}" for name in ("nats", "s3")]
        return "\n".join([what, str(up.last("counts")), up.complaints, *logs])

    await until(holds, 90, missing)


def _stored(up: SmallUp) -> int:
    stored: int = up.last("counts").get("counts", {}).get("stored", 0)
    return stored


def _trouble(up: SmallUp) -> str:
    trouble: str = up.last("trouble").get("trouble", "")
    return trouble
