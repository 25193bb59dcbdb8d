"""The sweep takes what was left on purpose to be taken, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cygnet.transport.owners import Owner
from cygnet_operator.sweep import APART_SECONDS, Absences, ours
from unit.operator.pipelines import SETTINGS

GONE = Owner(
    installation="cygnet/cygnet", namespace="lab", pipeline="lime", uid="u", deletion_policy="Delete"
)


def test_what_is_retained_anothers_or_elsewhere_is_never_taken() -> None:
    others = [
        replace(GONE, deletion_policy="Retain"),
        replace(GONE, installation="cygnet/other"),
        replace(GONE, installation="local"),
        replace(GONE, namespace="elsewhere"),
    ]
    settings = replace(SETTINGS, namespaces=("lab",))
    assert ours([GONE, *others], settings) == [GONE]
    assert replace(GONE, namespace="elsewhere") in ours(others, SETTINGS)


def test_two_complete_lists_a_minute_apart_have_to_lack_it() -> None:
    absences = Absences()
    assert absences.note([GONE], [], 0.0) == []
    assert absences.note([GONE], [], APART_SECONDS - 1) == []
    assert absences.note([GONE], [], APART_SECONDS) == [GONE]


def test_a_list_that_was_not_complete_begins_the_minute_anew() -> None:
    absences = Absences()
    absences.note([GONE], [], 0.0)
    absences.forget()
    assert absences.note([GONE], [], 100.0) == []
    assert absences.note([GONE], [], 160.0) == [GONE]


def test_a_new_pipeline_of_the_old_name_keeps_what_is_there() -> None:
    absences = Absences()
    absences.note([GONE], [], 0.0)
    assert absences.note([GONE], [("lab", "lime")], 100.0) == []
    assert absences.note([GONE], [], 101.0) == []


@given(st.lists(st.tuples(st.floats(0.1, 100), st.booleans()), max_size=20))
def test_whoever_is_taken_was_absent_from_all_lists_of_the_last_minute(
    steps: list[tuple[float, bool]],
) -> None:
    absences, now, last_seen = Absences(), 0.0, 0.0
    first_list: float | None = None
    for seconds, is_there in steps:
        now += seconds
        first_list = now if first_list is None else first_list
        taken = absences.note([GONE], [("lab", "lime")] if is_there else [], now)
        if is_there:
            last_seen = now
        if taken:
            assert (
                now - max(last_seen, first_list) >= APART_SECONDS - 1e-9 or now - last_seen >= APART_SECONDS
            )
            assert not is_there
