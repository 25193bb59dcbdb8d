"""The invariants of the scaling contract, on the way from the cluster through the operator to its status."""

import json
import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.scaling import Action, Lifecycle, Reason, Status
from cygnet_operator.scaling import open_scaler
from cygnet_operator.scaling_status import MOST_DECISIONS, read_kept
from cygnet_operator.workers import PAUSE_SCALE_IN, PAUSE_SCALE_OUT
from unit.operator.scaling_world import Hour, Tick, live

weathered = settings(max_examples=15, deadline=None)
BOUNDS = {Reason.BELOW_MIN_REPLICAS, Reason.ABOVE_MAX_REPLICAS}
PERSON = {Reason.MANUAL_SCALE, Reason.TWO_SCALERS}
LOW, HIGH = 1, 12

clusters = st.sampled_from(
    [
        *[{}] * 5,
        {"unschedulable": 2},
        {"rolling_out": True},
        {"lifecycle": Lifecycle.PAUSED},
        {"lifecycle": Lifecycle.DRAINED},
        {"annotations": {PAUSE_SCALE_IN: "true"}},
        {"annotations": {PAUSE_SCALE_OUT: "true"}},
    ]
)
streams = st.sampled_from(
    [
        *[{}] * 5,
        {"results_fill": 0.85},
        {"chunks_fill": 0.95},
        {"ceiling": 3},
        {"run_active": True},
        {"beam_active": True},
        {"oldest_age_seconds": 90.0},
        {"frames_per_message": None},
        {"results_fill": math.nan},
    ]
)
hour = st.builds(
    Hour,
    arrives=st.sampled_from([0, 50, 400, 3000]),
    per_pod=st.sampled_from([0, 10, 60, 60]),
    together=st.sampled_from([1_000_000, 1_000_000, 120]),
    nats=streams,
    cluster=clusters,
)
event = st.builds(
    Hour,
    arrives=st.sampled_from([0, 400]),
    is_away=st.booleans(),
    scale=st.none() | st.integers(0, 20),
    restart=st.booleans(),
    cluster=clusters,
)
lives = st.lists(
    st.tuples(hour, st.integers(1, 50)).map(lambda pair: [pair[0]] * pair[1]) | event.map(lambda one: [one]),
    min_size=2,
    max_size=6,
).map(lambda parts: [hour for part in parts for hour in part])


def lived(hours, pods):
    return live(hours, pods=pods, minReplicas=LOW, maxReplicas=HIGH, scaleDownWindowSeconds=60)


def grows(tick: Tick) -> bool:
    decision = tick.scaled.decision
    return decision.action is Action.UP and decision.reason not in BOUNDS | PERSON


def shrinks(tick: Tick) -> bool:
    decision = tick.scaled.decision
    return decision.action is Action.DOWN and decision.reason not in BOUNDS | PERSON


def condition(tick: Tick, kind: str) -> Status:
    return next(each.status for each in tick.scaled.conditions if each.type == kind)


@weathered
@given(lives, st.integers(0, 14))
def test_what_nats_does_not_tell_holds_and_is_said(hours, pods):
    for tick in lived(hours, pods):
        unknown = tick.hour.is_away or any(
            value is None or value != value for value in tick.hour.nats.values()
        )
        if unknown:
            assert condition(tick, "MetricsAvailable") is Status.FALSE
            assert not grows(tick)
            assert not shrinks(tick)


@weathered
@given(lives, st.integers(0, 14))
def test_a_stalled_pipeline_keeps_its_pods(hours, pods):
    for tick in lived(hours, pods):
        if condition(tick, "Stalled") is Status.TRUE:
            assert not grows(tick)
            assert not shrinks(tick)


@weathered
@given(lives, st.integers(0, 14))
def test_nothing_grows_into_a_full_stream_a_full_cluster_or_beyond_what_can_be_fed(hours, pods):
    for tick in lived(hours, pods):
        if not grows(tick):
            continue
        assert max(tick.sample.results_fill, tick.sample.chunks_fill) < 0.8
        assert tick.scaled.decision.desired <= max(tick.sample.ceiling, LOW)
        assert tick.scaled.decision.current == 0 or not tick.hour.cluster.get("unschedulable")
        assert PAUSE_SCALE_OUT not in tick.observed.annotations


@weathered
@given(lives, st.integers(0, 14))
def test_nothing_changes_in_a_rollout_a_pause_or_a_drain(hours, pods):
    for tick in lived(hours, pods):
        cluster = tick.hour.cluster
        if cluster.get("rolling_out") or "lifecycle" in cluster:
            assert not tick.scaled.decision.acts
            assert not tick.scaled.is_change


@weathered
@given(lives, st.integers(0, 14))
def test_no_step_is_too_large_or_too_soon_and_scale_in_can_be_paused(hours, pods):
    last_up = last_down = -math.inf
    for tick in lived(hours, pods):
        decision = tick.scaled.decision
        if grows(tick):
            assert decision.desired <= max(2 * decision.current, decision.current + 8)
            assert decision.time - last_up >= 15 or decision.current == 0
        if shrinks(tick):
            assert PAUSE_SCALE_IN not in tick.observed.annotations
            assert decision.desired >= decision.current - max(1, decision.current // 4)
            assert decision.time - last_down >= 30
            assert decision.time - last_up >= 60
        last_up = decision.time if decision.action is Action.UP else last_up
        last_down = decision.time if decision.action is Action.DOWN else last_down


@weathered
@given(lives, st.integers(LOW, HIGH))
def test_replicas_stay_inside_the_bounds_whoever_asks(hours, pods):
    for tick in lived(hours, pods):
        desired = tick.scaled.decision.desired
        assert desired is not None
        assert LOW <= desired <= HIGH


@weathered
@given(lives, st.integers(LOW, HIGH), st.integers(0, 20))
def test_a_persons_wish_inside_the_bounds_is_done_and_stands_for_one_cooldown(hours, pods, wish):
    before = [Hour(), Hour(scale=2), *[Hour()] * 70]
    calm = [
        Hour(arrives=hour.arrives, per_pod=hour.per_pod, is_away=hour.is_away, restart=hour.restart)
        for hour in hours
    ]
    ticks = lived([*before, Hour(scale=wish), *calm], pods)
    asked = ticks[len(before)].scaled
    if LOW <= wish <= HIGH and wish != 2:
        assert (asked.decision.desired, asked.decision.reason) == (wish, Reason.MANUAL_SCALE)
        for tick in ticks[len(before) + 1 : len(before) + 60]:
            assert not tick.scaled.decision.acts
            assert tick.scaled.decision.current == wish
    else:
        assert not asked.is_change


@weathered
@given(lives, lives, st.integers(LOW, HIGH))
def test_a_restart_changes_no_replica_count_for_a_whole_window(earlier, later, pods):
    calm = [Hour(arrives=hour.arrives, per_pod=hour.per_pod, nats=hour.nats) for hour in later]
    first = Hour(arrives=400, restart=True)
    ticks = lived([*earlier, first, *calm], pods)[len(earlier) :]
    inside = [LOW <= tick.scaled.decision.current <= HIGH for tick in ticks]
    for tick, is_inside in zip(ticks[:2], inside, strict=False):
        by_hand = tick.scaled.decision.reason in PERSON  # asked for in a pause, and taken up now
        assert not is_inside or by_hand or not tick.scaled.decision.acts, "nothing is known yet"
    for tick in ticks[:12]:
        assert not shrinks(tick), "no whole window was watched yet"


@weathered
@given(lives, lives, st.integers(LOW, HIGH))
def test_what_is_kept_is_restored_and_leads_to_the_same_decisions(earlier, later, pods):
    ticks = lived(earlier, pods)
    status = json.loads(json.dumps(dict(ticks[-1].scaled.status)))
    kept = read_kept(status)
    assert kept is not None
    again = read_kept(json.loads(json.dumps(kept.to_status())))
    assert again == kept
    scalers = [
        open_scaler(replace(ticks[-1].observed, status=status)) for status in (status, again.to_status())
    ]
    for tick in lived(later, pods):
        decisions = [scaler.tick(tick.observed, tick.sample).decision for scaler in scalers]
        assert decisions[0] == decisions[1]


@weathered
@given(lives, st.integers(0, 14))
def test_the_status_is_bounded_and_only_changes_are_news(hours, pods):
    for tick in lived(hours, pods):
        status = tick.scaled.status
        assert len(status["scaling"]["memory"]) <= 4096
        assert len(status["decisions"]) <= MOST_DECISIONS
        for entry in (*status["decisions"], *([status["lastDecision"]] if "lastDecision" in status else ())):
            assert len(entry["message"]) <= 1024
            assert all(
                isinstance(value, float) and math.isfinite(value) for value in entry["inputs"].values()
            )
        assert tick.scaled.is_change <= (tick.scaled.decision.action is not Action.HOLD)
        json.dumps(dict(status), allow_nan=False)
