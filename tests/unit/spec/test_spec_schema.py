"""The generated JSON Schema and reference page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cygnet.spec.example import announcements_spec, replay_spec, simulator_spec
from cygnet.spec.loader import loads
from cygnet.spec.reference import reference_markdown
from cygnet.spec.schema import DIALECT, fields_of, json_schema, parts

ROOT = Path(__file__).parents[3]


def nodes(schema: Any) -> list[dict[str, Any]]:
    below = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    return ([schema] if isinstance(schema, dict) else []) + [found for part in below for found in nodes(part)]


def test_the_committed_reference_is_the_generated_one() -> None:
    page = (ROOT / "docs/reference/pipeline.md").read_text(encoding="utf-8")
    assert page == reference_markdown(), "run: python -m cygnet.spec.reference > docs/reference/pipeline.md"


def test_the_reference_has_a_row_for_every_field_and_a_target_for_every_link() -> None:
    page = reference_markdown()
    for path, part in parts():
        assert f"\n## {path or 'The document'}\n" in page
        for name in fields_of(part):
            assert f"\n| `{name}` | " in page
    headings = {
        re.sub(r"[^a-z0-9]", "", line[3:].lower()) for line in page.splitlines() if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= headings


def test_the_reference_tells_every_rule_and_leaves_no_meaning_empty() -> None:
    page = reference_markdown()
    assert "- `minReplicas` must not exceed `maxReplicas`." in page
    assert "|  |" not in page
    assert "\n- \n" not in page


def test_the_schema_says_its_dialect_and_is_sorted_and_stable() -> None:
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    assert json.dumps(schema) == json.dumps(json_schema(), sort_keys=True)


def test_every_field_has_a_description_and_every_number_string_and_list_in_spec_its_bounds() -> None:
    for path, part in parts():
        for name, field in fields_of(part).items():
            assert field.get("description") or "$ref" in field, f"{path}.{name}"
    for part_name, part in json_schema()["$defs"].items():
        if part_name in ("Metadata", "Window"):  # labels are Kubernetes' own; counts have no bounds
            continue
        for node in nodes(part):
            match node.get("type"):
                case "integer" | "number" if "enum" not in node:
                    assert {"minimum", "exclusiveMinimum"} & set(node)
                    assert "maximum" in node
                case "string" if not {"enum", "const"} & set(node):
                    assert "maxLength" in node or re.search(r"\{\d+,\d+\}", node.get("pattern", ""))
                case "array":
                    assert "maxItems" in node
                case "object":
                    names = node["additionalProperties"]
                    assert names is False or ("maxProperties" in node and names["type"] == "string")


def test_every_pattern_is_also_said_in_words() -> None:
    for node in nodes(json_schema()):
        if isinstance(node.get("pattern"), str):
            assert node["patternErrorMessage"]


def uncommented(text: str) -> str:
    return re.sub(r"^( *)# ((  )?(- )?[a-zA-Z]+:)", r"\1\2", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "text", [replay_spec("lime", "frames"), simulator_spec("lime"), announcements_spec("lime", "daq/data")]
)
def test_the_example_is_valid_with_and_without_its_commented_lines(text: str) -> None:
    assert loads(text)[0].metadata.name == "lime"
    full = uncommented(text)
    assert full.count("#") < text.count("#")
    [pipeline] = loads(full)
    assert len(pipeline.spec.preprocessor.stages) == 2
