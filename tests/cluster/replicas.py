"""The replicas of a Deployment over time, as a watch tells of them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from cluster.kubectl import Kubectl, until

_LINE = 'jsonpath={.spec.replicas},{.status.readyReplicas}{"\\n"}'


@dataclass(slots=True)
class Replicas:
    """What was told so far: time (UTC, seconds), replicas asked for, replicas ready."""

    told: list[tuple[float, int, int]] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """Replicas that are asked for now."""
        return self.told[-1][1]

    @property
    def ready(self) -> int:
        """Replicas that are ready now."""
        return self.told[-1][2]

    @property
    def steps(self) -> list[tuple[int, int]]:
        """Every change of the replicas asked for: from, to."""
        asked = [each for _, each, _ in self.told]
        return [(before, after) for before, after in pairwise(asked) if before != after]

    @property
    def first_asked(self) -> float | None:
        """When a replica was asked for first."""
        return next((moment for moment, asked, _ in self.told if asked), None)

    @property
    def first_ready(self) -> float | None:
        """When a replica was ready first."""
        return next((moment for moment, _, ready in self.told if ready), None)


@contextmanager
def followed(kubectl: Kubectl, deployment: str) -> Iterator[Replicas]:
    """Give the replicas of a Deployment, which is there, for as long as the block lasts."""
    replicas = Replicas()

    process = kubectl.started("get", "deployment", deployment, "--watch", f"--output={_LINE}")

    def follow() -> None:
        for line in process.stdout or ():
            asked, _, ready = line.strip().partition(",")
            replicas.told.append((time.time(), int(asked or 0), int(ready or 0)))

    thread = threading.Thread(target=follow, daemon=True)
    with process:
        thread.start()
        try:
            until(f"the replicas of {deployment} are told", lambda: bool(replicas.told), 30)
            yield replicas
        finally:
            process.terminate()
            thread.join(10)
