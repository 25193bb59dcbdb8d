"""Every field wrong once: the problem names field, value, line and what is accepted, and is the only one."""

import math

import pytest

from cygnet.spec.loader import loads
from cygnet.spec.problems import Problem, SpecError
from cygnet.spec.schema import fields_of, parts
from hostile.spec_layout import FULL, layout
from hostile.spec_texts import BROKEN_RULES, BROKEN_TEXTS, BrokenText
from hostile.specs import SECRETS, WrongField, wrong_fields


def only_problem(text: str) -> Problem:
    with pytest.raises(SpecError) as caught:
        loads(text, "spec.yaml")
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def test_the_spec_with_every_field_is_valid() -> None:
    assert loads(layout(FULL)[0])[0].metadata.name == "lime"


def test_no_field_of_the_models_is_left_out() -> None:
    tried = {case.field.translate({ord(digit): None for digit in "0123456789"}) for case in wrong_fields()}
    for path, part in parts():
        for name in fields_of(part):
            # the only names with digits in them belong to parts: `s3`
            field = f"{path}.{name}".lstrip(".").replace("s3", "s")
            assert field in tried


@pytest.mark.parametrize("case", wrong_fields(), ids=lambda case: case.name)
def test_wrong_field_is_named_with_value_line_and_accepted_values(case: WrongField) -> None:
    problem = only_problem(case.text)
    assert (problem.file, problem.line, problem.field) == ("spec.yaml", case.line, case.field)
    if isinstance(case.value, float) and math.isnan(case.value):
        assert isinstance(problem.value, float)
        assert math.isnan(problem.value)
    else:
        assert (problem.value, type(problem.value)) == (case.value, type(case.value))
    assert problem.accepted
    assert "Input should" not in str(problem)
    assert "pattern" not in str(problem)
    if case.meant:
        assert f"did you mean {case.meant!r}?" in problem.message
        assert case.meant in problem.accepted


@pytest.mark.parametrize("case", [*BROKEN_RULES, *BROKEN_TEXTS], ids=lambda case: case.name)
def test_broken_rule_or_yaml_is_told_once_with_its_line(case: BrokenText) -> None:
    problem = only_problem(case.text)
    assert (problem.line, problem.field) == (case.line, case.field)
    assert case.words in str(problem)


def test_secrets_are_never_shown_even_when_they_are_wrong() -> None:
    document, secret = layout(FULL)[0], "hunter2"
    assert secret in document
    spoilt = [
        document.replace('"password":', '"passwort":'),
        document.replace('"secretAccessKey": "hunter2hunter2"', '"secretAccessKey": "hunter2"'),
        document.replace('"hunter2"', "[hunter2]"),
        document.replace('"hunter2"', "!secret hunter2"),
        document.replace('"listen": "127.0.0.1:4222"', '"listen": 4222').replace("\n            ", " "),
        'spec: {local: {nats: {users: [{user: a, password: hunter2}]}}, apiVersion: x, kind: "Pipeline"}',
        "spec: {local: {nats: {users: [{user: a, password: hunter2}]}}",
    ]
    for text in spoilt:
        with pytest.raises(SpecError) as caught:
            loads(text)
        assert secret not in str(caught.value)
        assert secret not in repr(
            [problem.as_dict() for problem in caught.value.problems if _secret(problem)]
        )


def _secret(problem: Problem) -> bool:
    return problem.field.rsplit(".", 1)[-1] in SECRETS | {"passwort"}
