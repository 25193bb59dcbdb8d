"""When a chunk closes, what it holds, and which messages that settles: the cases that once were subtle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.aggregator.assembly import EVENT_BYTES, Assembly, ChunkLimits
from cygnet.model.account import Begin, Commit, Consumed, Dead, Dropped, End, Stored
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.storage.formats import write_chunk
from cygnet.storage.manifest import to_parquet

EVENT = 10 + EVENT_BYTES  # what one of the results below costs
LIMITS = {
    "events": 10,
    "age_seconds": 60,
    "chunk_bytes": 20 * EVENT,
    "held_bytes": 60 * EVENT,
    "held_messages": 100,
}


def assembly(*records, **limits):
    made = Assembly(ChunkLimits(**(LIMITS | limits)))
    made.load("r", [Begin(run="r", detectors=["cam"], time_ns=0), *records])
    return made


def result(event, size=10, detector="cam", run="r"):
    return Result(id=FrameId(run, detector, event), time_ns=event, arrays={"image": np.zeros(size, "u1")})


def offer(made, events, now=0.0, **more):
    for event in events:
        made.offer(1000 + event, [result(event, **more)], now)


def close(made):
    """Commit the next closed chunk; return its events and what closed it."""
    chunk = made.take_due()
    if chunk is None:
        return None
    name = f"{min(chunk.results)}-{max(chunk.results)}-{chunk.nbytes}"
    record = Commit(
        run=chunk.run, detector=chunk.detector, chunk=name, attempt="a", epoch=1, key=name, content_type="",
        size=1, sha256="", events=chunk.events(), slices=[1], manifest_key=name, manifest_size=1,
        manifest_sha256="", manifest_slices=[2],
    )  # fmt: skip
    made.committed(record)
    return sorted(chunk.results), chunk.reason


def about(kind, *pairs, **more):
    given = {"reason": "r"} | more
    return kind(run="r", detector="cam", events=list(pairs), **given)


def test_a_chunk_closes_with_its_last_number_in_whatever_order_they_come():
    made = assembly()
    offer(made, [3, 9, 0, 1, 2, 8, 4, 7, 6])
    assert close(made) is None
    offer(made, [5])
    assert close(made) == (list(range(10)), "complete")
    assert sorted(made.take_settled()) == [1000 + event for event in range(10)]


@pytest.mark.parametrize(
    "record",
    [
        about(Consumed, (4, 5)),
        about(Dead, (4, 5)),
        about(Dropped, (4, 5)),
        about(Dropped, (4, 5), reason="duplicate"),
    ],
)
def test_numbers_that_never_come_do_not_keep_a_chunk_open(record):
    before, after = assembly(record), assembly()
    for made in (before, after):
        offer(made, [n for n in range(10) if n not in (4, 5)])
    after.fold(record)
    for made in (before, after):
        assert close(made) == ([0, 1, 2, 3, 6, 7, 8, 9], "complete")


def test_the_end_of_a_run_closes_a_chunk_that_will_not_be_full():
    end = End(run="r", announced={"cam": 13}, time_ns=1)
    made = assembly()
    offer(made, range(10, 13))
    assert close(made) is None
    made.fold(end)
    assert close(made) == ([10, 11, 12], "complete")
    early = assembly(end)
    offer(early, range(10, 13))
    assert close(early) == ([10, 11, 12], "complete")


def test_the_end_of_a_run_does_not_close_a_chunk_with_numbers_still_to_come():
    made = assembly(End(run="r", announced={"cam": 13}, time_ns=1))
    offer(made, [10, 12])
    assert close(made) is None
    assert not made.is_complete("r")


def test_a_late_event_makes_a_chunk_of_its_own_at_once():
    made = assembly(about(Dead, (4, 4)))
    offer(made, [n for n in range(10) if n != 4])
    assert close(made)[1] == "complete"
    offer(made, [4])
    assert close(made) == ([4], "complete")


def test_an_event_that_is_only_dead_is_stored_after_all_and_a_consumed_one_is_not():
    made = assembly(about(Dead, (0, 0)), about(Consumed, (1, 1)))
    offer(made, [0, 1])
    assert made.take_settled() == [1001]
    assert (made.duplicates, made.held_events) == (1, 1)


def test_another_layout_makes_another_chunk_and_both_close_together():
    made = assembly()
    offer(made, [0, 1, 2, 6, 7, 8, 9])
    offer(made, [3, 4, 5], size=20)
    closed = sorted([close(made), close(made)])
    assert closed == [([0, 1, 2, 6, 7, 8, 9], "complete"), ([3, 4, 5], "complete")]
    assert close(made) is None


def test_the_same_bytes_with_other_axes_are_another_layout():
    made = assembly()
    array = np.zeros((3, 3), "u1")
    for event, axes in enumerate(("y,x", "x,y", "y,x")):
        made.offer(
            event,
            [Result(id=FrameId("r", "cam", event), time_ns=0, arrays={"image": array}, axes={"image": axes})],
            0,
        )
    made.tick(61)
    assert sorted([close(made)[0], close(made)[0]]) == [[0, 2], [1]]


def test_a_chunk_closes_before_it_is_too_large_and_one_result_may_be():
    made = assembly(chunk_bytes=2 * EVENT + 5)
    offer(made, [0, 1, 2])
    assert close(made) == ([0, 1], "bytes")
    offer(made, [3], size=9 * EVENT)
    offer(made, [4], size=9 * EVENT)
    assert close(made) == ([3], "bytes")


def test_a_chunk_closes_at_its_age_counted_from_its_first_result():
    made = assembly()
    offer(made, [0], now=5)
    offer(made, [1], now=50)
    offer(made, [12], now=30)
    assert made.next_deadline() == 65
    made.tick(64.9)
    assert close(made) is None
    made.tick(65)
    assert close(made) == ([0, 1], "age")
    assert made.next_deadline() == 90
    offer(made, [2], now=66)
    assert made.next_deadline() == 90
    assert made.open_chunks == 2


def test_too_many_bytes_close_the_oldest_chunk_first():
    made = assembly(held_bytes=3 * EVENT + 5)
    offer(made, [0], now=1)
    offer(made, [10], now=2)
    offer(made, [20], now=3)
    assert close(made) is None
    offer(made, [30], now=4)
    assert close(made) == ([0], "pressure")
    assert close(made) is None


def test_messages_that_are_larger_than_their_arrays_close_the_oldest_chunk_before_their_stream_is_full():
    made = assembly(held_bytes=3000)
    made.offer(1, [result(0)], 1, size=1600)
    made.offer(2, [result(10)], 2, size=1400)
    assert close(made) is None
    made.offer(3, [result(20), result(30)], 3, size=1200)
    assert close(made) == ([0], "pressure")
    assert (made.take_settled(), made.held_bytes) == ([1], 2600)


def test_a_message_whose_results_lie_in_two_chunks_counts_until_both_are_committed():
    made = assembly(held_bytes=3000)
    made.offer(1, [result(9), result(10)], 0, size=2900)
    made.offer(2, [result(20)], 1, size=1000)
    assert close(made) == ([9], "pressure")
    assert made.held_bytes == 3900
    assert close(made) == ([10], "pressure"), "nothing more comes that would look again"
    assert made.held_bytes == 1000


@given(
    st.integers(1, 60),
    st.sampled_from(["npz", "hdf5"]),
    st.integers(1, 3),
    st.dictionaries(st.text(max_size=20), st.text(max_size=400), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_object_and_manifest_are_never_larger_than_what_is_counted_for_them(events, form, arrays, attrs):
    """Else a chunk could be larger than the stream that must carry it, which would block for ever."""
    results = [
        Result(
            id=FrameId("r" * 64, "d" * 64, 3 * event),
            time_ns=event,
            arrays={f"a{n}": np.full(3, event, "u1") for n in range(arrays)},
            revision=event,
            provenance=f"{event:064x}",
            attrs={**attrs, "n": event},
        )
        for event in range(events)
    ]
    made = assembly(events=1000, chunk_bytes=1 << 30, held_bytes=1 << 30)
    for each in results:
        made.load(each.id.run, [])
        made.offer(each.id.event, [each], 0)
    made.tick(61)
    file = write_chunk(form, results, key="k" * 300)
    frame = 64 << 10  # zip directory, parquet footer, groups of HDF5
    assert len(file.body) + len(to_parquet(file.rows)) <= made.take_due().nbytes + frame


def test_too_many_messages_close_the_oldest_chunk_so_that_the_consumer_goes_on():
    made = assembly(held_messages=3)
    offer(made, [0, 10, 20], now=1)
    assert close(made) is None
    offer(made, [30], now=2)
    assert close(made)[1] == "pressure"


def test_a_message_that_comes_again_is_not_added_twice_and_settled_once():
    made = assembly()
    results = [result(0), result(1)]
    for _ in range(3):
        made.offer(7, results, 0)
    assert (made.held_events, made.duplicates) == (2, 0)
    offer(made, range(2, 10))
    assert close(made)[0] == list(range(10))
    assert made.take_settled().count(7) == 1
    made.offer(7, results, 0)
    assert (made.take_settled(), made.duplicates) == ([7], 2)


def test_an_event_in_two_messages_is_stored_once_and_the_second_message_is_free_at_once():
    made = assembly()
    made.offer(1, [result(0)], 0)
    made.offer(2, [result(0)], 0)
    made.offer(3, [result(0), result(1)], 0)
    assert made.take_settled() == [2]
    assert made.held_events == 2
    offer(made, range(2, 10))
    close(made)
    assert set(made.take_settled()) >= {1, 3}


def test_a_message_is_settled_only_when_the_last_chunk_that_holds_of_it_is_committed():
    made = assembly()
    made.offer(1, [result(9), result(10)], 0)
    offer(made, range(9))
    assert close(made)[1] == "complete"
    assert 1 not in made.take_settled()
    offer(made, range(11, 20))
    close(made)
    assert 1 in made.take_settled()


def test_a_run_is_complete_once_all_is_stored_and_nothing_is_held():
    made = assembly(End(run="r", announced={"cam": 2}, time_ns=1))
    offer(made, [0, 1])
    assert not made.is_complete("r")
    with pytest.raises(ValueError, match="still has results"):
        made.forget("r")
    close(made)
    assert not made.is_complete("r")
    [name] = made.accounts["r"].detector("cam").commits
    stored = {"chunk": name, "attempt": "a", "key": name, "manifest_key": name, "size": 1}
    made.fold(Stored(run="r", detector="cam", events=[(0, 1)], **stored))
    assert made.is_complete("r")
    made.forget("r")
    assert not made.knows("r")


def test_a_run_is_looked_at_only_when_something_was_heard_of_it():
    made = assembly()
    made.load("other", [])
    assert made.take_moved() == {"r", "other"}
    assert made.take_moved() == set()
    offer(made, [0])
    assert made.take_moved() == set()
    made.fold(End(run="r", announced={"cam": 1}, time_ns=1))
    assert made.take_moved() == {"r"}
    close(made)
    assert made.take_moved() == {"r"}


def test_only_one_chunk_is_on_its_way_at_a_time():
    made = assembly(events=1)
    offer(made, [0, 1])
    assert made.take_due() is not None
    assert made.take_due() is None


@settings(max_examples=150, deadline=None)
@given(st.permutations(range(24)), st.integers(1, 9), st.integers(1, 6), st.integers(3, 9), st.data())
def test_whatever_the_order_and_the_limits_each_event_is_in_one_chunk_of_its_own_number(
    order, events, chunk_bytes, held_bytes, data
):
    bounds = {"chunk_bytes": chunk_bytes * EVENT, "held_bytes": held_bytes * EVENT, "held_messages": 5}
    made = assembly(events=events, **bounds)
    found, delivery = [], 0
    while order:
        count = data.draw(st.integers(1, 3))
        taken, order = order[:count], order[count:]
        delivery += 1
        results = [result(event, size=10 + event % 2) for event in taken]
        made.offer(delivery, results, 0, data.draw(st.integers(0, 3 * EVENT)))
        if data.draw(st.booleans()) and (closed := close(made)):
            found.append(closed[0])
    made.fold(End(run="r", announced={"cam": 24}, time_ns=1))
    made.tick(61)
    while closed := close(made):
        found.append(closed[0])
    assert sorted(event for chunk in found for event in chunk) == list(range(24))
    assert all(len({event // events for event in chunk}) == 1 for chunk in found)
    assert sorted(made.take_settled()) == list(range(1, delivery + 1))
    assert (made.held_bytes, made.held_events) == (0, 0)
