"""Keys sort by time, never collide by accident, and never leave their folder."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.spec.pipeline import DEFAULT_KEY_TEMPLATE
from cygnet.spec.templates import fault
from cygnet.storage import keys
from cygnet.storage.keys import CYGNO_TEMPLATE

CHUNK: dict[str, Any] = {
    "prefix": "lime",
    "run": "20241203T164512-ab12",
    "detector": "orca",
    "first_event": 200,
    "last_event": 399,
    "first_time_ns": 1_733_244_300_000_000_000,
    "last_time_ns": 1_733_244_312_671_863_000,
    "seq": 1,
    "attrs": {},
    "ext": "npz",
}


def render(template: str, **changes: Any) -> str:
    return keys.render_key(template, **(CHUNK | changes))


def test_default_key() -> None:
    assert render(DEFAULT_KEY_TEMPLATE) == "lime/20241203T164512-ab12/orca/chunk-000000200-000000399.npz"


def test_school_key_is_one_line_of_spec() -> None:
    assert render(CYGNO_TEMPLATE, prefix="cygno-store") == (
        "cygno-store/data-chunk-2024-12-03T16:45:12.671863.npz"
    )


@pytest.mark.parametrize("prefix", ["", "/", "//"])
def test_empty_prefix_leaves_no_slash(prefix: str) -> None:
    assert render(DEFAULT_KEY_TEMPLATE, prefix=prefix).startswith("20241203T164512-ab12/orca/")
    assert keys.manifest_key(prefix, "r", "d", 0, 9) == "r/manifest/d-000000000-000000009.parquet"
    assert keys.ledger_key(prefix, "r") == "r/ledger.json"


def test_prefix_may_be_a_path() -> None:
    assert keys.segment_key("/a/b/", "r", 3) == "a/b/r/index/segment-000003.parquet"
    assert keys.generation_key("a", "r", 12) == "a/r/index/generation-000012.parquet"
    assert keys.provenance_key("a", "r", "0f") == "a/r/provenance/0f.json"


@given(times=st.lists(st.integers(0, 7 * 10**18).map(lambda t: t // 1000 * 1000), min_size=2, unique=True))
def test_names_by_time_sort_by_time(times: list[int]) -> None:
    named = [render(CYGNO_TEMPLATE, last_time_ns=time) for time in sorted(times)]
    assert named == sorted(named)
    assert len({len(name) for name in named}) == 1


@given(events=st.lists(st.integers(0, 999_999_999), min_size=2, unique=True))
def test_names_by_event_sort_by_event(events: list[int]) -> None:
    named = [render(DEFAULT_KEY_TEMPLATE, first_event=e, last_event=e) for e in sorted(events)]
    assert named == sorted(named)


@pytest.mark.parametrize(
    "key", [render(DEFAULT_KEY_TEMPLATE), render(CYGNO_TEMPLATE), "a.b/c", "noext", "x/.npz"]
)
def test_taken_key_gets_a_suffix_that_sorts_behind_it(key: str) -> None:
    names = [key, keys.with_suffix(key, 1), keys.with_suffix(key, 2)]
    assert len(set(names)) == 3
    assert names == sorted(names) or "." not in key.rpartition("/")[2][1:]
    assert all(name.rpartition("/")[0] == key.rpartition("/")[0] for name in names)
    if key.endswith(".npz") and not key.endswith("/.npz"):
        assert all(name.endswith(".npz") for name in names)


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{prefix}/{colour}.npz", "{colour}.*accepted: prefix, run, detector"),
        ("{}", "unknown field"),
        ("{prefix", "not a template"),
        ("{run:x}", "takes no format"),
        ("{first_event:%}", "not a width"),
        ("{first_event!r}", "takes no format"),
        ("{attrs.}", "unknown field"),
        ("{attrs.a.b}", "unknown field"),
        ("{prefix.__class__}", "unknown field"),
        ("{prefix}/../{run}", "no parts of a key"),
        ("{prefix}\n{run}", "control characters"),
        ("", "ends without a name"),
        ("{prefix}/", "ends without a name"),
        ("{attrs.a}-{attrs.b}-{attrs.c}", "names of 302 bytes; accepted: up to 240"),
        ("{prefix}/{run}/" + "{attrs.a}/" * 10 + "x", r"keys of 1\d\d\d bytes; accepted: up to 1000"),
        ("{prefix}/" + "ø" * 150, "names of 300 bytes"),
    ],
)
def test_bad_template_names_the_fault(template: str, fault: str) -> None:
    with pytest.raises(BadInputError, match=fault):
        keys.check_template(template)
    with pytest.raises(BadInputError):
        render(template)


@given(value=st.one_of(st.none(), st.text(), st.integers(), st.floats()))
def test_attribute_never_leaves_its_place_in_the_key(value: object) -> None:
    key = render("{prefix}/{attrs.label}/{seq:04d}.{ext}", attrs={"label": value})
    assert key.count("/") == 2
    assert key.startswith("lime/")
    assert key.endswith("/0001.npz")
    assert ".." not in key.split("/")


_FIELDS = [
    "{prefix}",
    "{run}",
    "{detector}",
    "{seq:099d}",
    "{last_time}",
    "{attrs.a}",
    "{ext}",
    "/",
    "ü",
    "x",
]


@given(template=st.lists(st.sampled_from(_FIELDS), max_size=40).map("".join), value=st.text(min_size=300))
def test_no_key_is_longer_than_a_store_takes_whatever_an_attribute_says(template: str, value: str) -> None:
    longest = {"prefix": "p" * 200, "run": "r" * 64, "detector": "d" * 64, "seq": 2**63 - 1}
    if fault(template) is None:
        key = keys.with_suffix(render(template, **longest, attrs={"a": value + "a" * 300}), 99_999)
        assert len(key.encode()) <= 1024
        assert max(len(name.encode()) for name in key.split("/")) <= 255


def test_missing_attribute_is_said() -> None:
    assert render("{attrs.label}-{seq}.{ext}") == "none-1.npz"


def test_own_files_are_told_from_foreign_ones() -> None:
    assert keys.is_manifest(keys.manifest_key("p", "r", "lime-2", 0, 9))
    assert keys.is_manifest(keys.with_suffix(keys.manifest_key("p", "r", "lime", 0, 9), 1))
    assert not keys.is_manifest("p/r/manifest/.rclone_temp_put_00")
    assert keys.segment_number(keys.segment_key("p", "r", 7)) == 7
    assert keys.generation_number(keys.generation_key("p", "r", 7)) == 7
    assert keys.segment_number(keys.generation_key("p", "r", 7)) is None
    assert keys.generation_number("p/r/index/notes.txt") is None
