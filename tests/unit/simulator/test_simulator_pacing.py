"""A source keeps its rate: never faster, no burst after a hold, and what it waits for is then due."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.simulator.pacing import Pace

rates = st.floats(0.01, 10_000)
clocks = st.floats(0, 100_000)
events = st.integers(0, 10**9)


@given(rates, events, clocks, st.lists(st.floats(0, 3), min_size=1, max_size=50), st.integers(1, 64))
def test_a_source_is_never_above_its_rate(rate, first, start, steps, most):
    pace, event, clock = Pace(rate, first, start), first, start
    for step in steps:
        clock += step
        event += pace.due(event, clock, most)
        assert event - first <= (clock - start) * rate + 1 + 1e-6


@given(rates, events, clocks, st.integers(1, 64))
def test_an_event_is_due_once_it_has_been_waited_for_and_not_long_before(rate, event, start, most):
    pace = Pace(rate, event, start)
    following = event + 1
    assert pace.due(event, start, most) == 1
    wait = pace.wait(following, start)
    assert abs(wait - 1 / rate) < 1e-6 * max(1, start)
    assert pace.due(following, start + wait * 1.001 + 1e-6, most) >= 1
    if wait > 1e-3:
        assert pace.due(following, start + wait * 0.99 - 1e-9 * start, most) == 0


@given(rates, events, clocks, st.floats(1, 10_000), st.integers(1, 64))
def test_a_source_that_was_held_does_not_make_up_for_it_in_a_burst(rate, event, start, held, most):
    late = start + held
    resumed = Pace(rate, event, start).resume(event, late)
    assert resumed.due(event, late, most) == 1
    assert resumed.behind(event, late) == 0


@given(rates, events, clocks, st.floats(0, 1000))
def test_an_event_is_either_late_or_waited_for(rate, event, start, later):
    pace = Pace(rate, event, start)
    assert min(pace.wait(event, start + later), pace.behind(event, start + later)) == 0


@given(events, clocks, st.integers(1, 64))
def test_without_a_rate_everything_is_due_at_once(event, clock, most):
    pace = Pace(None, 0, 0)
    assert (pace.due(event, clock, most), pace.wait(event, clock), pace.behind(event, clock)) == (most, 0, 0)
