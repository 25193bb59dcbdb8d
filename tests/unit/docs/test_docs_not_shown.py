"""The page of what is not shown: as its list has it, and true of the tests and the rig as they are."""

from typing import Any

import pytest

from cluster.not_shown import ROOT, UnfoundedError, check, limits, page


def test_the_page_is_the_one_that_the_list_makes() -> None:
    assert (ROOT / "docs/reference/not-shown.md").read_text(encoding="utf-8") == page(), (
        "make docs writes it again"
    )


def test_every_limit_names_a_test_that_shows_something_instead() -> None:
    found = limits()
    assert len({limit["what"] for limit in found}) == len(found) > 10
    assert all(limit["tests"] for limit in found)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"tests": ["tests/cluster/test_nowhere.py"]}, "there is no tests/cluster/test_nowhere.py"),
        (
            {"tests": ["tests/cluster/test_hpa.py::test_no"]},
            "there is no test_no in tests/cluster/test_hpa.py",
        ),
        ({"fact": {"file": "tests/cluster/rig/node", "words": "a policy engine"}}, "is it shown now"),
    ],
)
def test_what_is_not_so_or_no_longer_is_named(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(UnfoundedError, match=why):
        check({**limits()[0], **changed})
