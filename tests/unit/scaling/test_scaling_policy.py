"""Each rule of the policy by an example: what it does, and the words it says it with."""

from dataclasses import replace

import pytest

from cygnet.scaling import Action, History, Lifecycle, Memory, Reason, ScalingSpec, Status, decide
from cygnet.scaling.memory import Peak
from unit.scaling.scaling_histories import START, Weather, healthy, history, live, steady

SPEC = ScalingSpec(max_replicas=30)
ASLEEP = ScalingSpec(min_replicas=0)


def watched(samples, **memory):
    """A history whose demand has been seen without a hole for longer than any window."""
    now = samples[-1].time
    known = {
        "mu_hz": 12.0,
        "watched_since": START - 1000,
        "watched_until": now - 5,
        "replicas": samples[-1].desired,
    }
    return history(samples, **(known | memory))


def test_a_busy_pod_is_measured_and_the_fleet_sized_for_arrival_and_backlog():
    decision = decide(history(steady(60, arrival_hz=50, processed_hz=12)), SPEC)
    assert decision.memory.mu_hz == pytest.approx(12.0)
    backlog = 60 * (50 - 12) - 1
    assert decision.inputs["demand_pods"] == pytest.approx(50 / (12 * 0.7) + backlog / (12 * 30))
    assert (decision.action, decision.desired) == (Action.UP, 9)
    assert decision.reason is Reason.DEMAND_ABOVE_CAPACITY
    assert decision.message == "the load needs 6.0 pods for what arrives and 6.3 for the backlog"


def test_frames_are_counted_and_not_messages():
    alone = decide(history(steady(60, arrival_hz=50, processed_hz=12)), SPEC)
    packed = decide(history(steady(60, arrival_hz=50, processed_hz=12, frames_per_message=40.0)), SPEC)
    assert packed.memory.mu_hz == pytest.approx(40 * alone.memory.mu_hz)
    assert packed.inputs["arrival_hz"] == pytest.approx(2000)
    assert packed.inputs["demand_pods"] == pytest.approx(alone.inputs["demand_pods"])


SLOW_PACKS = {"pending": 2, "ack_pending": 2, "acked": 0, "last_seq": 4, "frames_per_message": 62.5}


def test_slow_packs_that_are_worked_on_are_no_stall_and_the_fleet_grows_for_the_rest():
    samples = [healthy(START + 5 * tick, **SLOW_PACKS, processed_frames=5 * tick) for tick in range(10)]
    decision = decide(history(samples), SPEC)
    assert decision.memory.mu_hz == pytest.approx(1.0)
    assert decision.condition("Stalled").status is Status.FALSE
    assert decision.inputs["processed_hz"] == pytest.approx(1.0)
    assert (decision.action, decision.reason) == (Action.UP, Reason.DEMAND_ABOVE_CAPACITY)


def test_slow_packs_that_nobody_works_on_are_a_stall_told_in_frames():
    samples = [healthy(START + 5 * tick, **SLOW_PACKS, processed_frames=40) for tick in range(10)]
    decision = decide(history(samples), SPEC)
    assert decision.reason is Reason.STALLED
    assert decision.message == "250 frames wait, none was finished for 45 s; 1 pod is ready"


def test_growth_waits_for_pods_that_start_unless_the_backlog_alone_explains_it():
    few = steady(60, arrival_hz=100, processed_hz=24, pods=2, backlog=200, desired=9)
    small = tuple(replace(s, pending=100) for s in few)
    assert decide(watched(small), SPEC).reason is Reason.PODS_STARTING
    assert decide(watched(few), SPEC).action is Action.UP


def test_pods_go_by_a_quarter_when_the_whole_window_needed_fewer():
    samples = steady(60, arrival_hz=40, processed_hz=40, pods=20)
    decision = decide(watched(samples, peaks=(Peak(START, 7.0),)), SPEC)
    assert (decision.action, decision.desired) == (Action.DOWN, 15)
    assert decision.reason is Reason.DEMAND_BELOW_CAPACITY
    earlier = decide(watched(samples, peaks=(Peak(START, 19.0),)), SPEC)
    assert earlier.reason is Reason.SCALE_DOWN_WINDOW


@pytest.mark.parametrize(
    ("remembered", "ago"), [("last_up", 59), ("last_down", 29)], ids=["after an up", "after a down"]
)
def test_pods_do_not_go_too_soon(remembered, ago):
    samples = steady(60, arrival_hz=40, processed_hz=40, pods=20)
    soon = {remembered: samples[-1].time - ago}
    assert decide(watched(samples, **soon), SPEC).reason is Reason.SCALE_DOWN_PERIOD
    late = {remembered: samples[-1].time - ago - 1}
    assert decide(watched(samples, **late), SPEC).action is Action.DOWN


def test_pods_stay_while_scale_in_is_paused():
    samples = steady(60, arrival_hz=40, processed_hz=40, pods=20, scale_in_paused=True)
    assert decide(watched(samples), SPEC).reason is Reason.SCALE_IN_PAUSED
    too_many = decide(watched(samples), ScalingSpec(max_replicas=5))
    assert (too_many.action, too_many.reason) == (Action.HOLD, Reason.SCALE_IN_PAUSED)


def test_a_hole_in_the_metrics_starts_the_scale_down_window_again():
    samples = steady(60, arrival_hz=40, processed_hz=40, pods=20)
    blind = watched(samples, watched_until=samples[-1].time - 20)
    assert decide(blind, SPEC).reason is Reason.SCALE_DOWN_WINDOW
    assert decide(blind, SPEC).memory.watched_since == samples[-1].time


def test_nothing_finished_with_a_backlog_is_stalled_and_never_shrinks():
    samples = steady(60, arrival_hz=1, processed_hz=0, backlog=500, pods=5)
    decision = decide(watched(samples), SPEC)
    assert decision.reason is Reason.STALLED
    assert decision.condition("Stalled").status is Status.TRUE
    assert decision.condition("Stalled").reason == "NothingFinished"
    no_pod = decide(watched(tuple(replace(s, ready=0) for s in samples)), SPEC)
    assert no_pod.condition("Stalled").reason == "NoReadyPods"
    full = decide(watched(tuple(replace(s, chunks_fill=0.9) for s in samples)), SPEC)
    assert full.condition("Stalled").reason == "DownstreamFull"


def test_slow_frames_are_not_taken_for_a_stall():
    slow = steady(60, arrival_hz=1, processed_hz=0, backlog=500, pods=2)
    assert decide(watched(slow, mu_hz=0.02), SPEC).reason is Reason.AWAITING_RESULTS


def test_a_full_stream_downstream_stops_growth_and_is_named():
    samples = steady(60, arrival_hz=100, processed_hz=12, results_fill=0.83)
    decision = decide(history(samples), SPEC)
    assert decision.reason is Reason.BACKPRESSURED
    assert decision.condition("Backpressured").reason == "ResultsFull"
    assert "RESULTS is 83% full" in decision.message
    assert decision.memory.mu_hz is None, "a pod that is held back is no measure of what pods can do"


def test_growth_that_brings_nothing_twice_stops_and_is_tried_again_later():
    steps = live([Weather(arrives=2000, together=300)] * 200, ScalingSpec(max_replicas=100))
    reasons = [step.decision.reason for step in steps]
    assert Reason.SCALING_INEFFECTIVE in reasons
    first = reasons.index(Reason.SCALING_INEFFECTIVE)
    assert steps[first].decision.current < 100
    said = steps[first].decision.condition("ScalingLimited")
    assert (said.status, said.reason) == (Status.TRUE, "ScalingIneffective")
    held = [step for step in steps[first:] if step.history.now < steps[first].history.now + 500]
    assert all(step.decision.action is Action.HOLD for step in held)
    assert any(step.decision.action is Action.UP for step in steps[first:])
    assert steps[-1].decision.memory.mu_hz > 6, "a share of the other limit is not what a pod can do"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"unschedulable": 2}, Reason.UNSCHEDULABLE),
        ({"scale_out_paused": True}, Reason.SCALE_OUT_PAUSED),
        ({"ceiling": 1}, Reason.AT_CEILING),
    ],
)
def test_what_limits_growth_is_a_condition(change, reason):
    decision = decide(history(steady(60, arrival_hz=100, processed_hz=12, **change)), SPEC)
    assert (decision.action, decision.reason) == (Action.HOLD, reason)
    assert decision.condition("ScalingLimited").reason == reason


def test_at_max_replicas_with_more_load_is_a_condition():
    decision = decide(history(steady(60, arrival_hz=100, processed_hz=12)), ScalingSpec(max_replicas=1))
    assert decision.reason is Reason.AT_MAX_REPLICAS
    assert decision.condition("ScalingLimited").reason == "AtMaxReplicas"


def test_growth_stops_at_the_pods_that_the_ack_limit_feeds():
    decision = decide(history(steady(60, arrival_hz=100, processed_hz=12, ceiling=3)), SPEC)
    assert decision.desired == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lifecycle": Lifecycle.PAUSED}, Reason.PAUSED),
        ({"lifecycle": Lifecycle.DRAINED}, Reason.DRAINED),
        ({"rolling_out": True}, Reason.ROLLING_OUT),
    ],
)
def test_nothing_changes_while_others_change_the_pods(change, reason):
    samples = steady(60, arrival_hz=100, processed_hz=12, **change)
    decision = decide(history(samples), ScalingSpec(min_replicas=5))
    assert (decision.action, decision.reason) == (Action.HOLD, reason)
    assert decision.memory.mu_hz is None


def test_replicas_that_a_drain_set_are_not_a_persons_wish():
    drained = healthy(desired=0, ready=0, lifecycle=Lifecycle.DRAINED)
    memory = decide(history([drained], replicas=8), SPEC).memory
    running = healthy(START + 5, desired=0, ready=0)
    resumed = decide(history([drained]).then(running, memory), SPEC)
    assert (resumed.desired, resumed.reason) == (1, Reason.BELOW_MIN_REPLICAS)
    assert resumed.memory.foreign_writes == ()


def test_bounds_hold_without_metrics():
    blind = healthy(desired=50, pending=None)
    decision = decide(history([blind]), SPEC)
    assert (decision.desired, decision.reason) == (30, Reason.ABOVE_MAX_REPLICAS)
    assert decision.condition("MetricsAvailable").status is Status.FALSE
    for unknown in ("lifecycle", "rolling_out", "desired"):
        unsure = decide(history([replace(blind, **{unknown: None})]), SPEC)
        assert (unsure.action, unsure.reason) == (Action.HOLD, Reason.METRICS_MISSING)
    stale = History(now=blind.time + 16, samples=(blind,))
    assert decide(stale, SPEC).action is Action.HOLD
    raised = decide(history([healthy()]), ScalingSpec(min_replicas=5))
    assert (raised.desired, raised.reason) == (5, Reason.BELOW_MIN_REPLICAS)


def test_a_second_autoscaler_is_named():
    weathers = [Weather(by_hand=hand) for hand in (2, 3, 5, 3)]
    decision = live(weathers, SPEC)[-1].decision
    assert decision.reason is Reason.TWO_SCALERS
    assert decision.condition("ScalingLimited").reason == "TwoScalers"


def test_a_change_that_has_not_arrived_yet_is_no_persons_wish():
    samples = steady(60, arrival_hz=50, processed_hz=12)
    first = decide(history(samples), SPEC)
    later = replace(samples[-1], time=samples[-1].time + 5, acked=samples[-1].acked + 60)
    second = decide(history(samples).then(later, first.memory), SPEC)
    assert second.reason is Reason.SCALE_UP_PERIOD
    assert second.memory.manual_since is None


def test_a_scale_back_by_hand_right_after_a_change_that_arrived_is_a_persons_wish():
    steps = live([Weather(arrives=500)] * 4 + [Weather(by_hand=1, arrives=500)], SPEC)
    assert [step.decision.action for step in steps][2:4] == [Action.UP, Action.HOLD]
    assert steps[-1].decision.reason is Reason.MANUAL_SCALE


def test_a_run_wakes_a_sleeping_role_before_its_first_frame():
    decision = decide(history([healthy(desired=0, ready=0, run_active=True)]), ASLEEP)
    assert (decision.desired, decision.reason) == (1, Reason.WAKE_UP)
    known = decide(history([healthy(desired=0, ready=0, pending=9000, last_seq=9000)], mu_hz=12.0), ASLEEP)
    assert known.desired == 8


def test_an_idle_role_sleeps_after_a_cooldown_and_not_while_a_run_is_active():
    idle = live([Weather()] * 80, ASLEEP)
    asleep = next(step for step in idle if step.decision.reason is Reason.IDLE)
    assert 300 <= asleep.history.now - START <= 330
    running = live([Weather(changes={"run_active": True})] * 80, ASLEEP)
    assert all(step.decision.action is Action.HOLD for step in running)
    bounded = live([Weather()] * 80, SPEC)
    assert {step.decision.desired for step in bounded} == {1}


def test_a_fleet_that_was_never_busy_is_tried_smaller_until_it_can_be_measured():
    steps = live([Weather(arrives=15, per_pod=60)] * 400, ScalingSpec(scale_down_window_seconds=60), pods=10)
    assert any(step.decision.reason is Reason.PROBING_CAPACITY for step in steps)
    assert 3 <= steps[-1].decision.desired <= 5
    assert max(step.sample.pending for step in steps) < 1000


def test_dry_run_decides_and_leaves_the_replicas_alone():
    spec = replace(SPEC, dry_run=True)
    steps = live([Weather(arrives=500)] * 10, spec)
    said = [step.decision for step in steps if step.decision.action is Action.UP]
    assert said
    assert not any(decision.acts for decision in said)
    assert {step.sample.desired for step in steps} == {1}
    assert steps[-1].decision.memory.foreign_writes == ()


def test_a_frame_that_is_held_is_the_reason_of_the_lag():
    samples = steady(60, arrival_hz=5, processed_hz=5, oldest_age_seconds=90.0)
    said = decide(history(samples), SPEC).condition("ScalingLimited")
    assert (said.status, said.reason) == (Status.TRUE, "FramesHeld")
    assert "the oldest frame is 90 s old, the target is 30 s" in said.message


def test_a_clock_set_back_does_not_silence_the_policy():
    samples = steady(60, arrival_hz=50, processed_hz=12)
    future = samples[-1].time + 86400
    waiting = decide(history(samples, last_up=future, mu_hz=12.0), SPEC)
    assert waiting.reason is Reason.SCALE_UP_PERIOD
    assert waiting.memory.last_up == samples[-1].time


def test_samples_that_stopped_coming_hold():
    samples = steady(60, arrival_hz=50, processed_hz=12)
    silent = replace(history(samples), now=samples[-1].time + 16)
    decision = decide(silent, SPEC)
    assert decision.reason is Reason.METRICS_STALE
    assert decision.message == "the newest sample is 16 s old, more than 15 s"


def test_no_sample_at_all_holds_without_a_replica_count():
    decision = decide(History(now=START), SPEC)
    assert (decision.current, decision.desired, decision.action) == (None, None, Action.HOLD)
    assert decision.memory == Memory()


@pytest.mark.parametrize(
    "change",
    [
        {"last_seq": 10},
        {"acked": 10},
        {"pending": -1},
        {"acked": 10_000_000},
        {"results_fill": float("nan")},
        {"frames_per_message": 0.0},
        {"oldest_age_seconds": float("inf")},
        {"time": START + 55},
    ],
    ids=str,
)
def test_numbers_that_contradict_hold(change):
    samples = steady(60, arrival_hz=50, processed_hz=12)
    broken = (*samples[:-1], replace(samples[-1], **change))
    decision = decide(replace(history(broken), now=samples[-1].time), SPEC)
    assert (decision.action, decision.reason) == (Action.HOLD, Reason.METRICS_CONTRADICTORY)


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        ("min_replicas", -1, "minReplicas is -1; accepted: 0 or more"),
        ("max_replicas", 0, "maxReplicas is 0; accepted: at least 1"),
        ("utilization", 0.0, "utilization is 0.0; accepted: above 0, at most 1"),
        ("target_lag_seconds", 0.0, "targetLagSeconds is 0.0; accepted: more than 0"),
        ("scale_down_window_seconds", -1.0, "scaleDownWindowSeconds is -1.0; accepted: 0 or more"),
    ],
)
def test_a_spec_that_no_decision_can_follow_is_refused(field, value, accepted):
    with pytest.raises(ValueError, match=accepted):
        ScalingSpec(**{field: value})


@pytest.mark.parametrize(
    "document", [{"mu": 3}, {"peaks": [{"time": 1}]}, {"last_up": "soon"}, {"level": {}}]
)
def test_a_document_that_is_no_memory_is_refused(document):
    with pytest.raises(ValueError, match="not a scaling memory"):
        Memory.from_document(document)


def asked(replicas, **changes):
    """Four quiet ticks with five pods, then one in which somebody asks for so many."""
    weathers = [Weather()] * 4 + [Weather(changes={"asked": replicas} | changes)] + [Weather()] * 3
    return live(weathers, ScalingSpec(min_replicas=2, max_replicas=10), pods=5)


@pytest.mark.parametrize("wanted", [2, 5, 9])
def test_replicas_that_are_asked_for_come_at_once_and_stand_for_a_cooldown(wanted):
    steps = asked(wanted)
    assert (steps[4].decision.desired, steps[4].decision.reason) == (wanted, Reason.MANUAL_SCALE)
    assert {step.decision.reason for step in steps[5:]} == {Reason.MANUAL_SCALE}
    assert {step.sample.desired for step in steps[5:]} == {wanted}
    assert steps[-1].decision.memory.foreign_writes == (steps[4].history.now,), "one wish is one write"


@pytest.mark.parametrize(
    ("wanted", "reason"), [(11, Reason.ABOVE_MAX_REPLICAS), (1, Reason.BELOW_MIN_REPLICAS)]
)
def test_replicas_that_are_asked_for_outside_the_bounds_change_nothing_and_that_is_said(wanted, reason):
    steps = asked(wanted)
    assert (steps[4].decision.action, steps[4].decision.reason) == (Action.HOLD, reason)
    assert f"{wanted} pod" in steps[4].decision.message
    assert steps[-1].decision.memory.manual_since is None


@pytest.mark.parametrize(
    "change", [{"lifecycle": Lifecycle.PAUSED}, {"lifecycle": Lifecycle.DRAINED}, {"rolling_out": True}]
)
def test_replicas_that_are_asked_for_while_others_change_the_pods_wait(change):
    steps = asked(9, **change)
    assert {step.sample.desired for step in steps} == {5}
    assert steps[4].decision.memory.foreign_writes == ()


def test_replicas_that_are_asked_for_come_in_a_dry_run_too_and_without_metrics():
    spec = ScalingSpec(max_replicas=10, dry_run=True)
    decision = decide(history([healthy(asked=3, pending=None)]), spec)
    assert (decision.acts, decision.desired, decision.dry_run) == (True, 3, False)


def test_who_asks_again_and_again_is_a_second_autoscaler():
    weathers = [Weather(changes={"asked": wanted}) for wanted in (2, 3, 5)]
    decision = live([Weather(), *weathers, Weather()], SPEC)[-1].decision
    assert decision.reason is Reason.TWO_SCALERS
    assert decision.condition("ScalingLimited").reason == "TwoScalers"


def test_where_others_scale_nothing_is_decided_and_no_lag_goes_without_a_reason():
    spec = replace(SPEC, external=True)
    steps = live([Weather(arrives=500, by_hand=1 + tick % 7) for tick in range(40)], spec)
    assert {step.decision.reason for step in steps} == {Reason.EXTERNAL}
    assert not any(step.decision.memory.foreign_writes for step in steps)
    late = decide(history(steady(60, arrival_hz=50, processed_hz=12, oldest_age_seconds=99.0)), spec)
    assert late.condition("ScalingLimited").status is Status.TRUE
    assert late.condition("ScalingLimited").reason == "External"
    assert late.condition("MetricsAvailable").status is Status.TRUE
