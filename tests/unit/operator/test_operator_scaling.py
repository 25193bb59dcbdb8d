"""The operator's scaling by examples: what is carried out, said, kept, and what it is on the four loads."""

from dataclasses import replace

import pytest

from cygnet.scaling import TICK_SECONDS, Action, Reason, Sample, Status
from cygnet.scaling.simulator import Policy, cygnet_policy, simulate
from cygnet.scaling.traces import TRACES
from cygnet_operator.scaling import WAKE_SECONDS, open_scaler, tick_seconds
from cygnet_operator.workers import PAUSE_SCALE_OUT
from unit.operator.scaling_world import Hour, live, numbers, observed
from unit.scaling.scaling_histories import START, healthy

BUSY = [Hour(arrives=3000)] * 12


def reasons(ticks):
    return [tick.scaled.decision.reason for tick in ticks]


def test_a_busy_pipeline_grows_and_each_step_is_told_once_with_its_numbers():
    ticks = live(BUSY, maxReplicas=20)
    steps = [tick for tick in ticks if tick.scaled.decision.action is Action.UP]
    assert steps
    assert [tick.scaled.is_change for tick in ticks] == [tick in steps for tick in ticks]
    last = ticks[-1].scaled.status["lastDecision"]
    assert (last["from"], last["to"]) == (
        steps[-1].scaled.decision.current,
        steps[-1].scaled.decision.desired,
    )
    assert last["reason"] == "DemandAboveCapacity"
    assert last["inputs"]["demand_pods"] > last["from"]
    assert last["time"].endswith("Z")


def test_holds_that_stand_are_one_line_of_the_status_and_cost_no_write():
    ticks = live([Hour()] * 80)
    statuses = [tick.scaled.status for tick in ticks[5:]]
    assert all(status == statuses[0] for status in statuses), "an idle Pipeline is written no more"
    [hold] = statuses[0]["decisions"]
    assert (hold["from"], hold["to"], hold["reason"]) == (1, 1, "AtMinReplicas")


def test_pods_that_no_node_takes_stop_growth_and_that_is_said():
    ticks = live([*BUSY, *[Hour(arrives=3000, cluster={"unschedulable": 2})] * 4], maxReplicas=200)
    limited = next(each for each in ticks[-1].scaled.conditions if each.type == "ScalingLimited")
    assert (limited.status, limited.reason) == (Status.TRUE, "Unschedulable")
    assert not any(tick.scaled.decision.acts for tick in ticks[-4:])


def test_growth_that_brings_nothing_twice_is_given_up():
    ticks = live([Hour(arrives=3000, together=60)] * 60, maxReplicas=200)
    assert Reason.SCALING_INEFFECTIVE in reasons(ticks)
    assert ticks[-1].scaled.decision.desired < 40


def test_an_annotation_holds_growth():
    paused = Hour(arrives=3000, cluster={"annotations": {PAUSE_SCALE_OUT: "true"}})
    ticks = live([paused] * 12, maxReplicas=20)
    assert {tick.scaled.decision.desired for tick in ticks} == {1}
    assert Reason.SCALE_OUT_PAUSED in reasons(ticks)


def test_a_dry_run_says_each_step_once_and_takes_none():
    ticks = live(BUSY * 2, maxReplicas=20, dryRun=True)
    assert not any(tick.scaled.decision.acts for tick in ticks)
    said = [tick.scaled.decision for tick in ticks if tick.scaled.is_change]
    assert said
    assert len({(each.current, each.desired, each.reason) for each in said}) == len(said)
    assert ticks[-1].scaled.status["lastDecision"]["dryRun"] is True


def test_kubectl_scale_is_done_even_in_a_dry_run_and_is_told():
    ticks = live([Hour(), Hour(scale=4), Hour()], maxReplicas=20, dryRun=True)
    assert ticks[1].scaled.decision.acts
    assert ticks[1].scaled.is_change
    assert ticks[2].scaled.decision.current == 4
    assert ticks[1].scaled.status["lastDecision"]["reason"] == "ManualScale"


def test_kubectl_scale_outside_the_bounds_changes_nothing_and_is_told_in_the_status():
    ticks = live([Hour(), Hour(scale=50), *[Hour()] * 3], maxReplicas=20)
    assert {tick.scaled.decision.desired for tick in ticks} == {1}
    assert not any(tick.scaled.is_change for tick in ticks)
    assert (
        "50 pods asked for by hand, maxReplicas is 20" in ticks[1].scaled.status["decisions"][-1]["message"]
    )


def test_a_wish_that_comes_in_a_rollout_or_while_the_operator_is_down_is_not_lost():
    rollout = {"rolling_out": True}
    ticks = live([Hour(), Hour(scale=3, cluster=rollout), Hour(cluster=rollout), Hour()], maxReplicas=20)
    assert [tick.scaled.decision.desired for tick in ticks] == [1, 1, 1, 3]
    ticks = live([Hour(), Hour(scale=3, restart=True), Hour()], maxReplicas=20)
    assert [tick.scaled.decision.desired for tick in ticks] == [1, 3, 3]


def test_a_second_autoscaler_is_named():
    ticks = live([Hour(), *[Hour(scale=wish) for wish in (2, 5, 3)], Hour()], maxReplicas=20)
    limited = next(each for each in ticks[-1].scaled.conditions if each.type == "ScalingLimited")
    assert (limited.status, limited.reason) == (Status.TRUE, "TwoScalers")


def test_a_first_visit_takes_no_replicas_for_a_wish():
    scaled = open_scaler(observed(1, replicas=7)).tick(observed(1, replicas=7), numbers(healthy(START)))
    assert not scaled.decision.acts


def test_mode_external_only_tells_conditions():
    ticks = live([Hour(arrives=3000, scale=1 + tick) for tick in range(9)], mode="external", maxReplicas=3)
    assert set(reasons(ticks)) == {Reason.EXTERNAL}
    assert not any(tick.scaled.is_change for tick in ticks)
    kinds = [each.type for each in ticks[-1].scaled.conditions]
    assert kinds == ["MetricsAvailable", "Stalled", "Backpressured", "ScalingLimited"]
    back = live([Hour(scale=3), Hour()], mode="external", maxReplicas=3)[-1].scaled.status
    auto = observed(1, replicas=3, status=dict(back), maxReplicas=3)
    assert not open_scaler(auto).tick(auto, numbers(healthy(START))).decision.acts, "that was no wish"


def test_bounds_hold_also_when_nats_says_nothing():
    below = observed(1, minReplicas=3)
    decision = open_scaler(below).tick(below, Sample(time=START)).decision
    assert (decision.desired, decision.reason) == (3, Reason.BELOW_MIN_REPLICAS)


def test_without_a_deployment_nothing_is_decided():
    absent = observed(None)
    scaled = open_scaler(absent).tick(absent, numbers(healthy(START)))
    assert scaled.decision.desired is None
    assert scaled.status["decisions"] == []


def test_a_sleeping_pipeline_is_looked_at_more_often_and_wakes_at_the_first_frame():
    asleep = observed(0, minReplicas=0)
    assert tick_seconds(asleep) == WAKE_SECONDS == 2
    assert tick_seconds(observed(1)) == tick_seconds(observed(None)) == TICK_SECONDS
    scaler = open_scaler(asleep)
    assert scaler.tick(asleep, numbers(healthy(START))).decision.reason is Reason.ASLEEP
    woken = scaler.tick(asleep, numbers(healthy(START + 2, pending=1, last_seq=1))).decision
    assert (woken.acts, woken.desired, woken.reason) == (True, 1, Reason.WAKE_UP)


def test_a_status_of_another_make_is_begun_anew():
    strange = {"scaling": "no json", "decisions": [{"time": "yesterday"}], "lastDecision": 5}
    scaled = open_scaler(observed(1, status=strange)).tick(observed(1), numbers(healthy(START)))
    assert len(scaled.status["decisions"]) == 1


def test_what_was_decided_before_a_restart_is_still_told_after_it():
    before = live(BUSY, maxReplicas=20)
    after = live([*BUSY, Hour(arrives=3000, restart=True)], maxReplicas=20)
    assert after[-1].scaled.status["lastDecision"] == before[-1].scaled.status["lastDecision"]
    changes = [each for each in before[-1].scaled.status["decisions"] if each["from"] != each["to"]]
    assert [each for each in after[-1].scaled.status["decisions"] if each["from"] != each["to"]] == changes


def operator_policy(restart_every: int | None = None) -> Policy:
    """The operator's scaler on the simulator's fleet, begun anew every so many ticks."""

    def begin():
        scaler, status, tick = None, {}, 0

        def rule(samples):
            nonlocal scaler, status, tick
            sample = samples[-1]
            seen = observed(sample.desired, ready=sample.ready, status=status, maxReplicas=30)
            if scaler is None or (restart_every and tick % restart_every == 0):
                scaler = open_scaler(seen)
            scaled = scaler.tick(seen, replace(numbers(sample), time=START + sample.time))
            status, tick = dict(scaled.status), tick + 1
            decision = scaled.decision
            return decision.desired if decision.acts else sample.desired

        return rule

    return Policy("operator", "operator", int(TICK_SECONDS), begin)


@pytest.mark.parametrize("trace", TRACES)
def test_on_the_four_loads_the_operator_does_what_the_simulation_shows(trace):
    ours, simulated = (simulate(TRACES[trace](), each) for each in (operator_policy(), cygnet_policy()))
    print(
        f"{trace}: operator {len(ours.steps)} changes, {ours.reversals} reversals,"
        f" {ours.seconds_over} s over, {ours.mean_pods:.1f} pods;"
        f" simulate {len(simulated.steps)}, {simulated.reversals}, {simulated.seconds_over} s,"
        f" {simulated.mean_pods:.1f}"
    )
    assert ours.steps == simulated.steps


@pytest.mark.parametrize("trace", ["constant", "step", "beam"])
def test_an_operator_that_restarts_every_two_minutes_loses_no_capacity(trace):
    restarted = simulate(TRACES[trace](), operator_policy(restart_every=24))
    steady = simulate(TRACES[trace](), cygnet_policy())
    assert restarted.seconds_over <= steady.seconds_over + 30
    assert restarted.reversals <= steady.reversals
