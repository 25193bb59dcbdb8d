"""Somebody else's announcer: sound payloads, hostile ones, repeated ones, and now and then a deadly one."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.check import Expected
from tests.faults.fleet import Fleet
from tests.faults.frames import FrameFolder
from tests.faults.hostility import announcement, expired, hostile
from tests.faults.plan import BUCKET, FOREIGN
from tests.faults.waiting import FaultError

from cygnet.storage.bucket import connect
from cygnet.transport.names import intake_stream
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.stored import stored_message

POISON = "poison.png"
_HOSTILE, _AGAIN = 0.3, 0.2
_POISON_AT = 20


@dataclass(frozen=True, slots=True)
class Payload:
    """An announcement; `number` of the file that must be stored, or the `reasons` for which it is not."""

    body: bytes
    number: int = -1
    reasons: tuple[str, ...] = ()


class Announcer:
    """Announces to a literal subject until it is stopped. What INTAKE took, in its order, is what counts."""

    def __init__(
        self, fleet: Fleet, found: Sequence[Payload], poison: Payload, chance: random.Random
    ) -> None:
        self._fleet = fleet
        self._sound = [each for each in found if not each.reasons]
        self._bad = [each for each in found if each.reasons]
        self._poison = poison
        self._chance = chance
        self._by_body = {each.body: each for each in (*found, poison)}

    async def announce(self, rate_hz: float) -> None:
        """Publish at a rate, for ever; what NATS does not acknowledge is published again."""
        window = PublishWindow(self._fleet.nc)
        last: list[Payload] = []
        count = 0
        try:
            while True:
                payload = self._poison if count == _POISON_AT else self._next(last)
                last = [*last[-20:], payload]
                count += 1
                await window.publish(self._fleet.plan.foreign, payload.body)
                await asyncio.sleep(1 / rate_hz)
        finally:
            await window.close()

    def _next(self, last: Sequence[Payload]) -> Payload:
        draw = self._chance.random()
        if draw < _AGAIN and last and self._poison not in last:
            return self._chance.choice(last)
        return self._chance.choice(self._bad if draw < _AGAIN + _HOSTILE else self._sound)

    async def expected(self, run: str, events: int, frames: FrameFolder) -> Expected:
        """Return what must have become of the run: event n is message base + n of INTAKE."""
        value = await self._fleet.values.get(f"base.{run}.{FOREIGN}")
        base = int(value.data["base"]) if value else 1
        stream = intake_stream(self._fleet.plan.foreign)
        messages = [await stored_message(self._fleet.nc, stream, base + event) for event in range(events)]
        if None in messages:
            raise FaultError(f"{stream} has not kept what was announced")
        told = [self._by_body[bytes(message.data)] for message in messages if message is not None]
        dead = {event: payload.reasons for event, payload in enumerate(told) if payload.reasons}
        return Expected(
            detector=FOREIGN,
            stored=frozenset(range(events)) - dead.keys(),
            dead=frozenset(dead),
            reasons=dead,
            pixels=lambda event: frames.pixels(told[event].number),
        )


async def payloads(
    fleet: Fleet, frames: FrameFolder, host: str, closed: str
) -> tuple[list[Payload], Payload]:
    """Return what may be announced, and the one that ends its worker. Files go into the pipeline's S3 first.

    `host`: the origin of a bad host, `closed`: one where nobody listens. What costs seconds is left out.
    """
    bucket = connect(fleet.rig.s3.settings(BUCKET, endpoint=fleet.gate.endpoint))
    found = []
    for number, path in enumerate(frames.files):
        key = f"foreign/{path.name}"
        await bucket.put(key, path.read_bytes(), content_type="image/png")
        url = bucket.sign_get(key)
        found += [Payload(announcement(each), number) for each in (url, expired(url))]
    kinds = hostile(host, closed, fleet.gate.endpoint, bucket.sign_get)
    found += [Payload(kind.body, reasons=kind.reasons) for kind in kinds if not kind.is_slow]
    url = bucket.sign_get(f"foreign/{frames.files[0].name}")
    return found, Payload(announcement(url, filename=POISON), reasons=("killed-the-worker",))
