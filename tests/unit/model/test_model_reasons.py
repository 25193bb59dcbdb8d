"""A broken source gives up millions of events: their reasons take intervals, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.account import Dead
from cygnet.model.intervals import compress
from cygnet.model.ledger import fold, ledger
from cygnet.model.reasons import Reasons

NOTES = st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 30), min_size=1)), max_size=6)


@given(NOTES)
def test_each_event_has_the_reason_that_was_noted_last(notes):
    found, wanted = Reasons(), {}
    for reason, events in notes:
        found.note(reason, compress(events))
        wanted |= dict.fromkeys(events, reason)
    assert all(found.get(event) == wanted.get(event) for event in range(31))
    assert sum(len(events) for _, events in found) == len(wanted)


def test_a_million_events_with_one_reason_are_one_interval():
    record = Dead(run="r", detector="cam", events=[(0, 999_999)], reason="not-an-image")
    account = fold("r", [record])
    assert [(reason, events.pairs()) for reason, events in account.detector("cam").dead_reasons] == [
        ("not-an-image", [(0, 999_999)])
    ]
    (row,) = ledger(account)
    assert row.dead_reasons == {"not-an-image": 1_000_000}
