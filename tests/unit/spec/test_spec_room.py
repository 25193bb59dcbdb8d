"""How large a result will be is known from the spec, and the page on large cameras shows a spec that fits."""

import re
from pathlib import Path

import pytest

from cygnet.spec.loader import loads
from cygnet.spec.problems import SpecError
from cygnet.spec.room import result_bytes
from cygnet.spec.sources import ExpectedFrame
from cygnet.spec.workers import Preprocessor

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "large-cameras.md").read_text()
_HEAD = "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: lime}\n"
FRACTION = {"window": {"min": 80, "max": 120}}
LEVELS = {"window": {"min": 80, "max": 120, "output": "levels"}}
CROP = {"crop": {"halfWindow": 64}}


@pytest.mark.parametrize(
    ("stages", "dtype", "wanted"),
    [
        ([], "uint16", 2304 * 2304 * 2),
        ([], None, 2304 * 2304),
        ([FRACTION], "uint16", 2304 * 2304 * 4),
        ([LEVELS], "uint16", 2304 * 2304),
        ([FRACTION, CROP], "uint16", 128 * 128 * 4),
    ],
)
def test_a_result_has_the_bytes_that_the_last_stage_leaves(stages, dtype, wanted):
    expected = ExpectedFrame.model_validate({"shape": [2304, 2304], "dtype": dtype})
    assert result_bytes(expected, Preprocessor.model_validate({"stages": stages}).stages) == wanted


def test_nothing_is_said_of_a_source_that_may_send_any_shape():
    assert result_bytes(ExpectedFrame(), []) == 0


def test_the_spec_on_the_page_of_large_cameras_is_accepted_and_needs_what_it_sets():
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert loads(_HEAD + example)
    small = re.sub(r"^ *(maxBytes|chunksBytes|streams):.*\n", "", example, flags=re.MULTILINE)
    with pytest.raises(SpecError, match="no two results of lime fit"):
        loads(_HEAD + small.replace(", output: levels", ""))
