"""The ten invariants of the scaling contract, for whatever load, pods, faults and people may do."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.scaling import Action, History, Lifecycle, Memory, Reason, ScalingSpec, Status, decide
from cygnet.scaling.measure import fault_in
from unit.scaling.scaling_histories import INPUTS, Step, Weather, live, steady

weathered = settings(max_examples=25, deadline=None)

FAULTS = {Reason.METRICS_MISSING, Reason.METRICS_STALE, Reason.METRICS_CONTRADICTORY}
BOUNDS = {Reason.BELOW_MIN_REPLICAS, Reason.ABOVE_MAX_REPLICAS}

odd_inputs = st.fixed_dictionaries(
    {},
    optional={
        "results_fill": st.sampled_from([0.3, 0.79, 0.8, 1.0, math.nan]),
        "chunks_fill": st.sampled_from([0.5, 0.85]),
        "unschedulable": st.integers(0, 3),
        "rolling_out": st.booleans(),
        "lifecycle": st.sampled_from(Lifecycle),
        "run_active": st.booleans(),
        "beam_active": st.booleans(),
        "ceiling": st.integers(0, 12),
        "frames_per_message": st.sampled_from([1.0, 7.5]),
        "oldest_age_seconds": st.floats(0, 500),
        "scale_in_paused": st.booleans(),
        "scale_out_paused": st.booleans(),
    },
)
bad_luck = st.builds(
    Weather,
    arrives=st.integers(0, 3000),
    per_pod=st.sampled_from([0, 1, 60]),
    missing=st.none() | st.sampled_from(INPUTS),
    silent=st.booleans(),
    restart=st.booleans(),
    reset=st.booleans(),
    by_hand=st.none() | st.integers(0, 40),
    changes=odd_inputs,
)
sticky = st.sampled_from(
    [
        *[{}] * 4,
        {"results_fill": 0.85},
        {"unschedulable": 2},
        {"rolling_out": True},
        {"lifecycle": Lifecycle.PAUSED},
        {"lifecycle": Lifecycle.DRAINED},
        {"ceiling": 3},
        {"scale_in_paused": True},
        {"scale_out_paused": True},
        {"run_active": True},
        {"oldest_age_seconds": 90.0},
    ]
)
plain = st.builds(
    Weather,
    arrives=st.sampled_from([0, 50, 400, 3000]),
    per_pod=st.sampled_from([0, 10, 60, 60]),
    changes=sticky,
)
stretches = st.lists(
    st.tuples(plain, st.integers(1, 12)).map(lambda pair: [pair[0]] * pair[1])
    | st.tuples(plain, st.just(65)).map(lambda pair: [pair[0]] * pair[1])
    | bad_luck.map(lambda weather: [weather]),
    min_size=1,
    max_size=6,
).map(lambda parts: [weather for part in parts for weather in part])
loaded = st.tuples(sticky, stretches).map(
    lambda pair: [Weather(arrives=3000)] * 4 + [Weather(arrives=3000, changes=pair[0])] * 12 + pair[1]
)
specs = st.builds(
    ScalingSpec,
    min_replicas=st.integers(0, 3),
    max_replicas=st.integers(3, 30),
    target_lag_seconds=st.sampled_from([5.0, 30.0]),
    utilization=st.sampled_from([0.5, 0.7, 1.0]),
    scale_down_window_seconds=st.sampled_from([0.0, 60.0, 300.0]),
    dry_run=st.just(value=False),
)


def lived(steps: list[Step], spec: ScalingSpec) -> list[Step]:
    return [step for step in steps if inside(step, spec)]


def inside(step: Step, spec: ScalingSpec) -> bool:
    desired = step.sample.desired
    return desired is None or spec.min_replicas <= desired <= spec.max_replicas


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_missing_stale_or_contradictory_inputs_hold_and_say_so(weathers, spec, pods):
    for step in lived(live(weathers, spec, pods=pods), spec):
        if fault_in(step.history):
            assert step.decision.action is Action.HOLD
            assert step.decision.condition("MetricsAvailable").status is Status.FALSE
            assert step.decision.condition("MetricsAvailable").reason in FAULTS


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_nothing_finished_with_a_backlog_never_changes_the_replicas(weathers, spec, pods):
    steps = live(weathers, spec, pods=pods)
    for step in lived(steps, spec):
        tail = [s for s in step.history.samples if s.time >= step.sample.time - 30]
        each_alone = (History(now=s.time, samples=(s,)) for s in tail)
        complete = not fault_in(step.history) and not any(fault_in(one) for one in each_alone)
        if not complete or len(tail) < 7 or step.sample.desired == 0 or step.sample.frames_per_message != 1:
            continue
        waiting = all(s.pending + s.ack_pending > 0 for s in tail)
        is_one_stream = all(one.last_seq <= other.last_seq for one, other in pairwise(tail))
        if waiting and is_one_stream and tail[0].acked == tail[-1].acked:
            assert step.decision.action is Action.HOLD
            assert step.decision.condition("Stalled").status is Status.TRUE


@weathered
@given(loaded, specs, st.integers(0, 10))
def test_a_full_stream_downstream_never_grows_the_fleet(weathers, spec, pods):
    for step in lived(live(weathers, spec, pods=pods), spec):
        if fault_in(step.history) is None and max(step.sample.results_fill, step.sample.chunks_fill) >= 0.8:
            assert step.decision.action is not Action.UP
            assert step.decision.condition("Backpressured").status is Status.TRUE


@weathered
@given(loaded, specs, st.integers(0, 10))
def test_growth_respects_ceiling_nodes_and_annotations(weathers, spec, pods):
    for step in lived(live(weathers, spec, pods=pods), spec):
        if step.decision.action is Action.UP:
            assert step.decision.desired <= max(1, spec.min_replicas, step.sample.ceiling)
            assert not step.sample.scale_out_paused
            assert not step.sample.unschedulable or step.sample.desired == 0
        if step.decision.action is Action.DOWN:
            assert not step.sample.scale_in_paused


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_nothing_changes_in_rollout_pause_or_drain(weathers, spec, pods):
    for step in live(weathers, spec, pods=pods):
        if step.sample.rolling_out or step.sample.lifecycle in (Lifecycle.PAUSED, Lifecycle.DRAINED):
            assert step.decision.action is Action.HOLD


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_replicas_never_leave_the_bounds_and_come_back_at_once(weathers, spec, pods):
    for step in live(weathers, spec, pods=pods):
        decision, sample = step.decision, step.sample
        if decision.action is not Action.HOLD:
            assert spec.min_replicas <= decision.desired <= spec.max_replicas
        free = not sample.rolling_out and sample.lifecycle is Lifecycle.RUNNING
        paused = sample.scale_in_paused or sample.scale_out_paused
        known = sample.desired is not None and sample.rolling_out is not None
        if known and free and not paused and not inside(step, spec) and step.history.now - sample.time <= 15:
            assert decision.reason in BOUNDS


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_no_step_is_too_large_or_too_soon(weathers, spec, pods):
    last_up = last_down = -math.inf
    for step in live(weathers, spec, pods=pods):
        decision, now = step.decision, step.history.now
        if decision.reason in BOUNDS or decision.action is Action.HOLD:
            last_up = now if decision.action is Action.UP else last_up
            last_down = now if decision.action is Action.DOWN else last_down
            continue
        if decision.action is Action.UP:
            assert decision.desired <= max(2 * decision.current, decision.current + 8)
            assert now - last_up >= 15 or decision.current == 0
            last_up = now
        else:
            assert decision.desired >= decision.current - max(1, decision.current // 4)
            assert now - last_down >= 30
            assert now - last_up >= 60
            last_down = now


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_the_last_pod_goes_only_when_nothing_is_left_to_do(weathers, spec, pods):
    for step in live(weathers, spec, pods=pods):
        if step.decision.desired == 0 and step.decision.action is Action.DOWN:
            minutes = [s for s in step.history.samples if s.time >= step.history.now - 300]
            assert spec.min_replicas == 0
            assert minutes[-1].time - minutes[0].time >= 295
            assert {s.last_seq for s in minutes[1:] if s.last_seq is not None} == {step.sample.last_seq}
            assert not any(s.pending or s.ack_pending or s.run_active or s.beam_active for s in minutes[1:])


@weathered
@given(stretches, st.integers(0, 10))
def test_a_sleeping_role_wakes_at_the_tick_of_the_first_message(weathers, pods):
    spec = ScalingSpec(min_replicas=0)
    for step in live(weathers, spec, pods=pods):
        sample, decision = step.sample, step.decision
        blocked = decision.reason in {
            *(FAULTS | BOUNDS),
            *(Reason.PAUSED, Reason.DRAINED, Reason.ROLLING_OUT, Reason.MANUAL_SCALE, Reason.TWO_SCALERS),
            *(Reason.BACKPRESSURED, Reason.SCALE_OUT_PAUSED),
        }
        if sample.desired == 0 and (sample.pending or sample.ack_pending) and not blocked:
            assert decision.reason is Reason.WAKE_UP
            assert decision.desired >= 1


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_a_restart_changes_nothing_for_a_whole_window(weathers, spec, pods):
    steps = live(weathers, spec, pods=pods)
    restarted = [*weathers, *[Weather(restart=True, arrives=500)], *[Weather(arrives=500)]]
    for step in live(restarted, spec, pods=pods)[len(steps) :]:
        if step.sample.desired and inside(step, spec):
            assert step.decision.action is Action.HOLD


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_a_scale_by_hand_inside_the_bounds_stands_for_one_cooldown(weathers, spec, pods):
    by_hand = max(1, spec.min_replicas)
    after = [Weather(by_hand=by_hand + 1, arrives=3000), *[Weather(arrives=3000)] * 59]
    before, *steps = live([*weathers, Weather(by_hand=by_hand), *after], spec, pods=pods)[-61:]
    unnoticed = before.decision.memory.replicas == by_hand + 1
    if by_hand + 1 <= spec.max_replicas and not unnoticed:
        assert all(step.decision.action is Action.HOLD for step in steps)


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_no_lag_without_a_reason(weathers, spec, pods):
    for step in live(weathers, spec, pods=pods):
        late = step.sample.oldest_age_seconds or 0.0
        if late > spec.target_lag_seconds:
            said = {c.type: c.status for c in step.decision.conditions}
            reasons = (said["Stalled"], said["Backpressured"], said["ScalingLimited"])
            assert said["MetricsAvailable"] is Status.FALSE or Status.TRUE in reasons


@weathered
@given(stretches, specs, st.integers(0, 10))
def test_decisions_are_pure_and_fit_a_json_document(weathers, spec, pods):
    for step in live(weathers, spec, pods=pods):
        assert decide(step.history, spec) == step.decision
        document = json.loads(json.dumps(step.decision.to_document(), allow_nan=False))
        assert Memory.from_document(document["memory"]) == step.decision.memory
        assert len(json.dumps(document["memory"])) < 2500


@pytest.mark.parametrize("name", INPUTS)
def test_every_single_missing_input_holds(name):
    samples = steady(60, arrival_hz=100, processed_hz=12, backlog=1000)
    grown = decide(History(now=samples[-1].time, samples=samples), ScalingSpec())
    assert grown.action is Action.UP
    blind = (*samples[:-1], steady(60, arrival_hz=100, processed_hz=12, backlog=1000, **{name: None})[-1])
    held = decide(History(now=samples[-1].time, samples=blind), ScalingSpec())
    assert held.action is Action.HOLD
    assert held.condition("MetricsAvailable").status is Status.FALSE
    assert name in held.message
