"""Whatever the text is: Pipelines or a SpecError; and what is written is read back the same."""

import copy
import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.spec.dumper import dumps, scalar
from cygnet.spec.loader import loads
from cygnet.spec.problems import SpecError
from hostile.spec_layout import FULL, MINIMAL, inside, layout
from hostile.spec_texts import BROKEN_TEXTS, HEAD, SOURCES

UNHURRIED = settings(deadline=None)
VALID = layout(FULL)[0]
YAML_SIGNS = st.text(alphabet="abz019 \n\t:-?[]{}&*!|>'\"%@`#,.~<=\\xuUN\x85\u2028\ufeff\ud800é", max_size=60)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def read_or_refused(text: str) -> None:
    with suppress(SpecError):
        assert loads(text, "any.yaml")


@UNHURRIED
@given(st.text() | YAML_SIGNS)
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refused(text)


@UNHURRIED
@given(YAML_SIGNS, st.sampled_from(["", "  ", "  nats: ", "  preprocessor:\n    stages:\n      - "]))
def test_any_text_inside_a_spec_is_read_or_refused(text: str, before: str) -> None:
    read_or_refused(f"{HEAD}{SOURCES}{before}{text}")


@UNHURRIED
@given(st.integers(0, len(VALID)), st.integers(0, 40), YAML_SIGNS)
def test_damaged_spec_is_read_or_refused(at: int, cut: int, text: str) -> None:
    read_or_refused(VALID[:at] + text + VALID[at + cut :])


@UNHURRIED
@given(st.sampled_from(sorted(FULL["spec"])), JSON_VALUES)
def test_any_value_in_a_part_is_read_or_refused(part: str, value: Any) -> None:
    document = copy.deepcopy(FULL)
    document["spec"][part] = value
    read_or_refused(json.dumps(document))


@UNHURRIED
@given(
    st.sampled_from([case.text for case in BROKEN_TEXTS]),
    st.sampled_from([case.text for case in BROKEN_TEXTS]),
)
def test_two_broken_documents_in_one_file_are_refused(first: str, second: str) -> None:
    read_or_refused(f"{first}\n---\n{second}")


_NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
_PRINTABLE = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff\ufffe\uffff")
_PATHS = st.text(_PRINTABLE, min_size=1, max_size=30)


@UNHURRIED
@given(
    name=_NAMES,
    path=_PATHS
    | st.sampled_from(["no", "1e3", "0899", "0o17", "1:30", "~", "null", ".inf", "- a", "a: b", "#x", " "]),
    label=_PATHS,
    rate=st.floats(min_value=0, max_value=1e6, exclude_min=True),
    low=st.floats(min_value=-1e15, max_value=1e14),
    template=st.sampled_from(["{prefix}/{seq:06d}", "{attrs.energy}: {run}", "{{x}} {run}"]),
)
def test_what_is_dumped_is_loaded_back_the_same(
    name: str, path: str, label: str, rate: float, low: float, template: str
) -> None:
    document = copy.deepcopy(FULL)
    document["metadata"]["name"] = name
    document["metadata"]["labels"] = {label: path}
    document["spec"]["sources"][0]["replay"] |= {"path": path, "rateHz": rate}
    inside(document, ("spec", "preprocessor", "stages", 1, "window")).update({"min": low, "max": 1e15})
    document["spec"]["aggregator"]["keyTemplate"] = template
    [pipeline] = loads(dumps_json(document))
    other = loads(layout(MINIMAL | {"metadata": {"name": "other-one", "namespace": "n"}})[0])
    assert loads(dumps([pipeline, *other])) == [pipeline, *other]


def dumps_json(document: dict[str, Any]) -> str:
    # JSON as it is written with every sign as itself is YAML; escaped pairs of surrogates are not.
    return json.dumps(document, ensure_ascii=False).replace("\x7f", "\\u007f")


@UNHURRIED
@given(_PATHS)
def test_a_text_is_written_so_that_it_stays_a_text_between_brackets(text: str) -> None:
    document = f"{HEAD}{SOURCES}metadata2: x\n".replace(
        "{name: lime}", f"{{name: lime, labels: {{a: {scalar(text)}}}}}"
    )
    [pipeline] = loads(document.replace("metadata2: x\n", ""))
    assert pipeline.metadata.labels == {"a": text}
