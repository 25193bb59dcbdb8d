"""The ledger's equation must hold for every account, in any order of its records, read twice or once."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.account import Begin, Commit, Consumed, Dead, Dropped, End, Stored
from cygnet.model.intervals import compress
from cygnet.model.ledger import fold, ledger, stored_twice, total

RUN, DETECTOR, ISSUED = "run", "cam", 40
events = st.sets(st.integers(0, ISSUED - 1), max_size=12)


def commit(chunk: str, of: set[int]) -> Commit:
    return Commit(
        run=RUN, detector=DETECTOR, chunk=chunk, attempt="a", epoch=1, key=chunk, content_type="", size=1,
        sha256="", events=compress(of), slices=[1], manifest_key="m", manifest_size=1, manifest_sha256="",
        manifest_slices=[2],
    )  # fmt: skip


def stored(chunk: str, of: set[int]) -> Stored:
    return Stored(
        run=RUN, detector=DETECTOR, chunk=chunk, attempt="a", key=chunk, manifest_key="m", size=1,
        events=compress(of),
    )  # fmt: skip


@st.composite
def accounts(draw):
    records = [Begin(run=RUN, detectors=[DETECTOR], time_ns=0)]
    for chunk in range(draw(st.integers(0, 3))):
        of = draw(events)
        records.append(commit(str(chunk), of))
        if draw(st.booleans()):
            records.append(stored(str(chunk), of))
    records.append(Consumed(run=RUN, detector=DETECTOR, events=compress(draw(events)), reason="filtered"))
    records.append(Dead(run=RUN, detector=DETECTOR, events=compress(draw(events)), reason="truncated"))
    records.extend(
        Dropped(run=RUN, detector=DETECTOR, events=compress(draw(events)), reason=reason)
        for reason in ("intake-overrun", "duplicate")
    )
    if draw(st.booleans()):
        records.append(End(run=RUN, announced={DETECTOR: ISSUED}, time_ns=1))
    return draw(st.permutations(records))


@given(accounts())
def test_announced_is_always_the_sum_of_what_became_of_it(records):
    (row,) = ledger(fold(RUN, records), {DETECTOR: ISSUED})
    assert row.announced == row.stored + row.consumed + row.dead + row.in_flight
    assert row.announced + row.dropped + row.duplicates == ISSUED
    assert min(row.stored, row.consumed, row.dead, row.in_flight, row.dropped, row.duplicates) >= 0
    assert sum(row.dead_reasons.values()) == row.dead


@given(accounts())
def test_reading_the_account_twice_changes_nothing(records):
    once, twice = fold(RUN, records), fold(RUN, [*records, *records])
    assert ledger(once) == ledger(twice)
    assert once.is_complete() == twice.is_complete()


@given(accounts())
def test_a_run_is_complete_only_when_nothing_is_in_flight_and_no_chunk_waits(records):
    account = fold(RUN, records)
    rows = ledger(account, {DETECTOR: ISSUED})
    if account.is_complete():
        assert total(rows, RUN).closes
        assert not account.detector(DETECTOR).waiting_commits()


def test_a_dead_event_that_is_stored_after_all_counts_as_stored():
    records = [
        End(run=RUN, announced={DETECTOR: 1}, time_ns=1),
        Dead(run=RUN, detector=DETECTOR, events=[(0, 0)], reason="truncated"),
        commit("c", {0}),
        stored("c", {0}),
    ]
    (row,) = ledger(fold(RUN, records))
    assert (row.stored, row.dead, row.in_flight) == (1, 0, 0)
    assert row.equation() == "announced 1 = stored 1 + consumed 0 + dead 0 + in flight 0"


def test_two_chunks_that_hold_one_event_are_found():
    assert not stored_twice([commit("a", {0, 1}), commit("b", {2})])
    assert stored_twice([commit("a", {0, 1}), commit("b", {1, 2})])[DETECTOR].pairs() == [(1, 1)]


def test_later_events_do_not_stand_in_for_earlier_ones_that_are_missing():
    records = [
        End(run=RUN, announced={DETECTOR: 64}, time_ns=1),
        commit("c", set(range(64, 128))),
        stored("c", set(range(64, 128))),
    ]
    account = fold(RUN, records)
    (row,) = ledger(account)
    assert not account.is_complete()
    assert (row.announced, row.stored, row.in_flight) == (128, 64, 64)


@given(accounts())
def test_every_consumed_event_has_one_reason_in_the_ledger(records):
    for row in ledger(fold(RUN, records)):
        assert sum(row.consumed_reasons.values()) == row.consumed
        assert total([row, row], RUN).consumed_reasons == {
            reason: 2 * count for reason, count in row.consumed_reasons.items()
        }


def test_an_event_consumed_for_two_reasons_counts_once():
    records = [
        Consumed(run=RUN, detector=DETECTOR, events=[(0, 5)], reason="filtered"),
        Consumed(run=RUN, detector=DETECTOR, events=[(4, 9)], reason="not-saved"),
        stored("0", {0}),
    ]
    (row,) = ledger(fold(RUN, records))
    assert row.consumed_reasons == {"filtered": 3, "not-saved": 6}  # the last one that was noted
    assert row.reasons() == ["consumed: 3 × filtered", "consumed: 6 × not-saved"]
