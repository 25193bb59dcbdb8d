"""An event's time never depends on what was asked for before, and arrivals are what their name says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.simulator.schedule import Fixed, Poisson, Schedule, event_times, schedule_of
from cygnet.spec.simulated import Burst, SimulatedSource

seeds = st.integers(0, 2**64 - 1)
rates = st.floats(0.01, 10_000)
firsts = st.integers(0, 20_000)
counts = st.integers(1, 3000)


@given(seeds, rates, st.lists(st.tuples(firsts, counts), min_size=1, max_size=5))
def test_a_time_is_the_same_whatever_was_asked_for_before(seed, rate, questions):
    used = Poisson(rate, seed)
    for first, count in questions:
        assert np.array_equal(used.seconds(first, count), Poisson(rate, seed).seconds(first, count))


@given(seeds, rates, firsts, counts, st.integers(0, 2000))
def test_a_part_of_an_answer_is_the_answer_for_the_part(seed, rate, first, count, skipped):
    for arrivals in (Poisson(rate, seed), Fixed(rate)):
        whole = arrivals.seconds(first, count + skipped)
        assert np.array_equal(whole[skipped:], arrivals.seconds(first + skipped, count))


@given(seeds, rates, firsts, counts)
def test_time_never_goes_back(seed, rate, first, count):
    for arrivals in (Poisson(rate, seed), Fixed(rate)):
        times = arrivals.seconds(first, count)
        assert times[0] >= 0
        assert (np.diff(times) >= 0).all()


def test_poisson_arrivals_are_exponential_within_blocks_and_across_them():
    """Kolmogorov's and Smirnov's distance of 50,000 waits, and Poisson's variance of counts in intervals."""
    times = Poisson(100.0, 7).seconds(0, 50_000)
    waits = np.sort(np.diff(times, prepend=0.0)) * 100
    expected = 1 - np.exp(-waits)
    assert np.abs(expected - np.arange(len(waits)) / len(waits)).max() < 1.95 / math.sqrt(len(waits))
    counts, _ = np.histogram(times, np.arange(0, times[-1], 0.5))
    assert abs(counts.mean() - 50) < 4 * math.sqrt(50 / len(counts))
    assert 0.8 < counts.var() / counts.mean() < 1.2
    long, _ = np.histogram(times, np.arange(0, times[-1], 20.48))  # as long as two blocks
    assert 0.3 < long.var() / long.mean() < 2.5


def test_seeds_give_other_arrivals():
    assert not np.array_equal(Poisson(1, 1).seconds(0, 10), Poisson(1, 2).seconds(0, 10))


def test_event_a_billion_is_near():
    assert abs(Poisson(1.0, 3).seconds(10**9, 1)[0] / 1e9 - 1) < 1e-3


@given(
    st.sampled_from([Fixed(7.0), Poisson(7.0, 5)]),
    st.floats(0.1, 100),
    st.floats(0.1, 100),
    firsts,
    st.integers(1, 200),
)
def test_no_event_happens_while_the_beam_is_off(arrivals, on, off, first, count):
    schedule = Schedule(arrivals, Burst(onSeconds=on, offSeconds=off))
    times = schedule.seconds(first, count)
    assert (np.diff(times) >= 0).all()
    nearly = 1e-9 * (1 + times)
    phase = (times + nearly) % (on + off)
    assert (phase <= on + 2 * nearly).all()


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0, 10_000))
def test_the_beam_says_for_how_long_it_stays_as_it_is(on, off, seconds):
    schedule = Schedule(Fixed(1.0), Burst(onSeconds=on, offSeconds=off))
    is_on, lasts = schedule.beam(seconds)
    assert 0 < lasts <= (on if is_on else off) + 1e-9
    tiny = 1e-6 * (1 + seconds)
    if lasts > 3 * tiny:
        assert schedule.beam(seconds + lasts - tiny)[0] == is_on
    if min(on, off) > 3 * tiny:
        assert schedule.beam(seconds + lasts + tiny)[0] != is_on


def test_without_bursts_there_is_always_beam():
    assert Schedule(Fixed(1.0)).beam(1e6) == (True, math.inf)


@pytest.mark.parametrize("rate", [None, 250.0])
def test_events_have_times_also_where_nothing_paces_them(rate):
    spec = SimulatedSource(model="cygno", rateHz=rate)
    assert (schedule_of(spec, 1) is None) == (rate is None)
    assert event_times(spec, 1).seconds(0, 3).tolist() == [0, 1 / (rate or 1000), 2 / (rate or 1000)]
