"""A source keeps its schedule: never ahead of it, no burst after a hold; what it waits for is then due."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cygnet.simulator.pacing import Pace
from cygnet.simulator.schedule import Fixed, Poisson, Schedule
from cygnet.spec.simulated import Burst

rates = st.floats(0.01, 10_000)
clocks = st.floats(0, 100_000)
events = st.integers(0, 10**6)
schedules = st.builds(
    Schedule,
    st.one_of(st.builds(Fixed, rates), st.builds(Poisson, rates, st.integers(0, 99))),
    st.none() | st.builds(Burst, onSeconds=st.floats(0.1, 100), offSeconds=st.floats(0.1, 100)),
    st.floats(0.1, 100),
)


def gap(schedule, event):
    """Return the seconds from an event to the next one."""
    first, second = schedule.seconds(event, 2)
    return (second - first) / schedule.time_scale


def precision(schedule, event, clock):
    """Return how well a time this far from its origin can be told."""
    return 1e-12 * (schedule.seconds(event)[0] / schedule.time_scale + clock) + 1e-9


@given(rates, events, clocks, st.lists(st.floats(0, 3), min_size=1, max_size=50), st.integers(1, 64))
def test_a_source_is_never_above_its_rate(rate, first, start, steps, most):
    pace, event, clock = Pace(Schedule(Fixed(rate)), first, start), first, start
    for step in steps:
        clock += step
        event += pace.due(event, clock, most)
        assert event - first <= (clock - start) * rate + 1 + 1e-6 * rate


@given(schedules, events, clocks, st.integers(1, 64))
def test_an_event_is_due_once_it_has_been_waited_for_and_not_long_before(schedule, event, start, most):
    pace, following = Pace(schedule, event, start), event + 1
    tiny = precision(schedule, event, start)
    assert pace.due(event, start, most) >= 1
    wait = pace.wait(following, start)
    assert abs(wait - gap(schedule, event)) <= tiny
    assert pace.due(following, start + wait + 2 * tiny, most) >= 1
    if wait > 10 * tiny:
        assert pace.due(following, start + wait - 2 * tiny, most) == 0


@given(schedules, events, clocks, st.floats(1, 10_000), st.integers(2, 64))
def test_a_source_that_was_held_does_not_make_up_for_it_in_a_burst(schedule, event, start, held, most):
    late = start + held
    resumed = Pace(schedule, event, start).resume(event, late)
    assert resumed.behind(event, late) == 0
    assert (resumed.due(event, late, most) == 1) == (gap(schedule, event) > 0)


@given(schedules, events, clocks, st.floats(0, 1000))
def test_an_event_is_either_late_or_waited_for(schedule, event, start, later):
    pace = Pace(schedule, event, start)
    assert min(pace.wait(event, start + later), pace.behind(event, start + later)) == 0


@given(schedules, events, clocks, st.floats(0, 100))
def test_the_beam_goes_by_simulated_time(schedule, event, start, later):
    on, lasts = Pace(schedule, event, start).beam(start + later)
    if schedule.burst is None:
        assert (on, lasts) == (True, math.inf)
    else:
        longest = schedule.burst.on_seconds if on else schedule.burst.off_seconds
        assert 0 < lasts <= longest / schedule.time_scale + 1e-6


@given(events, clocks, st.integers(1, 64))
def test_without_a_rate_everything_is_due_at_once(event, clock, most):
    pace = Pace(None, 0, 0)
    assert (pace.due(event, clock, most), pace.wait(event, clock), pace.behind(event, clock)) == (most, 0, 0)
    assert pace.beam(clock) == (True, math.inf)
