"""All scenarios, in the order in which they are played."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    again,
    crash,
    disk,
    hostile,
    kill,
    outage,
    parameters,
    poison,
    pressure,
    storage,
    takeover,
    walks,
)


def all_scenarios(seeds: int, seed_seconds: float) -> list[Scenario]:
    """Return the scenarios; `seeds` random walks of `seed_seconds` each come last."""
    return [
        *crash.scenarios(),
        *kill.scenarios(),
        *outage.scenarios(),
        *storage.scenarios(),
        *disk.scenarios(),
        *takeover.scenarios(),
        *pressure.scenarios(),
        *parameters.scenarios(),
        *hostile.scenarios(),
        *again.scenarios(),
        *poison.scenarios(),
        *walks.scenarios(seeds, seed_seconds),
    ]
