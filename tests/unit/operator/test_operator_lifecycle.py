"""Every order of events around a pause and a drain: nothing is lost, and each comes to its end."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cygnet_operator.lifecycle import Flow, Phase, Seen, Step, step
from cygnet_operator.observed import Waiting

NOTHING = Waiting(frames=0, results=0, chunks=0, notices=0)


@dataclass
class World:
    """A pipeline's pods and streams, as simple as they can be and still go wrong."""

    source_wanted: int = 0
    source_pods: int = 0
    others: bool = False
    workers: int = 0
    run: int = 0
    states: dict[int, str] = field(default_factory=dict)
    end_of: int | None = None
    frames: int = 0
    results: int = 0
    endless: bool = False
    published: int = 0
    stored: int = 0

    def flow(self) -> Flow:
        return Flow(
            waiting=replace(NOTHING, frames=self.frames, results=self.results),
            run=f"run-{self.run}",
            run_state=self.states.get(self.run),
            end_asked=self.end_of == self.run,
        )

    def source_turn(self) -> None:
        """One step of the source's process."""
        state = self.states.get(self.run)
        if state in ("ended", "complete"):
            if self.endless and self.end_of != self.run:
                self.run += 1
            return
        self.states[self.run] = "running"
        if self.end_of == self.run:
            self.states[self.run] = "ended"
            return
        self.frames += 1
        self.published += 1

    def settle(self) -> None:
        """Runs that are ended and whose frames are stored are complete."""
        if not self.frames and not self.results:
            for run, state in self.states.items():
                if state == "ended":
                    self.states[run] = "complete"


class Lifecycles(RuleBasedStateMachine):
    """Users, pods, NATS and operator take turns in any order; the operator may forget all but the status."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.wanted = "Running"
        self.was: Phase | None = None
        self.known: Flow | None = None
        self.last: Step | None = None
        self.since_sourceless = False

    @initialize(endless=st.booleans(), wanted=st.sampled_from(["Running", "Paused", "Drained"]))
    def begin(self, endless: bool, wanted: str) -> None:
        self.world.endless = endless
        self.wanted = wanted

    @rule(wanted=st.sampled_from(["Running", "Paused", "Drained"]))
    def user(self, wanted: str) -> None:
        self.wanted = wanted

    @rule()
    def kubernetes_starts_and_ends_source(self) -> None:
        self.world.source_pods = self.world.source_wanted
        self.since_sourceless = False

    @precondition(lambda self: self.world.source_pods > 0)
    @rule()
    def source(self) -> None:
        self.world.source_turn()

    @precondition(lambda self: self.world.others)
    @rule()
    def aggregator_and_uploader(self) -> None:
        self.world.stored += self.world.results
        self.world.results = 0
        self.world.settle()

    @precondition(lambda self: self.world.workers > 0)
    @rule()
    def worker(self) -> None:
        if self.world.frames:
            self.world.frames -= 1
            self.world.results += 1

    @rule()
    def nats_answers(self) -> None:
        self.known = self.world.flow()
        self.since_sourceless = self.world.source_pods == 0

    @rule()
    def nats_is_away(self) -> None:
        self.known = None

    @rule()
    def operator_restarts(self) -> None:
        self.known = None

    @rule()
    def operator(self) -> None:
        world = self.world
        pods = max(world.source_pods, world.source_wanted)
        trusted = self.known if pods or self.since_sourceless else None
        made = step(self.wanted, Seen(was=self.was, source_pods=pods, flow=trusted))
        if made.ask and trusted is not None and self.known is not None:
            if made.ask == "end":
                world.end_of = int(trusted.run.removeprefix("run-"))
            elif trusted.run == f"run-{world.run}":
                world.run += 1
        world.source_wanted, world.others = made.source, made.others
        world.workers = max(1 if made.others else 0, made.min_preprocessors)
        self.was, self.last = made.phase, made

    @invariant()
    def drained_means_that_nothing_waits_and_nothing_comes(self) -> None:
        if self.last and self.last.phase is Phase.DRAINED and self.wanted == "Drained":
            assert self.world.frames == self.world.results == 0
            assert self.world.source_pods == 0
            assert self.world.states.get(self.world.run) in (None, "complete")

    @invariant()
    def paused_means_that_nothing_is_in_flight(self) -> None:
        if self.last and self.last.phase is Phase.PAUSED and self.wanted == "Paused":
            assert self.world.frames == self.world.results == 0
            assert self.world.source_pods == 0

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.world.published == self.world.stored + self.world.frames + self.world.results

    def teardown(self) -> None:
        """Whatever happened: when all parts go on, the Pipeline comes to what was asked for."""
        for _ in range(200):
            self.nats_answers()
            self.operator()
            self.kubernetes_starts_and_ends_source()
            if self.world.source_pods:
                self.source()
            if self.world.workers:
                for _ in range(3):
                    self.worker()
            if self.world.others:
                self.aggregator_and_uploader()
        goal = {"Running": Phase.RUNNING, "Paused": Phase.PAUSED, "Drained": Phase.DRAINED}[self.wanted]
        assert self.was is goal
        if self.wanted == "Running":
            assert self.world.source_pods == 1


TestLifecycles = Lifecycles.TestCase
TestLifecycles.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

FLOWS = st.none() | st.builds(
    Flow,
    waiting=st.builds(
        Waiting, **dict.fromkeys(("frames", "results", "chunks", "notices"), st.integers(0, 2))
    ),
    run=st.just("run-1"),
    run_state=st.sampled_from([None, "running", "ended", "complete", "removed"]),
    end_asked=st.booleans(),
    late=st.booleans(),
)
SEEN = st.builds(Seen, was=st.none() | st.sampled_from(Phase), source_pods=st.integers(0, 2), flow=FLOWS)


@given(SEEN)
def test_a_drain_never_rests_before_everything_is_stored(seen: Seen) -> None:
    made = step("Drained", seen)
    if made.phase is Phase.DRAINED and seen.flow is not None:
        assert seen.flow.waiting.is_nothing
        assert not seen.flow.late
        assert seen.flow.run_state in (None, "complete", "removed")
    assert made.others == (made.phase is not Phase.DRAINED)


@given(SEEN)
def test_nothing_is_drained_while_a_source_may_begin_another_run(seen: Seen) -> None:
    made = step("Drained", seen)
    if seen.source_pods and seen.flow is not None:
        assert made.phase is Phase.DRAINING


@given(SEEN)
def test_without_news_nothing_that_works_is_stopped(seen: Seen) -> None:
    blind = replace(seen, flow=None)
    made = step("Drained", blind)
    assert made.phase is (Phase.DRAINED if seen.was is Phase.DRAINED else Phase.DRAINING)
    assert step("Running", blind).source == 1


@given(SEEN)
def test_a_run_that_goes_on_has_its_source_until_it_has_ended(seen: Seen) -> None:
    if seen.flow and seen.flow.run_state == "running":
        assert step("Drained", seen).source == 1


@given(SEEN)
def test_a_pause_asks_nothing_of_the_run(seen: Seen) -> None:
    made = step("Paused", seen)
    assert (made.source, made.ask, made.others) == (0, "", True)
