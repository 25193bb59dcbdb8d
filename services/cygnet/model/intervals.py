"""Sets of event numbers as sorted, disjoint intervals: a million events in a few numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Pairs = list[tuple[int, int]]


class IntervalSet:
    """A mutable set of whole numbers, kept as disjoint, non-adjacent intervals [first, last].

    Membership and insertion cost O(log k) and O(k) in the number k of intervals, not of members.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in pairs:
            self.add(first, last)

    @classmethod
    def of(cls, members: Iterable[int]) -> "IntervalSet":
        """Return the set of the given numbers, in any order, with repetition."""
        return cls(compress(members))

    def add(self, first: int, last: int | None = None) -> None:
        """Add the numbers first … last, both included; one number when `last` is absent."""
        last = first if last is None else last
        if last < first:
            raise ValueError(f"interval [{first}, {last}] ends before it begins")
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def update(self, pairs: "Iterable[tuple[int, int]] | IntervalSet") -> None:
        """Add every interval of `pairs`."""
        for first, last in pairs.pairs() if isinstance(pairs, IntervalSet) else pairs:
            self.add(first, last)

    def pairs(self) -> Pairs:
        """Return the intervals as (first, last), ascending."""
        return list(zip(self._firsts, self._lasts, strict=True))

    @property
    def end(self) -> int:
        """The first number above all members; 0 for the empty set."""
        return self._lasts[-1] + 1 if self._lasts else 0

    def covers(self, first: int, last: int) -> bool:
        """Return whether every number first … last is a member; an empty range is covered."""
        if last < first:
            return True
        place = bisect_right(self._firsts, first) - 1
        return place >= 0 and self._lasts[place] >= last

    def union(self, *others: "IntervalSet") -> "IntervalSet":
        """Return a new set with the members of all."""
        return IntervalSet(sorted(pair for each in (self, *others) for pair in each.pairs()))

    def minus(self, other: "IntervalSet") -> "IntervalSet":
        """Return a new set with the members that `other` lacks."""
        left = IntervalSet()
        for first, last in self.pairs():
            start = first
            for gap_first, gap_last in other.within(first, last):
                if gap_first > start:
                    left.add(start, gap_first - 1)
                start = gap_last + 1
            if start <= last:
                left.add(start, last)
        return left

    def within(self, first: int, last: int) -> Pairs:
        """Return the intervals clipped to first … last."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        return [(max(self._firsts[i], first), min(self._lasts[i], last)) for i in range(low, high)]

    def count_within(self, first: int, last: int) -> int:
        """Return how many members lie in first … last."""
        return sum(b - a + 1 for a, b in self.within(first, last))

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and self._lasts[place] >= number

    def __iter__(self) -> Iterator[int]:
        for first, last in zip(self._firsts, self._lasts, strict=True):
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.pairs() == other.pairs()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IntervalSet({self.pairs()})"


def compress(members: Iterable[int]) -> Pairs:
    """Return the sorted, disjoint intervals (first, last) that hold exactly `members`."""
    pairs: Pairs = []
    for number in sorted(set(members)):
        if pairs and pairs[-1][1] == number - 1:
            pairs[-1] = (pairs[-1][0], number)
        else:
            pairs.append((number, number))
    return pairs
