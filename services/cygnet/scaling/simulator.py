"""A fleet of workers in one-second steps: shows what a policy does to a load, before a cluster has to."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cygnet.scaling import rivals
from cygnet.scaling.history import History, Lifecycle, Sample
from cygnet.scaling.limits import RATE_WINDOW_LIMIT_SECONDS, TICK_SECONDS
from cygnet.scaling.memory import Memory
from cygnet.scaling.policy import decide
from cygnet.scaling.spec import ScalingSpec
from cygnet.scaling.traces import Trace

POD_HZ: Final = 12
POD_START_SECONDS: Final = 20
MAX_PODS: Final = 30
TARGET_LAG_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule under test: how often it is asked, and how it answers to the samples so far."""

    name: str
    title: str
    period_seconds: int
    begin: Callable[[], Callable[[Sequence[Sample]], int]]


@dataclass(frozen=True, slots=True)
class Second:
    """One second: frames arrived, pods asked for, pods ready, frames waiting, age of the oldest."""

    time: int
    arrived: int
    desired: int
    ready: int
    backlog: int
    lag_seconds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy made of a trace."""

    trace: Trace
    policy: Policy
    seconds: tuple[Second, ...]

    @property
    def steps(self) -> tuple[tuple[int, int, int], ...]:
        """Every change of replicas: time in seconds, from, to."""
        return tuple(
            (after.time, before.desired, after.desired)
            for before, after in pairwise(self.seconds)
            if before.desired != after.desired
        )

    @property
    def reversals(self) -> int:
        """How often a change went against the one before."""
        directions = [after > before for _, before, after in self.steps]
        return sum(one != other for one, other in pairwise(directions))

    @property
    def seconds_over(self) -> int:
        """Seconds in which the oldest frame was older than 30 s."""
        return sum(second.lag_seconds > TARGET_LAG_SECONDS for second in self.seconds)

    @property
    def worst_lag_seconds(self) -> int:
        """The greatest age of a waiting frame."""
        return max(second.lag_seconds for second in self.seconds)

    @property
    def mean_pods(self) -> float:
        """Pods asked for, in the mean: what is paid."""
        return sum(second.desired for second in self.seconds) / len(self.seconds)


def simulate(trace: Trace, policy: Policy) -> Outcome:
    """Run `trace` against `policy`, from one pod: 12 frames/s a pod, 20 s for its start, at most 30 pods."""
    fleet = _Fleet()
    rule = policy.begin()
    samples: deque[Sample] = deque(maxlen=int(RATE_WINDOW_LIMIT_SECONDS / TICK_SECONDS) + 1)
    seconds = []
    for time, arrived in enumerate(trace.frames):
        if time % TICK_SECONDS == 0:
            samples.append(fleet.sample(time))
        if time % policy.period_seconds == 0:
            fleet.scale(time, max(1, min(MAX_PODS, rule(samples))))
        seconds.append(fleet.advance(time, arrived))
    return Outcome(trace, policy, tuple(seconds))


class _Fleet:
    """Pods and a queue. Frames are taken in order, so the oldest one's age is exact to the second."""

    def __init__(self) -> None:
        self.ready = 1
        self.starting: deque[int] = deque()
        self.queue: deque[list[int]] = deque()
        self.arrived = 0
        self.acked = 0

    @property
    def desired(self) -> int:
        return self.ready + len(self.starting)

    def scale(self, time: int, replicas: int) -> None:
        """Start pods, or take some away: first those that aren't ready, as Kubernetes does."""
        for _ in range(replicas - self.desired):
            self.starting.append(time + POD_START_SECONDS)
        while self.desired > replicas and self.starting:
            self.starting.pop()
        self.ready = min(self.ready, replicas)

    def advance(self, time: int, arrived: int) -> Second:
        while self.starting and self.starting[0] <= time:
            self.starting.popleft()
            self.ready += 1
        if arrived:
            self.queue.append([time, arrived])
            self.arrived += arrived
        capacity = self.ready * POD_HZ
        while capacity and self.queue:
            taken = min(capacity, self.queue[0][1])
            self.queue[0][1] -= taken
            capacity -= taken
            self.acked += taken
            if not self.queue[0][1]:
                self.queue.popleft()
        return Second(time, arrived, self.desired, self.ready, self.arrived - self.acked, self._age(time))

    def sample(self, time: int) -> Sample:
        backlog = self.arrived - self.acked
        in_hand = min(backlog, self.ready)
        return Sample(
            time=float(time),
            pending=backlog - in_hand,
            ack_pending=in_hand,
            acked=self.acked,
            last_seq=self.arrived,
            frames_per_message=1.0,
            oldest_age_seconds=float(self._age(time)),
            results_fill=0.0,
            chunks_fill=0.0,
            ready=self.ready,
            desired=self.desired,
            unschedulable=0,
            rolling_out=False,
            lifecycle=Lifecycle.RUNNING,
            run_active=True,
            beam_active=False,
            ceiling=MAX_PODS,
        )

    def _age(self, time: int) -> int:
        return time - self.queue[0][0] if self.queue else 0


_DEFAULTS = ScalingSpec(min_replicas=1, max_replicas=MAX_PODS)


def cygnet_policy(spec: ScalingSpec = _DEFAULTS) -> Policy:
    """Return our rule, for what a user says about scaling."""

    def begin() -> Callable[[Sequence[Sample]], int]:
        memory = Memory()

        def rule(samples: Sequence[Sample]) -> int:
            nonlocal memory
            decision = decide(History(now=samples[-1].time, samples=tuple(samples), memory=memory), spec)
            memory = decision.memory
            return decision.desired or 1

        return rule

    return Policy("cygnet", "Cygnet", int(TICK_SECONDS), begin)


def keda_policy(lag_threshold: int) -> Policy:
    """Return KEDA's rule with that `lagThreshold` (its default is 10; 240 is this fleet's 20 s of work)."""

    def rule(samples: Sequence[Sample]) -> int:
        return rivals.keda(samples, MAX_PODS, lag_threshold=lag_threshold)

    return Policy(f"keda-{lag_threshold}", f"KEDA + HPA, lag {lag_threshold}", 15, lambda: rule)


def numaflow_policy() -> Policy:
    """Return Numaflow's rule."""
    return Policy("numaflow", "Numaflow", 30, lambda: lambda samples: rivals.numaflow(samples, MAX_PODS))


POLICIES: Final[dict[str, Callable[[], Policy]]] = {
    "cygnet": cygnet_policy,
    "numaflow": numaflow_policy,
    "keda-240": lambda: keda_policy(240),
    "keda-100": lambda: keda_policy(100),
    "keda-10": lambda: keda_policy(10),
}
