"""All scenarios, in the order in which they are played."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import again, crash, hostile, kill, outage, poison, pressure, takeover, walks


def all_scenarios(seeds: int, seed_seconds: float) -> list[Scenario]:
    """Return the scenarios; `seeds` random walks of `seed_seconds` each come last."""
    return [
        *crash.scenarios(),
        *kill.scenarios(),
        *outage.scenarios(),
        *takeover.scenarios(),
        *pressure.scenarios(),
        *hostile.scenarios(),
        *again.scenarios(),
        *poison.scenarios(),
        *walks.scenarios(seeds, seed_seconds),
    ]
