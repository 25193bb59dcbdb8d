"""S3 that answers and does not serve: errors, silence, a policy that denies. All of it is only held."""

from collections.abc import Sequence

from tests.faults.check import Checked, check_run, replayed
from tests.faults.fleet import PREPROCESSOR, SIMULATOR, UPLOADER, Fleet
from tests.faults.metrics import metric, unready
from tests.faults.plan import Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, progress, reached, settled
from tests.faults.scenario import Scenario
from tests.faults.waiting import FaultError

from fixtures.s3_gate import ACCESS_DENIED, INTERNAL_ERROR, SILENCE, SLOW_DOWN, Fault, on

_RATE_HZ = 40.0
_STEP = 100  # events between one trouble and the next
_ERRORS: tuple[tuple[str, Fault, Sequence[str]], ...] = (
    ("500 to GET", on(INTERNAL_ERROR, "GET", "HEAD"), (PREPROCESSOR,)),
    ("503 to PUT", on(SLOW_DOWN, "PUT"), (SIMULATOR, UPLOADER)),
    ("no answer", on(SILENCE), (SIMULATOR, UPLOADER)),
)
_DENIALS: tuple[tuple[str, Fault, Sequence[str]], ...] = (
    ("403 to PUT", on(ACCESS_DENIED, "PUT"), (SIMULATOR, UPLOADER)),
    ("403 to GET", on(ACCESS_DENIED, "GET", "HEAD"), (PREPROCESSOR,)),
    ("403 to all", on(ACCESS_DENIED), (SIMULATOR, UPLOADER)),
)


def scenarios() -> list[Scenario]:
    """Errors and time-outs, and denials, each until those that it concerns say that they are held."""
    return [
        Scenario(
            name="S3 errors",
            what="S3 answers 500 to GET, then 503 to PUT, then nothing; frames by reference",
            family="storage",
            plan=_plan,
            play=_errors,
        ),
        Scenario(
            name="S3 denies",
            what="a policy denies PUT, then GET, then all; frames by reference",
            family="storage",
            plan=_plan,
            play=_denials,
        ),
    ]


def _plan(rig: Rig) -> Plan:
    frames = rig.frames("small", count=17, half_window=12, broken={5}, is_mixed=True)
    return Plan(name="storage", frames=frames, rate_hz=_RATE_HZ, transport="reference", is_gated=True)


async def _errors(fleet: Fleet) -> Checked:
    return await _in_trouble(fleet, _ERRORS, "s3")


async def _denials(fleet: Fleet) -> Checked:
    checked = await _in_trouble(fleet, _DENIALS, "s3-denied")
    for slot in (SIMULATOR, PREPROCESSOR, UPLOADER):
        if "denied with 403" not in fleet.service(slot).log.read_text():
            raise FaultError(f"{slot} has not logged that it was denied")
    return checked


async def _in_trouble(
    fleet: Fleet, troubles: Sequence[tuple[str, Fault, Sequence[str]]], what: str
) -> Checked:
    """Bring one trouble after another over a run; each lasts until it is seen to hold."""
    await fleet.whole()
    events = (len(troubles) + 1) * _STEP
    run = await ask_for_run(fleet, events)
    for number, (name, fault, slots) in enumerate(troubles):
        await reached(fleet, run, number * _STEP + _STEP // 2, 60)
        fleet.gate.fault = fault
        fleet.tally.note(f"S3: {name}")
        await settled(
            fleet, lambda slots=slots: _are_held(fleet, slots, what), 60, f"{name}: not held: {slots}"
        )
        during = await progress(fleet, run)
        if during.line.closes:
            raise FaultError(f"{name}: the run went on: {during.line.equation()}")
        fleet.gate.fault = None
    await complete(fleet, run, 90)
    for slot in {slot for _, _, slots in troubles for slot in slots}:
        if not await metric(fleet.service(slot), "cygnet_outages_total"):
            raise FaultError(f"{slot} has counted no outage")
        if held := await unready(fleet.service(slot)):
            raise FaultError(f"{slot} is not ready again: {held}")
    return await check_run(fleet, run, replayed(fleet.plan.frames, events))


async def _are_held(fleet: Fleet, slots: Sequence[str], what: str) -> bool:
    """Whether each of these services says that S3 holds it."""
    return all([what in await unready(fleet.service(slot)) for slot in slots])
