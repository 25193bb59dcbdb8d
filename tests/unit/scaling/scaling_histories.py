"""Histories for the tests of the scaling policy: a healthy role, and a world that answers to decisions."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cygnet.scaling import TICK_SECONDS, Decision, History, Lifecycle, Memory, Sample, ScalingSpec, decide

START = 1_700_000_000.0
INPUTS = tuple(Sample(time=0.0).missing())


def healthy(time: float = START, **changes: object) -> Sample:
    """Return a complete sample of an idle role with one pod."""
    sample = Sample(
        time=time,
        pending=0,
        ack_pending=0,
        acked=0,
        last_seq=0,
        frames_per_message=1.0,
        oldest_age_seconds=0.0,
        results_fill=0.0,
        chunks_fill=0.0,
        ready=1,
        desired=1,
        unschedulable=0,
        rolling_out=False,
        lifecycle=Lifecycle.RUNNING,
        run_active=False,
        beam_active=False,
        ceiling=100,
    )
    return replace(sample, **changes)  # type: ignore[arg-type]


def steady(
    seconds: float,
    *,
    arrival_hz: float,
    processed_hz: float,
    backlog: int = 0,
    pods: int = 1,
    **changes: object,
) -> tuple[Sample, ...]:
    """Return the samples of a role in which messages arrive and are processed evenly."""
    samples = []
    for tick in range(int(seconds / TICK_SECONDS) + 1):
        elapsed = tick * TICK_SECONDS
        arrived, acked = backlog + round(arrival_hz * elapsed), round(processed_hz * elapsed)
        waiting = max(0, arrived - acked)
        in_hand = min(waiting, pods)
        sample = healthy(
            START + elapsed,
            pending=waiting - in_hand,
            ack_pending=in_hand,
            acked=min(acked, arrived),
            last_seq=arrived,
            ready=pods,
            desired=pods,
        )
        samples.append(replace(sample, **changes))  # type: ignore[arg-type]
    return tuple(samples)


def history(samples: Sequence[Sample], **memory: object) -> History:
    """Return a history that ends with its newest sample, with these things remembered."""
    return History(now=samples[-1].time, samples=tuple(samples), memory=Memory(**memory))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Weather:
    """One tick of the small world: messages that arrive, that a pod can do, that all together can."""

    arrives: int = 0
    per_pod: int = 60
    together: int = 1_000_000
    missing: str | None = None
    silent: bool = False
    restart: bool = False
    reset: bool = False
    by_hand: int | None = None
    changes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One decision with what it was based on."""

    weather: Weather
    history: History
    decision: Decision

    @property
    def sample(self) -> Sample:
        return self.history.samples[-1]


def live(weathers: Iterable[Weather], spec: ScalingSpec, *, pods: int = 1) -> list[Step]:
    """Let a role live through the weathers: decisions are applied, pods become ready after four ticks."""
    steps: list[Step] = []
    before = History(now=START)
    desired, acked, last_seq = pods, 0, 0
    asked = [pods] * 5
    for tick, weather in enumerate(weathers):
        now = START + tick * TICK_SECONDS
        if weather.reset:
            acked = last_seq = 0
        if weather.by_hand is not None:
            desired = weather.by_hand
        ready = min(*asked[-5:], desired)
        last_seq += weather.arrives
        waiting = last_seq - acked
        in_hand = min(waiting, ready)
        seen: dict[str, object] = {
            "pending": waiting - in_hand,
            "ack_pending": in_hand,
            "acked": acked,
            "last_seq": last_seq,
            "ready": ready,
            "desired": desired,
        }
        sample = healthy(now, **(seen | weather.changes))
        if weather.missing:
            sample = replace(sample, **{weather.missing: None})  # type: ignore[arg-type]
        memory = steps[-1].decision.memory if steps else Memory()
        if weather.restart:
            before = History(now=now)
            memory = Memory.from_document(json.loads(json.dumps(memory.to_document())))
        silent = replace(before, now=now, memory=memory)
        before = silent if weather.silent else before.then(sample, memory)
        decision = decide(before, spec)
        if before.samples:
            steps.append(Step(weather, before, decision))
        if decision.acts and decision.desired is not None:
            desired = decision.desired
        asked.append(desired)
        acked += min(last_seq - acked, ready * weather.per_pod, weather.together)
    return steps
