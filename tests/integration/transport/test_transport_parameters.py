"""A spec that is applied again must not undo what a person has set, and a changed one must count."""

import asyncio

import pytest

from cygnet.transport.parameters import (
    _FROM_SPEC_KEY,
    PARAMETERS_KEY,
    follow_spec,
    last_good,
    note_good,
    set_by_hand,
)
from cygnet.transport.values import Values

WINDOW = {"min": 80.0, "max": 120.0}
SET_BY_HAND = {"window": {"min": 85.0, "max": 130.0}}


async def test_first_start_leaves_the_spec_in_force(values):
    assert await follow_spec(values, WINDOW) is False
    assert await values.get(PARAMETERS_KEY) is None


async def test_same_spec_again_keeps_what_a_person_has_set(values):
    await follow_spec(values, WINDOW)
    await values.put(PARAMETERS_KEY, SET_BY_HAND)
    assert await follow_spec(values, WINDOW) is False
    assert (await values.get(PARAMETERS_KEY)).data == SET_BY_HAND


async def test_what_a_person_has_set_and_the_spec_does_not_say_is_told(values):
    await follow_spec(values, WINDOW)
    assert await set_by_hand(values, WINDOW) is None
    revision = await values.put(PARAMETERS_KEY, SET_BY_HAND)
    assert await set_by_hand(values, WINDOW) == (revision, SET_BY_HAND["window"])
    await values.put(PARAMETERS_KEY, {"window": WINDOW})
    assert await set_by_hand(values, WINDOW) is None


async def test_changed_spec_is_in_force_even_after_somebody_set_another_window(values):
    await follow_spec(values, WINDOW)
    await values.put(PARAMETERS_KEY, SET_BY_HAND)
    assert await follow_spec(values, {"min": 90.0, "max": 110.0}) is True
    assert (await values.get(PARAMETERS_KEY)).data == {"window": {"min": 90.0, "max": 110.0}}


async def test_spec_that_loses_its_window_takes_the_parameters_along(values):
    await follow_spec(values, WINDOW)
    assert await follow_spec(values, None) is True
    assert (await values.get(PARAMETERS_KEY)).data == {}


@pytest.mark.parametrize("earlier", [{"window": WINDOW}, {}, None, [80, 120]])
async def test_where_nobody_knows_what_the_spec_said_before_what_a_person_has_set_stays(values, earlier):
    await values.put(_FROM_SPEC_KEY, earlier)
    await values.put(PARAMETERS_KEY, SET_BY_HAND)
    assert await follow_spec(values, WINDOW) is False
    assert (await values.get(PARAMETERS_KEY)).data == SET_BY_HAND
    assert await follow_spec(values, WINDOW) is False
    assert await follow_spec(values, {"min": 90.0, "max": 110.0}) is True


class Interrupted(Values):
    """Somebody sets a window, or the process dies, between our reading and our writing of the parameters."""

    before_writing = None

    async def update(self, key, data, revision):
        if key == PARAMETERS_KEY and self.before_writing is not None:
            await self.before_writing()
        return await super().update(key, data, revision)


@pytest.fixture
def interrupted(nc, pipeline, values):
    return Interrupted(nc, pipeline)


async def test_what_a_person_sets_while_a_changed_spec_is_followed_is_not_overwritten(values, interrupted):
    async def set_by_hand():
        await values.put(PARAMETERS_KEY, SET_BY_HAND)

    await follow_spec(values, WINDOW)
    interrupted.before_writing = set_by_hand
    assert await follow_spec(interrupted, {"min": 90.0, "max": 110.0}) is False
    assert (await values.get(PARAMETERS_KEY)).data == SET_BY_HAND


@pytest.mark.parametrize("meanwhile", [None, SET_BY_HAND])
async def test_a_changed_spec_that_was_half_followed_is_followed_unless_a_person_came_first(
    values, interrupted, meanwhile
):
    async def die():
        raise asyncio.CancelledError

    changed = {"min": 90.0, "max": 110.0}
    await follow_spec(values, WINDOW)
    interrupted.before_writing = die
    with pytest.raises(asyncio.CancelledError):
        await follow_spec(interrupted, changed)
    if meanwhile:
        await values.put(PARAMETERS_KEY, meanwhile)
    assert await follow_spec(values, changed) is (meanwhile is None)
    assert (await values.get(PARAMETERS_KEY)).data == (meanwhile or {"window": changed})
    assert await follow_spec(values, changed) is False


async def test_the_newest_parameters_that_were_used_are_known_whoever_says_so_last(values):
    assert await last_good(values) == (0, None)
    await asyncio.gather(*(note_good(values, number, {"n": number}) for number in (3, 9, 5, 1)))
    assert await last_good(values) == (9, {"n": 9})
