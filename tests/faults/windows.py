"""Changes the window in mid-run, and knows the bounds of each revision that a frame may have been given."""

import random

from tests.faults.fleet import Fleet
from tests.faults.frames import Bounds

from cygnet.transport.errors import NatsOutageError
from cygnet.transport.parameters import PARAMETERS_KEY

FIRST: Bounds = (0, 255)
_OTHERS: tuple[Bounds, ...] = ((20, 120), (60, 90), (0, 700), (100, 1300), (-50, 40))  # of bytes and of words


class Windows:
    """The one who sets this pipeline's parameters. `bounds`: by revision; 0 is the spec's."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._now = FIRST
        self.bounds: dict[int, Bounds] = {0: FIRST}

    async def change(self, chance: random.Random) -> None:
        """Set other bounds than those of now; returns when they are set, whatever NATS does meanwhile."""
        low, high = chance.choice([each for each in _OTHERS if each != self._now])
        document = {"window": {"min": low, "max": high}}
        while True:
            try:
                value = await self._fleet.values.get(PARAMETERS_KEY)
                if value is None or value.data != document:
                    await self._fleet.values.put(PARAMETERS_KEY, document)
                    continue  # and read it: an answer that is lost is no revision that is lost
            except NatsOutageError:
                continue
            self._now = self.bounds[value.revision] = (low, high)
            self._fleet.tally.note(f"window {low} to {high} set, revision {value.revision}")
            return
