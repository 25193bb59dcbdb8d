"""The CustomResourceDefinition: as committed, as Kubernetes takes it, and with every rule of the models."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import yaml

from cygnet.spec.base import Part, every_part
from cygnet.spec.crd import crd, crd_yaml
from cygnet.spec.loader import loads
from cygnet.spec.problems import SpecError
from cygnet.spec.rules import Rule
from cygnet.spec.templates import FORM, WITH_CEL
from hostile.spec_texts import BROKEN_RULES

ROOT = Path(__file__).parents[3]
FILE = "charts/cygnet/files/pipelines.cygnet.dev.yaml"
CHECKED_BY_THE_OPERATOR = {FORM}
"""Rules that CEL cannot say: the operator reads the models, and does not accept the Pipeline."""

PARTS = [part for part in every_part() if part.__module__.startswith("cygnet.")]


def schema() -> dict[str, Any]:
    [version] = crd()["spec"]["versions"]
    root: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return root


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema with its path; not the values of defaults."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if name in node:
            yield from nodes(node[name], f"{path}[]")


def raised(function: Any) -> set[Rule]:
    """Return the rules that a validator, or a function of its module that it calls, can raise."""
    found: set[Rule] = set()
    for name in function.__code__.co_names:
        match function.__globals__.get(name):
            case Rule() as rule:
                found.add(rule)
            case dict() as rules:
                found |= {rule for rule in rules.values() if isinstance(rule, Rule)}
            case FunctionType() as helper if helper.__module__ == function.__module__:
                found |= raised(helper)
    return found


def test_the_committed_definition_is_the_generated_one() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == crd_yaml(), f"run: cygnet schema --crd > {FILE}"
    assert yaml.safe_load(crd_yaml()) == crd()


def test_nothing_is_said_that_an_api_server_refuses() -> None:
    known = {
        *("type", "format", "enum", "description", "default", "properties", "required", "items"),
        *("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems"),
        *("maxProperties", "additionalProperties", "x-kubernetes-validations"),
        *("x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    }
    for path, node in nodes(schema()):
        assert set(node) <= known, path
        assert isinstance(node["type"], str)
        assert not ("properties" in node and "additionalProperties" in node), path


def test_every_string_list_mapping_and_number_has_its_bounds() -> None:
    free = {".apiVersion", ".kind", ".metadata.name"}
    for path, node in nodes(schema()):
        match node["type"]:
            case "string" if path not in free and "enum" not in node:
                assert "maxLength" in node, path
            case "array":
                assert "maxItems" in node, path
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, path
            case "integer" | "number" if "enum" not in node:
                assert {"minimum", "maximum"} <= set(node), path


def test_every_field_says_what_it_is() -> None:
    root = schema()
    for name in ("spec", "status"):
        for path, node in nodes(root["properties"][name]):
            assert node.get("description") or path.endswith("[]"), path


def test_every_field_that_a_rule_blames_exists() -> None:
    for path, node in nodes(schema()):
        for rule in node.get("x-kubernetes-validations", []):
            assert "\n" not in rule["message"]
            assert "{" not in rule["message"].replace("{prefix}/{run}/{first_event:09d}.{ext}", "")
            blamed = node
            for name in filter(None, rule.get("fieldPath", "").split(".")):
                blamed = blamed["properties"][name]
            assert blamed["type"], path


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_a_part_lists_every_rule_that_its_validators_raise(part: type[Part]) -> None:
    checks = part.__pydantic_decorators__.model_validators.values()
    assert {rule for check in checks for rule in raised(check.func)} | set(WITH_CEL) == {
        *part.RULES,
        *WITH_CEL,
    }


@pytest.mark.parametrize(
    "rule",
    sorted({rule for part in PARTS for rule in part.RULES}, key=repr),
    ids=lambda rule: rule.words[:40],
)
def test_a_rule_is_checked_by_the_api_server_or_known_to_be_the_operators(rule: Rule) -> None:
    assert (rule.cel is not None) + rule.by_key + (rule in CHECKED_BY_THE_OPERATOR) == 1
    written = [each for _, node in nodes(schema()) for each in node.get("x-kubernetes-validations", [])]
    assert not rule.cel or rule.cel.holds in [each["rule"] for each in written]


@pytest.mark.parametrize(
    "rule",
    sorted({rule for part in PARTS for rule in part.RULES}, key=repr),
    ids=lambda rule: rule.words[:40],
)
def test_each_rule_has_a_spec_that_breaks_it(rule: Rule) -> None:
    words = re.sub(r"\\\{\w+\\\}", ".+", re.escape(rule.words.replace("{{{field}}}", "{field}")))
    field = rule.field.split(".")[0]
    assert any(re.search(words, found) and field in found for found in told()), rule.words


def told() -> list[str]:
    problems = []
    for case in BROKEN_RULES:
        with pytest.raises(SpecError) as caught:
            loads(case.text)
        problems.append(str(caught.value))
    return problems
