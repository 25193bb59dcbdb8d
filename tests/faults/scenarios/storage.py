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

from fixtures.s3_gate import ACCESS_DENIED, INTERNAL_ERROR, SILENCE, SLOW_DOWN, Fault, Trouble, on

_RATE_HZ = 40.0
_EVENTS, _FIRST, _STEP = 800, 50, 50  # the source goes on while others are held


def _of_frames(trouble: Trouble, *methods: str) -> Fault:
    """Return the fault of requests for the frames that the source has stored."""
    return lambda method, path: trouble if method in methods and "/frames/" in path else None


def _of_chunks(trouble: Trouble) -> Fault:
    """Return the fault of all that an uploader asks for: the source and the workers go on."""
    return lambda _method, path: trouble if "/chunk-" in path or "/manifest/" in path else None


_ERRORS: tuple[tuple[str, Fault, str], ...] = (
    ("no answer to anybody", on(SILENCE), SIMULATOR),
    ("500 to those who fetch frames", _of_frames(INTERNAL_ERROR, "GET", "HEAD"), PREPROCESSOR),
    ("503 to the uploader", _of_chunks(SLOW_DOWN), UPLOADER),
    ("no answer to the uploader", _of_chunks(SILENCE), UPLOADER),
)
_DENIALS: tuple[tuple[str, Fault, str], ...] = (
    ("403 to PUT", on(ACCESS_DENIED, "PUT"), SIMULATOR),
    ("403 to anybody", on(ACCESS_DENIED), SIMULATOR),
    ("403 to the uploader", _of_chunks(ACCESS_DENIED), UPLOADER),
    ("403 to those who fetch frames", _of_frames(ACCESS_DENIED, "GET", "HEAD"), PREPROCESSOR),
)


def scenarios() -> list[Scenario]:
    """Errors and time-outs, and denials, each until those that it concerns say that they are held."""
    return [
        Scenario(
            name="S3 errors",
            what="S3 answers nothing to anybody, 500 to workers, 503 and nothing to the uploader",
            family="storage",
            plan=_plan,
            play=_errors,
        ),
        Scenario(
            name="S3 denies",
            what="a policy denies PUT, then everything, then the uploader, then the workers",
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


async def _in_trouble(fleet: Fleet, troubles: Sequence[tuple[str, Fault, str]], what: str) -> Checked:
    """Bring one trouble after another over a run; each lasts until it is seen to hold."""
    await fleet.whole()
    run = await ask_for_run(fleet, _EVENTS)
    for number, (name, fault, slot) in enumerate(troubles):
        await reached(fleet, run, _FIRST + number * _STEP, 60)
        fleet.gate.fault = fault
        fleet.tally.note(f"S3: {name}")
        await settled(fleet, lambda slot=slot: _is_held(fleet, slot, what), 60, f"{name}: {slot} is not held")
        during = await progress(fleet, run)
        if during.line.closes:
            raise FaultError(f"{name}: the run went on: {during.line.equation()}")
        fleet.gate.fault = None
    await complete(fleet, run, 90)
    for slot in {slot for _, _, slot in troubles}:
        if not await metric(fleet.service(slot), "cygnet_outages_total"):
            raise FaultError(f"{slot} has counted no outage")
        if held := await unready(fleet.service(slot)):
            raise FaultError(f"{slot} is not ready again: {held}")
    return await check_run(fleet, run, replayed(fleet.plan.frames, _EVENTS))


async def _is_held(fleet: Fleet, slot: str, what: str) -> bool:
    """Whether this service says that S3 holds it."""
    return what in await unready(fleet.service(slot))
