"""Leases driven through every order of looks, renewals, sleeps and crashes: never two of one epoch."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cygnet.transport.lease import Observation, is_still_ours, may_take, observe

WAITERS = st.integers(0, 2)


@dataclass
class Bucket:
    """The document and its revision; changed only by compare-and-set, as JetStream does."""

    revision: int = 0
    holder: int | None = None
    epoch: int = 0
    is_released: bool = False


@dataclass
class Contender:
    """One process: what it has seen, and what it believes to hold."""

    seen: Observation | None = None
    epoch: int = 0
    revision: int = 0
    renewed: float = 0.0
    is_alive: bool = True
    read: Bucket | None = None


class Leases(RuleBasedStateMachine):
    """Three processes of one role on machines whose clocks run at one rate."""

    @initialize()
    def begin(self) -> None:
        self.now = 100.0
        self.bucket = Bucket()
        self.all = [Contender() for _ in range(3)]
        self.owners: dict[int, int] = {}

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 6.0, 9.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=WAITERS)
    def looks(self, number: int) -> None:
        me = self.all[number]
        if not me.is_alive or me.epoch:
            return
        bucket = self.bucket
        me.read = Bucket(bucket.revision, bucket.holder, bucket.epoch, bucket.is_released)
        dead = bucket.holder is not None and not self.all[bucket.holder].is_alive
        me.seen = observe(
            me.seen, bucket.revision, self.now, is_released=bucket.is_released, is_holder_dead=dead
        )

    @rule(number=WAITERS)
    def takes_what_it_saw(self, number: int) -> None:
        """The decision rests on an old look, the write on the revision of that look."""
        me = self.all[number]
        if not me.is_alive or me.epoch or me.read is None or me.seen is None:
            return
        if me.read.revision and not may_take(me.seen, self.now):
            return
        if self.bucket.revision != me.read.revision:
            return
        self.bucket = Bucket(me.read.revision + 1, number, me.read.epoch + 1)
        me.epoch, me.revision, me.renewed = me.read.epoch + 1, me.read.revision + 1, self.now
        assert me.epoch not in self.owners
        self.owners[me.epoch] = number

    @rule(number=WAITERS, answered=st.booleans())
    def renews(self, number: int, answered: bool) -> None:
        me = self.all[number]
        if not me.is_alive or not me.epoch:
            return
        if not is_still_ours(me.renewed, self.now) or self.bucket.revision != me.revision:
            me.epoch = 0
            return
        self.bucket = Bucket(me.revision + 1, number, me.epoch)
        if answered:
            me.revision, me.renewed = me.revision + 1, self.now
        else:  # the write came through unheard: it is found by the next one, and counts for nothing
            me.revision += 1

    @rule(number=WAITERS)
    def releases(self, number: int) -> None:
        me = self.all[number]
        if me.is_alive and me.epoch and self.bucket.revision == me.revision:
            self.bucket = Bucket(me.revision + 1, number, me.epoch, is_released=True)
        me.epoch = 0

    @rule(number=WAITERS)
    def is_killed_and_comes_back(self, number: int) -> None:
        """A killed process is known dead on its machine; its successor is another contender."""
        me = self.all[number]
        if me.is_alive:
            me.is_alive, me.epoch = False, 0
        else:
            self.all[number] = Contender(is_alive=self.bucket.holder != number)

    @invariant()
    def at_most_one_may_act(self) -> None:
        if not hasattr(self, "all"):
            return
        acting = [me.epoch for me in self.all if me.epoch and is_still_ours(me.renewed, self.now)]
        assert len(acting) <= 1


Leases.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLeases = Leases.TestCase


def test_a_lease_is_free_after_ten_seconds_of_silence_and_not_before() -> None:
    seen = observe(None, 5, 100.0, is_released=False, is_holder_dead=False)
    seen = observe(seen, 5, 109.0, is_released=False, is_holder_dead=False)
    assert not may_take(seen, 109.9)
    assert may_take(seen, 110.0)
    moved = observe(seen, 6, 109.9, is_released=False, is_holder_dead=False)
    assert not may_take(moved, 110.0)
    assert may_take(observe(moved, 7, 110.0, is_released=True, is_holder_dead=False), 110.0)
    assert may_take(observe(moved, 7, 110.0, is_released=False, is_holder_dead=True), 110.0)


def test_a_holder_stops_before_another_may_begin() -> None:
    assert is_still_ours(0.0, 8.99)
    assert not is_still_ours(0.0, 9.0)
