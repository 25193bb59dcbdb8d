"""Interval sets must be sets: any difference from Python's own would lose or double events."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.intervals import IntervalSet, compress

numbers = st.sets(st.integers(0, 60))
spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda p: (p[0], p[0] + p[1])))


def members(pairs: list[tuple[int, int]]) -> set[int]:
    return {n for first, last in pairs for n in range(first, last + 1)}


@given(spans)
def test_adding_overlapping_intervals_in_any_order_counts_each_event_once(pairs):
    found = IntervalSet(pairs)
    assert set(found) == members(pairs)
    assert len(found) == len(members(pairs))
    assert all(a[1] + 1 < b[0] for a, b in zip(found.pairs(), found.pairs()[1:], strict=False))


@given(numbers, numbers)
def test_union_and_difference_are_those_of_sets(a, b):
    left, right = IntervalSet.of(a), IntervalSet.of(b)
    assert set(left.union(right)) == a | b
    assert set(left.minus(right)) == a - b
    assert (set(left), set(right)) == (a, b)


@given(numbers, st.integers(0, 60), st.integers(0, 60))
def test_ranges_are_covered_and_counted_exactly(a, first, last):
    found = IntervalSet.of(a)
    inside = {n for n in a if first <= n <= last}
    assert found.covers(first, last) == (set(range(first, last + 1)) <= a)
    assert found.count_within(first, last) == len(inside)
    assert all((n in found) == (n in a) for n in range(62))


@given(st.lists(st.integers(0, 60)))
def test_compress_keeps_exactly_the_members(values):
    assert members(compress(values)) == set(values)
