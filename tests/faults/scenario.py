"""A scenario: one thing that is done to a running pipeline, after which every promise must hold."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.check import Checked
from tests.faults.fleet import Fleet
from tests.faults.plan import Plan
from tests.faults.rig import Rig

Play = Callable[[Fleet], Awaitable[Checked]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`plan` gives the pipeline; those that follow each other with one name share its services.

    Scenarios of one `family` whose pipelines differ are played side by side, if they leave the servers alone.
    """

    name: str
    what: str
    family: str
    plan: Callable[[Rig], Plan]
    play: Play
    leaves_servers_alone: bool = False
