"""A random walk over all that can go wrong, several things at once; a seed gives the same walk again."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

from tests.faults.again import publish_again, waiting_frames
from tests.faults.announcer import POISON
from tests.faults.fleet import AGGREGATOR, PREPROCESSOR, SLOTS, UPLOADER, Fleet
from tests.faults.squeeze import squeeze
from tests.faults.waiting import FaultError
from tests.faults.windows import Windows

from cygnet.runtime.crash import CRASH_POINTS
from cygnet.transport.errors import NatsOutageError
from cygnet.transport.stored import StoredMessage
from fixtures.s3_gate import ACCESS_DENIED, INTERNAL_ERROR, SILENCE, SLOW_DOWN, on

_SECOND = {"preprocessor-1": PREPROCESSOR, "uploader-1": UPLOADER, "aggregator-1": AGGREGATOR}
_LEASE_SECONDS = 13.0
_MOST_KEPT = 200
Action = Callable[[], Awaitable[None]]


class Walk:
    """Takes random steps until its time is over, then heals everything."""

    def __init__(self, fleet: Fleet, chance: random.Random, windows: Windows) -> None:
        self._fleet = fleet
        self._random = chance
        self._windows = windows
        self._frames: list[StoredMessage] = []
        self.letters_left = False
        """Whether DEAD was so full that its oldest letters have left."""
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
            (2, self._full),
            (1, self._dead_full),
            (2, self._s3_in_trouble),
            (1, self._s3_denies),
            (2, self._again),
            (3, self._change_window),
        ]

    async def wander(self, seconds: float) -> None:
        """Take steps for so long; each ends with what it broke running again."""
        self._fleet.revives = True
        weights, actions = zip(*self._steps, strict=True)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            [action] = self._random.choices(actions, weights)
            await action()
            await self._keep_frames()
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

    async def _full(self) -> None:
        """Let a stream take nothing more for a while; services that start meanwhile make it whole."""
        names = self._fleet.names
        with contextlib.suppress(NatsOutageError):
            await squeeze(self._fleet, self._random.choice((names.frames, names.results, names.chunks)))
        await self._idle(1.0, 5.0)
        await self._make_whole()

    async def _dead_full(self) -> None:
        """Let the older half of the dead letters leave."""
        with contextlib.suppress(NatsOutageError):
            await squeeze(self._fleet, self._fleet.names.dead, share=0.5)
        self.letters_left = True
        await self._idle(0.0, 2.0)
        await self._make_whole()

    async def _make_whole(self) -> None:
        while True:
            with contextlib.suppress(NatsOutageError):
                await self._fleet.make_streams()
                return

    async def _s3_in_trouble(self) -> None:
        """Have S3 answer with errors, or not at all, to all or to some."""
        trouble = self._random.choice((INTERNAL_ERROR, SLOW_DOWN, SILENCE))
        methods = self._random.choice(((), ("PUT",), ("GET", "HEAD")))
        self._fleet.gate.fault = on(trouble, *methods)
        self._fleet.tally.note(f"S3 answers {trouble.status} to {methods or 'all'}")
        await self._idle(0.5, 5.0)
        self._fleet.gate.fault = None

    async def _s3_denies(self) -> None:
        methods = self._random.choice(((), ("PUT",)))
        self._fleet.gate.fault = on(ACCESS_DENIED, *methods)
        self._fleet.tally.note(f"S3 denies {methods or 'all'}")
        await self._idle(0.5, 5.0)
        self._fleet.gate.fault = None

    async def _again(self) -> None:
        """Publish frames of before again, now and then to a server that has forgotten that it had them."""
        if self._random.random() < 0.5:
            await self._kill_nats()
        await publish_again(self._fleet, self._random.sample(self._frames, min(20, len(self._frames))))

    async def _change_window(self) -> None:
        await self._windows.change(self._random)

    # --- between ----------------------------------------------------------------------------------

    async def _keep_frames(self) -> None:
        """Keep some of what waits in FRAMES, to publish it again; not what ends its worker each time."""
        with contextlib.suppress(NatsOutageError):
            found = await waiting_frames(self._fleet, 10)
            harmless = [message for message in found if POISON.encode() not in message.data]
            self._frames = [*self._frames, *harmless][-_MOST_KEPT:]

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
