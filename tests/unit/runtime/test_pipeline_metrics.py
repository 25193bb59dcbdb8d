import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cygnet.runtime import pipeline_metrics as metrics
from cygnet.scaling import Action, Decision, History, Lifecycle, Reason, Sample, ScalingSpec, decide
from cygnet.transport.streams import StreamState

SPEC = ScalingSpec(min_replicas=1, max_replicas=20, target_lag_seconds=30.0)
LABELS = {"namespace": "beam", "pipeline": "lime"}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Neither by these tests nor by others of the process, before them."""
    metrics.forget("beam", "lime")
    yield
    metrics.forget("beam", "lime")


def value(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"cygnet_pipeline_{name}", LABELS | labels)


def series() -> list[str]:
    return [
        f"{sample.name}{sample.labels}"
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if LABELS.items() <= sample.labels.items()
    ]


def a_sample() -> Sample:
    return Sample(
        time=time.time(),
        pending=7,
        ack_pending=2,
        acked=100,
        last_seq=109,
        frames_per_message=1.0,
        oldest_age_seconds=3.5,
        results_fill=0.25,
        chunks_fill=0.0,
        ready=2,
        desired=2,
        unschedulable=0,
        rolling_out=False,
        lifecycle=Lifecycle.RUNNING,
        run_active=True,
        beam_active=False,
        ceiling=312,
    )


def decision_on(sample: Sample) -> Decision:
    history = History(now=sample.time)
    return decide(history.then(sample, history.memory), SPEC)


def warm_decision() -> Decision:
    """Return a decision with every computed input."""
    history, now = History(now=time.time() - 100), time.time() - 100
    decision = decide(history, SPEC)
    for tick in range(20):
        sample = replace(
            a_sample(), time=now + 5 * tick, pending=500, acked=100 + 60 * tick, last_seq=602 + 60 * tick
        )
        history = history.then(sample, decision.memory)
        decision = decide(history, SPEC)
    return decision


def test_every_number_behind_a_decision_is_a_series() -> None:
    decision = warm_decision()
    metrics.note_decision("beam", "lime", decision, SPEC)
    missing = [name for name, number in decision.inputs.items() if number is not None and name != "lifecycle"]
    assert len(missing) > 25
    for name in missing:
        gauge = metrics.INPUTS[name]
        found = metrics.REGISTRY.get_sample_value(gauge._name, LABELS)
        if gauge is not metrics.DESIRED_REPLICAS:
            assert found == decision.inputs[name], name


def test_what_is_not_known_any_more_is_no_series() -> None:
    metrics.note_decision("beam", "lime", decision_on(a_sample()), SPEC)
    assert value("oldest_age_seconds") == 3.5
    assert value("condition", condition="MetricsAvailable") == 1
    metrics.note_decision("beam", "lime", decision_on(Sample(time=time.time())), SPEC)
    assert value("oldest_age_seconds") is None
    assert value("ready_replicas") is None
    assert value("condition", condition="MetricsAvailable") == 0
    assert value("condition", condition="Stalled") == -1
    assert value("target_lag_seconds") == 30


def test_a_change_is_seen_as_an_increase_from_0_and_its_replicas_at_once() -> None:
    changes = {"direction": "up", "reason": "BelowMinReplicas"}
    metrics.note_decision("beam", "lime", decision_on(a_sample()), SPEC)
    assert value("scaling_decisions_total", **changes) == 0
    up = decision_on(replace(a_sample(), desired=0))
    assert (up.action, up.reason) == (Action.UP, Reason.BELOW_MIN_REPLICAS)
    metrics.note_decision("beam", "lime", up, SPEC)
    assert value("scaling_decisions_total", **changes) == 1
    assert value("desired_replicas") == 1


def test_a_stream_without_a_limit_has_no_limit_series() -> None:
    state = StreamState(messages=3, bytes=300, max_bytes=1000, first_seq=1, last_seq=3, first_ts=1.0)
    metrics.note_streams("beam", "lime", {"frames": state, "account": replace(state, max_bytes=-1)})
    assert value("stream_bytes", stream="account") == 300
    assert value("stream_limit_bytes", stream="frames") == 1000
    assert value("stream_limit_bytes", stream="account") is None


def test_a_pipeline_that_is_no_more_leaves_no_series() -> None:
    state = StreamState(messages=3, bytes=300, max_bytes=1000, first_seq=1, last_seq=3, first_ts=1.0)
    metrics.note_streams("beam", "lime", {"frames": state})
    metrics.note_decision("beam", "lime", decision_on(a_sample()), SPEC)
    assert len(series()) > 20
    metrics.forget("beam", "lime")
    assert series() == []


def test_an_account_that_loses_its_limit_loses_the_series() -> None:
    limit = "cygnet_jetstream_storage_limit_bytes"
    metrics.note_storage("nats:4222", 10, 100)
    assert metrics.REGISTRY.get_sample_value(limit, {"server": "nats:4222"}) == 100
    metrics.note_storage("nats:4222", 10, -1)
    assert metrics.REGISTRY.get_sample_value(limit, {"server": "nats:4222"}) is None
