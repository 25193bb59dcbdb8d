"""What a conductor does with what it sees, and with what it cannot see; its watch tells a story."""

import time
from dataclasses import dataclass, replace

import pytest

from cygnet.local import conductor as module
from cygnet.local.conductor import Conductor, Task
from cygnet.local.plan import PREPROCESSOR
from cygnet.local.view import View
from cygnet.local.watch import Look
from cygnet.scaling import TICK_SECONDS, Lifecycle
from cygnet.spec.loader import loads
from cygnet.transport.errors import NatsOutageError
from unit.scaling.scaling_histories import healthy

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: lime}
spec:
  sources: [{name: lime, replay: {path: frames}}]
  preprocessor: {scaling: {maxReplicas: 30}}
  uploader: {bucket: lime}
"""


@dataclass
class FakeFleet:
    replicas: dict
    restarts: dict


class Story:
    """Stands in for the watch: 500 messages/s arrive, one pod does 12; chapters say what else is so."""

    def __init__(self, chapters):
        self.chapters = list(chapters)
        self.begun = time.time() - TICK_SECONDS * self.chapters.index(None)
        self.told = 0
        self.lifecycles = []
        self.conductor = None

    async def follow(self):
        return

    async def look(self, *, ready, desired, lifecycle, request=None):
        chapter, tick = self.chapters[self.told], self.told
        self.told += 1
        self.lifecycles.append(lifecycle)
        self.conductor.done = self.told == len(self.chapters)
        if chapter is None:
            raise NatsOutageError("no answer")
        acked, arrived = 60 * tick, 2500 * tick
        sample = healthy(
            self.begun + TICK_SECONDS * tick,
            pending=max(0, arrived - acked - 1),
            ack_pending=min(1, arrived),
            acked=acked,
            last_seq=arrived,
            ready=1,
            desired=desired,
            lifecycle=lifecycle,
            run_active=True,
        )
        return Look(view=View(pipeline="lime", time=sample.time), sample=replace(sample, **chapter))


@pytest.fixture
def told(monkeypatch):
    """Return a function that lets a conductor live through chapters and returns it with its story."""

    async def no_run(_values):
        return None

    monkeypatch.setattr(module, "current_run", no_run)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)

    async def live(chapters, *, draining=False, replicas=1):
        story = Story(chapters)
        monkeypatch.setattr(module, "Watch", lambda *_: story)
        [pipeline] = loads(SPEC)
        fleet = FakeFleet({("lime", PREPROCESSOR): replicas}, {})
        story.conductor = Conductor(pipeline, None, fleet, Task(), lambda _: None, lambda _: None)
        if draining:
            story.conductor.drain()
        await story.conductor.run()
        return story, fleet.replicas["lime", PREPROCESSOR], story.conductor.view

    return live


FULL = {"results_fill": 0.9}


async def test_a_reading_that_is_missed_decides_nothing_and_says_so(told):
    _, replicas, view = await told([FULL] * 9 + [None])
    assert (replicas, view.decision) == (1, "hold: MetricsMissing, no input could be read")
    assert view.is_old


@pytest.mark.parametrize("tick", range(3, 9))
async def test_a_step_is_remembered_only_if_it_was_taken(told, tick):
    _, _, view = await told([{}] * tick + [None] + [FULL] * 4)
    assert "Backpressured" in view.decision, "nobody has scaled by hand"


async def test_nothing_is_scaled_while_the_run_is_ended(told):
    story, replicas, view = await told([{}] * 12 + [None, {}], draining=True)
    assert set(story.lifecycles) == {Lifecycle.DRAINED}
    assert (replicas, view.decision) == (1, "hold at 1: Drained, the pipeline drains")


async def test_a_role_that_sleeps_is_woken_to_drain(told):
    _, replicas, _ = await told([{}, None], draining=True, replicas=0)
    assert replicas == 1


def test_letters_that_drive_one_another_out_are_told_once():
    [pipeline] = loads(SPEC)
    told = []
    conductor = Conductor(pipeline, None, FakeFleet({}, {}), Task(), told.append, lambda _: None)
    for fill in (0.5, 0.95, 0.97, 0.5):
        conductor._mind_letters(fill)
    assert len(told) == 1
    assert "streams.deadBytes" in told[0]


async def test_a_drain_is_not_over_while_earlier_runs_are_not_complete():
    [pipeline] = loads(SPEC)
    conductor = Conductor(pipeline, None, FakeFleet({}, {("lime", PREPROCESSOR): 1}), Task(), print, print)
    last = View(pipeline="lime", time=0.0, state="complete")
    assert await conductor._is_over(Look(view=replace(last, runs_behind=1), sample=None))
    conductor._draining = True
    assert not await conductor._is_over(Look(view=replace(last, runs_behind=1), sample=None))
    assert await conductor._is_over(Look(view=last, sample=None))
