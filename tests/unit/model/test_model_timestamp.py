"""A time that is misread moves an event; one that cannot be read must say so."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.model.timestamp import format_time, parse_time

BASE = 1732717656


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-11-27 14:27:36.570564", BASE * 10**9 + 570564000),
        ("2024-11-27 14:27:36", BASE * 10**9),
        ("2024-11-27T14:27:36.5Z", BASE * 10**9 + 500000000),
        ("2024-11-27T16:27:36+02:00", BASE * 10**9),
        ("2024-11-27 12:27:36.000000001 -0200", BASE * 10**9 + 1),
    ],
)
def test_times_of_announcers_become_utc_nanoseconds(text, expected):
    assert parse_time(text, local=UTC) == expected


def test_a_naive_time_is_local():
    assert parse_time("2024-11-27 16:27:36", local=timezone(timedelta(hours=2))) == BASE * 10**9
    here = datetime(2024, 11, 27, 14, 27, 36).astimezone()
    assert parse_time("2024-11-27 14:27:36") == int(here.timestamp()) * 10**9


ABSURD = [
    *("", " ", "yesterday", None, 3, [], "2024-11-27 14:27:36.", "١٢٣٤-11-27 14:27:36"),
    *("2024-13-01 00:00:00", "2024-02-30 00:00:00", "2024-11-27 25:00:00", "0000-00-00 00:00:00"),
    *("9999-12-31 23:59:59", "1969-12-31 23:59:59Z", "2024-11-27 14:27:36+99:00"),
]


@pytest.mark.parametrize("text", ABSURD)
def test_an_absurd_time_is_refused_with_what_is_accepted(text):
    with pytest.raises(BadInputError, match="accepted") as caught:
        parse_time(text)
    assert caught.value.reason == "bad-time"


@given(st.integers(0, 7 * 10**18))
def test_written_times_read_back_to_the_microsecond_and_sort_as_text(time_ns):
    text = format_time(time_ns)
    assert parse_time(text + "Z") == time_ns // 1000 * 1000
    assert (format_time(time_ns + 1000) > text) is True
    assert len(text) == 26


@given(st.text())
def test_no_text_does_worse_than_a_clear_refusal(text):
    try:
        parse_time(text)
    except BadInputError:
        return
