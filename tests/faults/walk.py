"""A random walk over all that can go wrong, several things at once; a seed gives the same walk again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from tests.faults.fleet import AGGREGATOR, PREPROCESSOR, SLOTS, UPLOADER, Fleet
from tests.faults.waiting import FaultError

from cygnet.runtime.crash import CRASH_POINTS

_SECOND = {"preprocessor-1": PREPROCESSOR, "uploader-1": UPLOADER, "aggregator-1": AGGREGATOR}
_LEASE_SECONDS = 13.0
Action = Callable[[], Awaitable[None]]


class Walk:
    """Takes random steps until its time is over, then heals everything."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._random = random.Random(seed)
        self._steps: list[tuple[float, Action]] = [
            (4, self._kill_one),
            (2, self._kill_two),
            (2, self._arm),
            (2, self._stop_in_order),
            (2, self._kill_nats),
            (1, self._freeze_nats),
            (1, self._kill_s3),
            (1, self._freeze_s3),
            (2, self._second),
            (1, self._freeze_aggregator),
            (1, self._uploader_away),
        ]

    async def wander(self, seconds: float) -> None:
        """Take steps for so long; each ends with what it broke running again."""
        self._fleet.revives = True
        weights, actions = zip(*self._steps, strict=True)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            [action] = self._random.choices(actions, weights)
            await action()
            await self._idle(0.2, 2.0)
        for slot in _SECOND:
            if self._fleet.service(slot).is_alive:
                await self._fleet.stop(slot)

    # --- steps ------------------------------------------------------------------------------------

    async def _kill_one(self) -> None:
        slot = self._any()
        await self._fleet.kill(slot)
        await self._idle(0.0, 1.5)
        self._fleet.start(slot)

    async def _kill_two(self) -> None:
        slots = self._random.sample(SLOTS, 2)
        await self._fleet.kill(*slots)
        await self._idle(0.0, 1.0)
        self._fleet.start(*slots)

    async def _arm(self) -> None:
        """Have a service die at one of its crash points, whenever it comes there."""
        slot = self._any()
        point = self._random.choice(CRASH_POINTS[self._fleet.service(slot).name])
        passage = self._random.randint(1, 5)
        await self._fleet.kill(slot)
        self._fleet.start(slot, crash_at=f"{point}:{passage}")

    async def _stop_in_order(self) -> None:
        slot = self._any()
        await self._fleet.stop(slot)
        await self._idle(0.0, 1.0)
        self._fleet.start(slot)

    async def _kill_nats(self) -> None:
        await self._fleet.kill_nats()
        await self._idle(0.0, 3.0)
        await self._fleet.start_nats()

    async def _freeze_nats(self) -> None:
        self._fleet.rig.nats.pause()
        self._fleet.tally.note("nats-server frozen")
        await self._idle(0.5, 4.0)
        self._fleet.rig.nats.resume()
        self._fleet.tally.note("nats-server thawed")

    async def _kill_s3(self) -> None:
        await self._fleet.kill_s3()
        await self._idle(0.5, 6.0)
        await self._fleet.start_s3()

    async def _freeze_s3(self) -> None:
        self._fleet.rig.s3.freeze()
        self._fleet.tally.note("S3 frozen")
        await self._idle(0.5, 7.0)
        self._fleet.rig.s3.thaw()
        self._fleet.tally.note("S3 thawed")

    async def _second(self) -> None:
        """Let a second service of a kind come, or go."""
        slot = self._random.choice(tuple(_SECOND))
        if not self._fleet.service(slot).is_alive:
            self._fleet.start(slot)
        elif self._random.random() < 0.5:
            await self._fleet.kill(slot)
        else:
            await self._fleet.stop(slot)

    async def _freeze_aggregator(self) -> None:
        """Freeze an aggregator, now and then past its lease while another one waits for it."""
        slots = [slot for slot in (AGGREGATOR, "aggregator-1") if self._fleet.service(slot).is_alive]
        if not slots:
            return
        slot = self._random.choice(slots)
        past_lease = len(slots) == 2 and self._random.random() < 0.5
        service = self._fleet.service(slot)
        service.freeze()
        self._fleet.tally.note(f"{slot} frozen")
        await asyncio.sleep(_LEASE_SECONDS if past_lease else self._random.uniform(0.1, 4.0))
        service.thaw()
        self._fleet.tally.note(f"{slot} thawed")

    async def _uploader_away(self) -> None:
        await self._fleet.kill(UPLOADER)
        await self._idle(2.0, 6.0)
        self._fleet.start(UPLOADER)

    # --- between ----------------------------------------------------------------------------------

    def _any(self) -> str:
        """Return a slot whose service lives: one that has just died by itself is started first."""
        self._fleet.check_alive()
        slot = self._random.choice(SLOTS)
        if not self._fleet.service(slot).is_alive:
            raise FaultError(f"{slot} does not run")
        return slot

    async def _idle(self, least: float, most: float) -> None:
        """Let things happen for a random time."""
        until = time.monotonic() + self._random.uniform(least, most)
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.2))
            self._fleet.check_alive()
