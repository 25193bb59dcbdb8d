"""What a scenario did: how many processes it killed and started, and each action with its time."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts and log of one scenario."""

    kills: int = 0
    starts: int = 0
    began: float = field(default_factory=time.monotonic)
    actions: list[str] = field(default_factory=list)

    def killed(self, what: str) -> None:
        """Count a process that was killed."""
        self.kills += 1
        self.note(f"{what} killed")

    def started(self, what: str) -> None:
        """Count a process that was started."""
        self.starts += 1
        self.note(f"{what} started")

    def note(self, action: str) -> None:
        """Write an action down."""
        self.actions.append(f"{self.seconds:7.2f} s  {action}")

    @property
    def seconds(self) -> float:
        """Time since the scenario began."""
        return time.monotonic() - self.began
