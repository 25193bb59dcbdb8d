"""All scenarios, in the order in which they are played."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import crash, kill, outage, pressure, takeover


def all_scenarios(seeds: int, seed_seconds: float) -> list[Scenario]:
    """Return the scenarios; `seeds` random walks of `seed_seconds` each come last."""
    return [
        *crash.scenarios(),
        *kill.scenarios(),
        *outage.scenarios(),
        *takeover.scenarios(),
        *pressure.scenarios(),
    ]
