"""Every change of the policy has to pass the four load traces, and beat Numaflow's and KEDA's rules."""

from functools import cache

import pytest

from cygnet.scaling.simulator import POLICIES, Outcome, simulate
from cygnet.scaling.traces import TRACES, noisy

TRACE_NAMES = ("constant", "step", "beam", "noisy")

# What an arrival-and-drain policy reached in the study that ours follows: reversals, seconds over 30 s.
# The traces' rates and seeds are our own reading of it, hence the margins.
STUDY = {"constant": (1, 26), "step": (3, 29), "beam": (1, 28), "noisy": (5, 27)}
MARGIN_REVERSALS = 0
MARGIN_SECONDS_OVER = 5


@cache
def outcome(trace: str, policy: str) -> Outcome:
    return simulate(TRACES[trace](), POLICIES[policy]())


@pytest.mark.parametrize("trace", TRACE_NAMES)
def test_policy_is_as_good_as_the_study_it_follows(trace):
    ours = outcome(trace, "cygnet")
    reversals, seconds_over = STUDY[trace]
    assert ours.reversals <= reversals + MARGIN_REVERSALS
    assert ours.seconds_over <= seconds_over + MARGIN_SECONDS_OVER


@pytest.mark.parametrize("trace", TRACE_NAMES)
@pytest.mark.parametrize("rival", ["numaflow", "keda-240", "keda-100", "keda-10"])
def test_policy_is_late_and_turns_back_less_than_its_rivals(trace, rival):
    ours, theirs = outcome(trace, "cygnet"), outcome(trace, rival)
    assert ours.seconds_over < theirs.seconds_over
    assert ours.reversals <= theirs.reversals
    assert len(ours.steps) < len(theirs.steps)


@pytest.mark.parametrize("trace", TRACE_NAMES)
def test_policy_does_not_buy_its_lag_with_idle_pods(trace):
    ours = outcome(trace, "cygnet")
    peak = max(ours.trace.frames) if trace != "noisy" else 200
    assert ours.mean_pods <= peak / 12 / 0.7 * 1.1


@pytest.mark.parametrize("seed", range(5))
def test_policy_holds_its_target_on_other_noise(seed):
    ours = simulate(noisy(seed), POLICIES["cygnet"]())
    assert ours.seconds_over <= STUDY["noisy"][1] + MARGIN_SECONDS_OVER
    assert ours.reversals <= STUDY["noisy"][0] + 2


@pytest.mark.parametrize("trace", TRACE_NAMES)
def test_traces_last_an_hour_and_are_the_same_every_time(trace):
    frames = TRACES[trace]().frames
    assert len(frames) == 3600
    assert min(frames) >= 0
    assert frames == TRACES[trace]().frames


def test_every_frame_of_a_trace_is_processed_or_waits():
    result = outcome("step", "cygnet")
    arrived = sum(second.arrived for second in result.seconds)
    assert result.seconds[-1].backlog == 0
    assert arrived == sum(result.trace.frames)


def test_a_pod_asked_for_works_after_twenty_seconds():
    seconds = outcome("constant", "cygnet").seconds
    asked = next(second.time for second in seconds if second.desired > 1)
    ready = next(second.time for second in seconds if second.ready > 1)
    assert ready - asked == 20
