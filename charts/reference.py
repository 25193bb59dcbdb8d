"""The chart's README from its values and their schema, which must agree: `python -m charts.reference`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).parent / "cygnet"
HEAD = Path(__file__).parent / "README.head.md"
Json = dict[str, Any]
_TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}


class DisagreementError(Exception):
    """Values and schema do not describe the same chart."""


class Row(NamedTuple):
    """One value: its path, what it is, its default, and what it accepts."""

    path: str
    description: str
    default: Any
    accepted: str


def rows(schema: Json, values: Json) -> list[Row]:
    """Return a row of each value. Raises DisagreementError where a key has no schema, or a schema no key."""
    return list(_rows(schema, schema, values, ()))


def readme() -> str:
    """Return the README: its head, and a table of all values."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = [
        HEAD.read_text().rstrip(),
        "",
        "## Values",
        "",
        "| value | default | what it is |",
        "|---|---|---|",
    ]
    for row in rows(schema, values):
        default = json.dumps(row.default, ensure_ascii=False)
        accepted = f" ({row.accepted})" if row.accepted else ""
        lines.append(f"| `{row.path}` | `{default}` | {_in_table(row.description)}{accepted} |")
    return "\n".join(lines) + "\n"


def _rows(root: Json, schema: Json, value: Any, path: tuple[str, ...]) -> Iterator[Row]:
    name = ".".join(path)
    described = {**_resolved(root, schema), **schema}
    if path and not described.get("description"):
        raise DisagreementError(f"{name}: values.schema.json does not say what it is")
    kind = described.get("type")
    if kind not in _TYPES or not isinstance(value, _TYPES[kind]) or (kind == "integer" and value is True):
        raise DisagreementError(f"{name}: values.yaml has {value!r}, values.schema.json says {kind}")
    if kind == "object" and "properties" in described:
        if described.get("additionalProperties") is not False:
            raise DisagreementError(f"{name}: values.schema.json lets misspelt keys pass")
        if described["properties"].keys() != value.keys() and name.rpartition(".")[2] not in _AMOUNTS:
            differing = ", ".join(sorted(described["properties"].keys() ^ value.keys()))
            raise DisagreementError(f"{name}: only values.yaml or only values.schema.json has {differing}")
        for key in value:
            yield from _rows(root, described["properties"][key], value[key], (*path, key))
    else:
        yield Row(name, described["description"], value, _accepted(described))


_AMOUNTS = ("resources", "requests", "limits")  # what is left out has no limit


def _resolved(root: Json, schema: Json) -> Json:
    found: Json = root
    for part in schema.get("$ref", "#/").removeprefix("#/").split("/"):
        found = found[part] if part else {}
    return found


def _accepted(schema: Json) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return ""


def _in_table(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(readme())
