"""Every interleaving of delivery, crash, takeover and upload stores each event once and only once.

A small world with the rules of JetStream that matter (work queue, expected last sequence, stale acks)
runs the real decisions; hypothesis chooses who moves next, also an old aggregator that does not know yet.
"""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cygnet.aggregator.assembly import EVENT_BYTES, Assembly, ChunkLimits
from cygnet.aggregator.takeover import SliceSubject, orphans, places_to_fence, unsent_notices
from cygnet.model.account import Begin, Commit, Consumed, Dead, End, Epoch, Stored
from cygnet.model.identity import FrameId
from cygnet.model.ledger import fold, ledger, stored_twice
from cygnet.model.result import Result

RUN, DETECTOR = "run", "cam"
LIMITS = ChunkLimits(
    events=4, age_seconds=10, chunk_bytes=5 * EVENT_BYTES, held_bytes=20 * EVENT_BYTES, held_messages=50
)
SHAPES = [(1,), (1,), (1,), (2,)]


def result(event: int, shape: tuple[int, ...]) -> Result:
    image = np.full(shape, event, np.uint8)
    return Result(id=FrameId(RUN, DETECTOR, event), time_ns=event, arrays={"image": image})


@dataclass
class World:
    """The servers: what is here survives every crash."""

    results: dict[int, list[Result]] = field(default_factory=dict)  # work queue, by sequence
    consumer: int = 0  # epoch whose consumer exists; acks of others touch nothing
    account: list = field(default_factory=list)
    slices: dict[SliceSubject, list[Result]] = field(default_factory=dict)
    notices: list[Commit] = field(default_factory=list)
    bucket: dict[str, list[int]] = field(default_factory=dict)
    manifests: set[str] = field(default_factory=set)
    sequence: int = 0

    def last_commit(self) -> int:
        return max((i for i, r in enumerate(self.account, 1) if r.kind == "commit"), default=0)


class Aggregator:
    """One process: its memory is lost with it. Takeover and commit are cut into steps."""

    def __init__(self, world: World, epoch: int) -> None:
        self.world, self.epoch = world, epoch
        self.assembly = Assembly(LIMITS)
        self.fenced = False
        self.expected = 0
        self.read = 0
        self.steps = self._live()

    def step(self) -> None:
        next(self.steps, None)

    def _live(self):
        yield from self._accede()
        while not self.fenced:
            self._follow()
            self._acknowledge()
            chunk = self.assembly.take_due()
            yield
            if chunk is not None:
                yield from self._commit(chunk)

    def _accede(self):
        world = self.world
        world.consumer = min(world.consumer, 0)
        yield
        slices = list(world.slices)
        if places_to_fence([fold(RUN, world.account)], slices):
            yield
            world.account.append(Epoch(run=RUN, detector=DETECTOR, epoch=self.epoch))
            self.expected = len(world.account)
        yield
        records = list(world.account)
        self.read = len(records)
        account = fold(RUN, records)
        for orphan in orphans([account], slices):
            world.slices.pop(orphan, None)
            yield
        for commit in unsent_notices([account]):
            world.notices.append(commit)
            yield
        self.assembly.load(RUN, records)
        if world.consumer > self.epoch or any(
            isinstance(r, Epoch) and r.epoch > self.epoch for r in world.account
        ):
            self.fenced = True
        else:
            world.consumer = self.epoch

    def _follow(self) -> None:
        for record in self.world.account[self.read :]:
            if isinstance(record, Epoch) and record.epoch > self.epoch:
                self.fenced = True
            self.assembly.fold(record)
        self.read = len(self.world.account)

    def deliver(self, sequence: int, now: float) -> None:
        if self.world.consumer == self.epoch and not self.fenced and self.assembly.knows(RUN):
            self.assembly.offer(sequence, self.world.results[sequence], now)

    def _acknowledge(self) -> None:
        for sequence in self.assembly.take_settled():
            if self.world.consumer == self.epoch:
                self.world.results.pop(sequence, None)

    def _commit(self, chunk):
        world = self.world
        found = chunk.in_order()
        name = f"{found[0].id.event}-{found[-1].id.event}"
        world.sequence += 1
        subject = SliceSubject(RUN, DETECTOR, name, f"{self.epoch}.{world.sequence}")
        world.slices[subject] = found
        yield
        record = Commit(
            run=RUN, detector=DETECTOR, chunk=name, attempt=subject.attempt, epoch=self.epoch, key=name,
            content_type="", size=1, sha256="", events=chunk.events(), slices=[1], manifest_key=name,
            manifest_size=1, manifest_sha256="", manifest_slices=[2],
        )  # fmt: skip
        if world.last_commit() != self.expected:
            self.fenced = True
            return
        world.account.append(record)
        self.expected = len(world.account)
        yield
        world.notices.append(record)
        yield
        self.assembly.committed(record)
        self._acknowledge()


class Interleavings(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.world = World()
        self.world.account.append(Begin(run=RUN, detectors=[DETECTOR], time_ns=0))
        self.now = 0.0
        self.issued = 0
        self.given_up: set[int] = set()
        self.epoch = 0
        self.alive: list[Aggregator] = []
        self._start()

    @precondition(lambda self: len(self.alive) < 2)
    @rule()
    def take_over(self):
        self._start()

    def _start(self) -> None:
        self.epoch += 1
        self.alive.append(Aggregator(self.world, self.epoch))

    @precondition(lambda self: len(self.alive) > 1)
    @rule(data=st.data())
    def kill_one(self, data):
        self.alive.remove(data.draw(st.sampled_from(self.alive)))

    @rule(data=st.data(), count=st.integers(1, 5))
    def publish(self, data, count):
        shapes = [data.draw(st.sampled_from(SHAPES)) for _ in range(count)]
        events = range(self.issued, self.issued + count)
        self.issued += count
        self._enqueue([result(event, shape) for event, shape in zip(events, shapes, strict=True)])

    @precondition(lambda self: self.issued)
    @rule(data=st.data())
    def publish_again(self, data):
        event = data.draw(st.integers(0, self.issued - 1))
        self._enqueue([result(event, data.draw(st.sampled_from(SHAPES)))])

    @rule(kind=st.sampled_from([Consumed, Dead]))
    def finish_without_result(self, kind):
        event, self.issued = self.issued, self.issued + 1
        self.given_up.add(event)
        self.world.account.append(kind(run=RUN, detector=DETECTOR, events=[(event, event)], reason="r"))

    @precondition(lambda self: self.world.results)
    @rule(data=st.data())
    def deliver(self, data):
        sequences = data.draw(st.sets(st.sampled_from(sorted(self.world.results)), min_size=1))
        aggregator = data.draw(st.sampled_from(self.alive))
        for sequence in sorted(sequences):
            aggregator.deliver(sequence, self.now)

    @rule(data=st.data(), steps=st.integers(1, 12))
    def move(self, data, steps):
        aggregator = data.draw(st.sampled_from(self.alive))
        for _ in range(steps):
            aggregator.step()

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds):
        self.now += seconds
        for aggregator in self.alive:
            aggregator.assembly.tick(self.now)

    @precondition(lambda self: self.world.notices)
    @rule(data=st.data(), stop_after=st.integers(0, 4))
    def upload(self, data, stop_after):
        """An uploader takes any notice and dies after some steps, or finishes."""
        self._upload(data.draw(st.sampled_from(self.world.notices)), stop_after)

    def _upload(self, commit: Commit, stop_after: int) -> None:
        world = self.world
        subject = SliceSubject(RUN, DETECTOR, commit.chunk, commit.attempt)
        if subject in world.slices:
            found = world.slices[subject]
            assert world.bucket.get(commit.key, found) == found, "an object was replaced by another"
            world.bucket[commit.key] = found
            if stop_after == 0:
                return
            world.manifests.add(commit.manifest_key)
        assert commit.manifest_key in world.manifests, "slices gone without a manifest: data loss"
        if stop_after == 1:
            return
        world.account.append(
            Stored(
                run=RUN,
                detector=DETECTOR,
                chunk=commit.chunk,
                attempt=commit.attempt,
                key=commit.key,
                manifest_key=commit.manifest_key,
                size=1,
                events=commit.events,
            )
        )
        if stop_after == 2:
            return
        world.slices.pop(subject, None)
        if stop_after == 3:
            return
        world.notices.remove(commit)

    def _enqueue(self, results: list[Result]) -> None:
        self.world.sequence += 1
        self.world.results[self.world.sequence] = results

    @invariant()
    def no_event_is_in_two_chunks(self):
        if hasattr(self, "world"):
            assert not stored_twice([r for r in self.world.account if isinstance(r, Commit)])

    def teardown(self):
        """After the last move everything is let run out: the ledger must close with every event stored."""
        if not hasattr(self, "world"):
            return
        self.world.account.append(End(run=RUN, announced={DETECTOR: self.issued}, time_ns=1))
        self._start()
        last = self.alive[-1]
        for _ in range(2000):
            last.step()
            if last.assembly.knows(RUN):
                for sequence in sorted(self.world.results):
                    last.deliver(sequence, self.now)
                last.assembly.tick(self.now)
            if self.world.notices:
                self._upload(self.world.notices[0], 9)
            self.now += 1.0
            if not (self.world.results or self.world.notices) and fold(RUN, self.world.account).is_complete():
                break
        (row,) = ledger(fold(RUN, self.world.account))
        assert row.closes, row
        assert row.announced == self.issued
        assert row.stored >= self.issued - len(self.given_up)
        in_bucket = [r.id.event for found in self.world.bucket.values() for r in found]
        assert len(in_bucket) == len(set(in_bucket)) == row.stored
        assert not self.world.slices


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
