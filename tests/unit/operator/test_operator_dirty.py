"""The queue: each Pipeline once, never twice at a time, failures later each time."""

import asyncio

import pytest

from cygnet_operator.dirty import LONGEST_WAIT_SECONDS, Dirty

A, B = ("lab", "a"), ("lab", "b")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def soon(dirty: Dirty) -> tuple[str, str] | None:
    """Return the next key that is due now, None if none is."""
    asking = asyncio.create_task(dirty.next())
    for _ in range(5):
        await asyncio.sleep(0)
    if asking.done():
        return asking.result()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return None


async def test_a_pipeline_that_is_marked_often_is_visited_once() -> None:
    dirty = Dirty(Clock())
    for _ in range(5):
        dirty.mark(A)
    dirty.mark(B)
    assert [await soon(dirty), await soon(dirty), await soon(dirty)] == [A, B, None]


async def test_marked_during_its_visit_it_is_visited_again_after_it() -> None:
    clock = Clock()
    dirty = Dirty(clock)
    dirty.mark(A)
    assert await soon(dirty) == A
    dirty.mark(A)
    assert await soon(dirty) is None
    dirty.done(A)
    clock.now += 1
    assert await soon(dirty) == A


async def test_a_failing_pipeline_waits_longer_each_time_and_never_for_ever() -> None:
    clock = Clock()
    dirty = Dirty(clock)
    dirty.mark(A)
    for count in range(12):
        assert await soon(dirty) == A
        dirty.done(A, failed=True)
        dirty.mark(A)
        assert await soon(dirty) is None
        clock.now += min(LONGEST_WAIT_SECONDS, 2.0**count)


async def test_somebodys_change_ends_the_wait_of_a_failing_pipeline() -> None:
    clock = Clock()
    dirty = Dirty(clock)
    for _ in range(6):
        dirty.mark(A)
        assert await soon(dirty) == A
        dirty.done(A, failed=True)
        clock.now += LONGEST_WAIT_SECONDS
    dirty.mark(A)
    assert await soon(dirty) == A
    dirty.done(A, failed=True)
    clock.now += 1
    dirty.mark_changed(A)
    assert await soon(dirty) == A


async def test_who_fights_for_a_field_is_visited_four_times_a_second_at_most() -> None:
    clock = Clock()
    dirty = Dirty(clock)
    visits = 0
    for _ in range(100):
        dirty.mark(A)
        if await soon(dirty):
            visits += 1
            dirty.done(A)
        clock.now += 0.01
    assert visits == pytest.approx(4, abs=1)
