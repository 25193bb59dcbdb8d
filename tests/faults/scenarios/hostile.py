"""A thousand hostile payloads among a thousand good ones, from somebody else's announcer."""

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.bad_host import open_bad_host
from tests.faults.check import Checked, Expected, check_run
from tests.faults.fleet import Fleet
from tests.faults.frames import FrameFolder
from tests.faults.hostility import announcement, expired, hostile, images, mixed
from tests.faults.plan import BUCKET, FOREIGN_FORM, Plan
from tests.faults.rig import Rig
from tests.faults.runs import ask_for_run, complete, settled
from tests.faults.scenario import Scenario

from cygnet.storage.bucket import Bucket, connect
from cygnet.transport.runs import run_state

_GOOD, _HOSTILE, _SLOW = 1000, 1000, 4
_SUBJECT = "faults/announce"
_BURST = 100


@dataclass(frozen=True, slots=True)
class _Payload:
    """What is announced; `number` of the file that must be stored, or the `reasons` for which it is not."""

    body: bytes
    number: int = -1
    reasons: tuple[str, ...] = ()


def scenarios() -> list[Scenario]:
    """One run of both."""
    return [
        Scenario(
            name="hostile payloads",
            what=f"{_HOSTILE} hostile payloads among {_GOOD} good ones on a literal subject",
            family="hostile",
            plan=_plan,
            play=_play,
        )
    ]


def _plan(rig: Rig) -> Plan:
    host, closed = (f"http://127.0.0.1:{port}" for port in rig.spare_ports)
    return Plan(
        name="hostile",
        frames=rig.frames("foreign", count=40, half_window=None, rows=32, columns=32),
        source={
            "announcements": {"subjects": [_SUBJECT]},
            "expect": FOREIGN_FORM,
        },
        preprocessor={
            "urlAllowList": [host, closed],
            "imageLimits": {"maxBytes": 1 << 20, "maxPixels": 1 << 20},
            "fetchTimeoutSeconds": 2,
        },
        max_deliver=2,
        chunk_events=100,
        dead_mib=16,
    )


async def _play(fleet: Fleet) -> Checked:
    await fleet.whole()
    bodies = [image.body for image in images()]
    files = [path.read_bytes() for path in fleet.plan.frames.files]
    async with open_bad_host([*bodies, *files], fleet.rig.spare_ports[0]) as host:
        bucket = connect(fleet.rig.s3.settings(BUCKET))
        good = await _good(fleet.plan.frames, bucket, host.origin, len(bodies))
        closed = f"http://127.0.0.1:{fleet.rig.spare_ports[1]}"
        kinds = hostile(host.origin, closed, fleet.rig.s3.endpoint, bucket.sign_get)
        bad = [_Payload(kind.body, reasons=kind.reasons) for kind in mixed(kinds, _HOSTILE, _SLOW)]
        payloads = [*good, *bad]
        random.Random(1).shuffle(payloads)
        run = await ask_for_run(fleet, len(payloads))
        await settled(fleet, lambda: _listens(fleet, run), 30, "the bridge does not listen")
        await _announce(fleet, payloads)
        await complete(fleet, run, 150)
    return await check_run(fleet, run, _expected(fleet.plan.frames, payloads))


async def _good(frames: FrameFolder, bucket: Bucket, host: str, first: int) -> list[_Payload]:
    """Return sound announcements: of our own S3, with valid and with expired URLs, and of another host."""
    urls = []
    for number, path in enumerate(frames.files):
        key = f"foreign/{path.name}"
        await bucket.put(key, path.read_bytes(), content_type="image/png")
        urls += [(number, bucket.sign_get(key)), (number, expired(bucket.sign_get(key)))]
        urls += [(number, f"{host}/image/{first + number}")]
    chosen = itertools.islice(itertools.cycle(urls), _GOOD)
    return [_Payload(announcement(url), number) for number, url in chosen]


async def _listens(fleet: Fleet, run: str) -> bool:
    return await run_state(fleet.values, run) == "running"


async def _announce(fleet: Fleet, payloads: Sequence[_Payload]) -> None:
    """Publish as announcers do: core NATS, no answer awaited."""
    for number, payload in enumerate(payloads):
        await fleet.nc.publish(_SUBJECT, payload.body)
        if number % _BURST == 0:
            await fleet.nc.flush()
    await fleet.nc.flush()
    fleet.tally.note(f"{len(payloads)} payloads announced")


def _expected(frames: FrameFolder, payloads: Sequence[_Payload]) -> Expected:
    dead = {event: payload.reasons for event, payload in enumerate(payloads) if payload.reasons}
    stored = frozenset(range(len(payloads))) - dead.keys()
    if Counter(map(bool, dead.values()))[True] != _HOSTILE or len(stored) != _GOOD:
        raise ValueError("the mixture is not what it should be")
    return Expected(
        stored=stored,
        dead=frozenset(dead),
        reasons=dead,
        pixels=lambda event: frames.pixels(payloads[event].number),
    )
