"""The processes of all pipelines: started, watched, started again when they die, ended in order."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cygnet.local.launcher import Handle, Launcher
from cygnet.local.plan import Seen, Slot, plan, quick_deaths_after, wanted_slots

_MOST_SAID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A process that ended without being asked to."""

    slot: Slot
    code: int
    why: str
    """What it said last; of one that we killed, why we did."""

    def __str__(self) -> str:
        how = f"killed by signal {-self.code}" if self.code < 0 else f"exit code {self.code}"
        return f"{self.slot}: {how}" + (f": {self.why}" if self.why else "")


@dataclass(slots=True)
class _Member:
    handle: Handle
    since: float
    alive: bool = True
    stopping_since: float | None = None
    quick_deaths: int = 0
    hung: str = ""
    """Why we killed it, if we did."""


class Fleet:
    """Keeps as many processes of each service as are wanted."""

    def __init__(
        self,
        launcher: Launcher,
        specs: Mapping[str, Path],
        env: Mapping[str, Mapping[str, str]],
        grace_seconds: float,
        on_death: Callable[[Death], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`specs` and `env` are by pipeline."""
        self._launcher = launcher
        self._specs = specs
        self._env = env
        self._grace = grace_seconds
        self._on_death = on_death
        self._clock = clock
        self._members: dict[Slot, _Member] = {}
        self.replicas: dict[tuple[str, str], int] = {}
        """How many of each (pipeline, service) there should be; whoever decides writes here."""
        self.restarts: dict[tuple[str, str], int] = {}
        self.ending = False

    def turn(self) -> None:
        """Notice who died, then do what is due. Cheap; to be called several times a second."""
        self._notice()
        now = self._clock()
        wanted = wanted_slots(self.replicas, self.ending, self.alive())
        for step in plan(wanted, self._seen(), now, self._grace):
            match step.what:
                case "start":
                    self._start(step.slot, now)
                case "stop":
                    self._members[step.slot].stopping_since = now
                    self._members[step.slot].handle.stop()
                case "kill":
                    self._members[step.slot].handle.kill()
                case "forget":
                    del self._members[step.slot]

    def alive(self) -> Collection[Slot]:
        """Return the slots whose process lives."""
        return [slot for slot, member in self._members.items() if member.alive]

    def count(self, pipeline: str, service: str) -> int:
        """Return how many processes of a service live and are not ending."""
        return sum(
            member.alive and member.stopping_since is None
            for slot, member in self._members.items()
            if (slot.pipeline, slot.service) == (pipeline, service)
        )

    def addresses(self) -> dict[Slot, str]:
        """Return where each living process serves its health and metrics."""
        found = {slot: member.handle.address() for slot, member in self._members.items() if member.alive}
        return {slot: address for slot, address in found.items() if address}

    def wanted(self) -> list[str]:
        """Return the slots that should be filled, as they are written."""
        return [str(slot) for slot in sorted(wanted_slots(self.replicas, self.ending, self.alive()))]

    def end_hung(self, slot: Slot, why: str) -> None:
        """Kill a process that hangs, for it can't be asked; `turn` starts it again."""
        member = self._members.get(slot)
        if member and member.alive and member.stopping_since is None:
            member.hung = f"it was hung ({why}) and is started again"
            member.handle.kill()

    def stop_all(self) -> None:
        """Ask every process to end, all at once."""
        self.replicas.clear()

    def kill_all(self) -> None:
        """End every process at once."""
        for member in self._members.values():
            if member.handle.poll() is None:
                member.handle.kill()

    def _start(self, slot: Slot, now: float) -> None:
        before = self._members.get(slot)
        handle = self._launcher.start(slot, self._specs[slot.pipeline], self._env[slot.pipeline])
        self._members[slot] = _Member(handle, now, quick_deaths=before.quick_deaths if before else 0)

    def _notice(self) -> None:
        for slot, member in self._members.items():
            code = member.handle.poll() if member.alive else None
            if code is None:
                continue
            now = self._clock()
            asked = member.stopping_since is not None
            member.quick_deaths = quick_deaths_after(member.quick_deaths, now - member.since, asked=asked)
            member.alive, member.since, member.stopping_since = False, now, None
            if not asked:
                role = (slot.pipeline, slot.service)
                self.restarts[role] = self.restarts.get(role, 0) + 1
                words = said(member.handle.last_words()) if code > 0 else ""  # a kill comes without a word
                self._on_death(Death(slot=slot, code=code, why=member.hung or words))

    def _seen(self) -> list[Seen]:
        return [
            Seen(
                slot=slot,
                alive=member.alive,
                since=member.since,
                quick_deaths=member.quick_deaths,
                stopping_since=member.stopping_since,
            )
            for slot, member in self._members.items()
        ]


def said(line: str) -> str:
    """Return what a log line says, without its JSON, short enough for a message."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    text = str(fields.get("error") or fields.get("message") or line) if isinstance(fields, dict) else line
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]} …"
