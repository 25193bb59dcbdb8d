"""A frame that hangs, lies or is too large costs itself: never its neighbours, never the worker."""

import asyncio
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Announcement
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.preprocessor.outcome import Consumed, Done, GivenUp
from cygnet.preprocessor.outputs import packs
from cygnet.preprocessor.parameters import Snapshot
from cygnet.preprocessor.processing import Processor, announced_frame
from cygnet.spec.pipeline import PipelineSpec
from fixtures.rig import frame

SNAPSHOT = Snapshot(3, None, "digest")
SOURCES = [{"name": "cam", "replay": {"path": "f"}}]


class Stages:
    """Pixels that say how they are to be processed: a frame of 1 hangs until it is released."""

    delay_seconds = 0.0

    def __init__(self):
        self.release = threading.Event()
        self.hanging = threading.Semaphore(0)
        self.seen = []

    def rows(self, height):
        return None

    def apply(self, image, bounds):
        self.seen.append(int(image.flat[0]))
        if image.flat[0] == 1:
            self.hanging.release()
            self.release.wait(30)
        if image.flat[0] == 2:
            return np.zeros((3000, 3000), "f8")
        if image.flat[0] == 3:
            raise MemoryError
        return image


class Fetcher:
    def __init__(self, body=b""):
        self.body = body

    async def fetch(self, announcement):
        return self.body


@pytest.fixture
def stages():
    stages = Stages()
    yield stages
    stages.release.set()


@pytest.fixture
def processor(stages):
    spec = PipelineSpec.model_validate(
        {"sources": SOURCES, "streams": {"maxProcessingSeconds": 0.5, "ackWaitSeconds": 5}}
    )

    async def patiently(action):
        return await action()

    context = SimpleNamespace(pipeline=SimpleNamespace(spec=spec), patiently=patiently)
    processor = Processor(context, stages, Fetcher(b"not an image"))
    yield processor
    processor.close()


def filled(event, value):
    return frame(event, np.full((4, 6), value, "u1"))


async def test_a_frame_that_hangs_is_given_up_and_its_neighbours_are_not(processor):
    outcomes = await processor.process([filled(0, 9), filled(1, 1), filled(2, 9)], SNAPSHOT, {})
    assert [type(each) for each in outcomes] == [Done, GivenUp, Done]
    assert (outcomes[1].reason, "maxProcessingSeconds" in outcomes[1].message) == ("too-slow", True)


async def test_a_batch_that_waits_behind_two_hung_threads_is_processed_and_not_lost(processor, stages):
    """It was cancelled with them, and its messages were never acknowledged and never given back."""
    hung = [asyncio.create_task(processor.process([filled(n, 1)], SNAPSHOT, {})) for n in (0, 1)]
    for _ in hung:
        assert await asyncio.to_thread(stages.hanging.acquire, True, 5)
    async with asyncio.timeout(20):
        behind = await processor.process([filled(2, 9)], SNAPSHOT, {})
        assert [type(each) for each in behind] == [Done], "what never began is not too slow"
        assert [(await task)[0].reason for task in hung] == ["too-slow"] * 2


async def test_whatever_processing_raises_costs_that_frame(processor):
    outcomes = await processor.process([filled(0, 3), filled(1, 9)], SNAPSHOT, {})
    assert [type(each) for each in outcomes] == [GivenUp, Done]
    assert outcomes[0].reason == "processing-failed"
    assert "MemoryError" in outcomes[0].message


async def test_a_result_that_no_chunk_can_hold_is_given_up_before_it_blocks_the_aggregator(processor):
    [outcome] = await processor.process([filled(0, 2)], SNAPSHOT, {})
    assert isinstance(outcome, GivenUp)
    assert (outcome.reason, "chunksBytes" in outcome.message) == ("too-large", True)


async def test_a_frame_that_fails_after_its_fetch_is_buried_as_it_came(processor):
    body = b'{"url": "http://h/x", "time": "2024-11-27 14:27:36"}'
    came = frame(0, body=body, content_type=ANNOUNCEMENT, dtype="", shape=())
    [outcome] = await processor.process([came], SNAPSHOT, {})
    assert outcome.reason == "not-an-image"
    assert outcome.frame is came


async def test_frames_of_a_run_that_is_not_saved_are_consumed_and_bad_ones_still_dead(processor):
    outcomes = await processor.process([filled(0, 9), filled(1, 3)], SNAPSHOT, {"r": False})
    assert [type(each) for each in outcomes] == [Consumed, GivenUp]


async def test_a_result_says_what_made_it(processor):
    [outcome] = await processor.process([filled(0, 9)], SNAPSHOT, {"r": True})
    assert (outcome.result.revision, outcome.result.provenance) == (3, "digest")


def announcement(**keys):
    return Announcement(url="u", time="t", **keys)


def test_our_own_announcement_keeps_the_exact_time_and_anothers_brings_its_own():
    pointer = frame(7, body=b"{}", time_ns=123)
    ours = announcement(run="r", detector="cam", event=7)
    assert announced_frame(pointer, ours, b"", 999).time_ns == 123
    for other in (announcement(), announcement(run="other", detector="cam", event=7), announcement(run="r")):
        assert announced_frame(pointer, other, b"", 999).time_ns == 999


def test_the_number_that_an_announcer_gives_a_frame_is_kept_beside_our_own():
    pointer = frame(7, body=b"{}")
    found = announced_frame(pointer, announcement(run="LIME-4", event=17), b"", 1)
    assert (found.id, found.attrs) == (pointer.id, {"announced_run": "LIME-4", "announced_event": 17})
    assert announced_frame(pointer, announcement(run="r", detector="cam", event=7), b"", 1).attrs == {}


def test_an_announced_array_of_three_axes_is_no_image_of_two():
    pointer = frame(7, body=b"{}")
    found = announced_frame(pointer, announcement(dtype="<u2", shape=(2, 3, 4)), b"", 1)
    assert found.axes == "panel,y,x"
    named = frame(7, body=b"{}", axes="t,y,x")
    assert announced_frame(named, announcement(dtype="<u2", shape=(2, 3, 4)), b"", 1).axes == "t,y,x"


def test_attributes_that_together_are_too_large_are_refused_before_they_travel():
    pointer = frame(7, body=b"{}", attrs={"a": "x" * 3000})
    with pytest.raises(BadInputError) as caught:
        announced_frame(pointer, announcement(filename="y" * 2000), b"", 1)
    assert caught.value.reason == "attrs-too-large"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3000)), max_size=60), st.integers(1, 5000))
def test_results_are_packed_each_once_by_detector_in_order_and_within_bounds(given_results, most):
    results = [
        Result(id=FrameId("r", detector, event), time_ns=1, arrays={"image": np.zeros(size, "u1")})
        for event, (detector, size) in enumerate(given_results)
    ]
    groups = packs(results, most)
    assert sorted(r.id.event for group in groups for r in group) == list(range(len(results)))
    for group in groups:
        assert len({r.id.detector for r in group}) == 1
        assert len(group) == 1 or sum(r.nbytes for r in group) <= most
    for detector in "abc":
        events = [r.id.event for group in groups for r in group if r.id.detector == detector]
        assert events == sorted(events)
