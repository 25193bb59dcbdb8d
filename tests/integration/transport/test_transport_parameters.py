"""A spec that is applied again must not undo what a person has set, and a changed one must count."""

from cygnet.transport.parameters import PARAMETERS_KEY, follow_spec

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


async def test_changed_spec_is_in_force_even_after_somebody_set_another_window(values):
    await follow_spec(values, WINDOW)
    await values.put(PARAMETERS_KEY, SET_BY_HAND)
    assert await follow_spec(values, {"min": 90.0, "max": 110.0}) is True
    assert (await values.get(PARAMETERS_KEY)).data == {"window": {"min": 90.0, "max": 110.0}}


async def test_spec_that_loses_its_window_takes_the_parameters_along(values):
    await follow_spec(values, WINDOW)
    assert await follow_spec(values, None) is True
    assert (await values.get(PARAMETERS_KEY)).data == {}
