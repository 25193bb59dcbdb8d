"""What a worker takes at once: enough for a quarter of a second, of slow packs no more than it works on."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.preprocessor.appetite import BATCHES_AT_ONCE, Appetite
from cygnet.transport.streams import PREPROCESSOR_BATCH


def learned(seconds_per_frame, frames_per_message=1.0):
    return Appetite(seconds_per_frame, frames_per_message)


@given(st.floats(0, 1000), st.floats(1, 70_000))
def test_a_batch_takes_about_a_quarter_of_a_second_and_never_nothing(seconds, packed):
    appetite = learned(seconds, packed)
    assert 1 <= appetite.messages <= PREPROCESSOR_BATCH
    assert appetite.frames >= 1
    if appetite.frames > 1:
        assert appetite.frames * seconds <= 0.25 + 1e-9
    if appetite.messages > 1:
        assert appetite.messages * packed * seconds <= 0.25 + 1e-6


def test_large_frames_are_pulled_many_together_and_slow_ones_alone():
    assert learned(0.004).messages == 62
    assert learned(0.3).messages == 1


def test_packs_of_small_fast_frames_are_not_pulled_one_by_one():
    assert learned(20e-6, 256).messages == 48
    assert learned(0.0, 256).messages == PREPROCESSOR_BATCH


def test_a_slow_pack_is_taken_alone_and_worked_off_in_turns():
    slow = learned(1.0, 62)
    assert (slow.messages, slow.portion(62)) == (1, 1)
    quick = learned(0.01, 62)
    assert (quick.portion(62), quick.portion(37), quick.portion(1)) == (25, 37, 1)


def test_nothing_else_is_begun_beside_the_first_batch_or_a_slow_pack():
    assert Appetite().takes_more(0, 0)
    assert not Appetite().takes_more(1, 1)
    assert not learned(1.0, 62).takes_more(1, 62)


def test_both_kernel_threads_work_on_slow_frames_and_three_batches_on_fast_ones():
    assert learned(5.0).takes_more(1, 1)
    assert not learned(5.0).takes_more(2, 2)
    assert learned(0.004).takes_more(BATCHES_AT_ONCE - 1, 124)
    assert not learned(0.004).takes_more(BATCHES_AT_ONCE, 10)


def test_fast_packs_are_pulled_together_as_soon_as_one_of_them_was_seen():
    appetite = Appetite()
    appetite.learn_packing(256, 1)
    appetite.learn_time(4, 0.02)
    for _ in range(5):
        appetite.learn_time(appetite.portion(256), 0.001 + 20e-6 * appetite.portion(256))
    assert appetite.messages > 30


@given(st.floats(1e-6, 10), st.integers(1, 500))
def test_what_is_learned_comes_to_what_is_so(seconds, packed):
    appetite = Appetite()
    for _ in range(60):
        appetite.learn_time(packed, seconds * packed)
        appetite.learn_packing(packed, 1)
    assert abs(appetite.seconds_per_frame / seconds - 1) < 1e-6
    assert abs(appetite.frames_per_message / packed - 1) < 1e-6
