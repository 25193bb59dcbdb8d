"""Every field of the Pipeline wrong once, in each way that it can be wrong; made by walking the models."""

import copy
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from cygnet.spec.pipeline import Pipeline
from hostile.spec_layout import FULL, Path, around, inside, layout

SECRETS = {"password", "secretAccessKey"}
_SCHEMA = Pipeline.model_json_schema(by_alias=True)
_WRONG_TYPE: dict[str, tuple[Any, ...]] = {
    "string": (7, 1.5, True, None, ["x"], {"x": "y"}),
    "integer": ("seven", "7", 1.5, True, None, [7], {"x": 7}),
    "number": ("seven", "7", True, None, [7], {"x": 7}, math.inf, math.nan, -math.inf),
    "boolean": ("maybe", "true", 1, 0, None, [True]),
    "array": ("x", 7, None, {"x": "y"}),
    "object": ("x", 7, None, ["x"]),
}


@dataclass(frozen=True, slots=True)
class WrongField:
    """A spec with one wrong field, and what its only problem must be."""

    name: str
    text: str
    field: str
    value: Any
    line: int
    meant: str | None = None


@cache
def wrong_fields() -> tuple[WrongField, ...]:
    """Return all cases, in the order of the models."""
    return tuple(_part((), _SCHEMA, FULL))


def _resolved(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a schema without references and "or null", and whether null is accepted."""
    if "anyOf" in schema:
        return _resolved(schema["anyOf"][0])[0], True
    if "$ref" in schema:
        return _SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], False
    return schema, False


def _part(path: Path, schema: dict[str, Any], valid: dict[str, Any]) -> Iterator[WrongField]:
    """Yield the cases of the fields of a part, of misspelt fields beside them, and of missing ones."""
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        if name not in valid:
            continue
        inner = (*path, name)
        misspelt = name + name[-1]
        yield _unknown(inner, misspelt, None, lambda part, it=misspelt: part.update({it: 1}))
        if name in required:
            yield _unknown(
                inner, misspelt, name, lambda part, it=misspelt, was=name: part.update({it: part.pop(was)})
            )
            yield _missing(inner)
        yield from _value(inner, field, valid[name])


def _value(path: Path, schema: dict[str, Any], valid: Any) -> Iterator[WrongField]:
    schema, nullable = _resolved(schema)
    for wrong in _wrong_values(schema, valid):
        if not (wrong is None and nullable):
            yield _wrong(path, wrong)
    if isinstance(valid, list):
        for place, item in enumerate(valid):
            items, _ = _resolved(schema["items"])
            if "properties" in items:
                yield from _wrong_items(path, place, items)
                yield from _part((*path, place), items, item)
            else:
                yield from _value((*path, place), items, item)
    elif "properties" in schema:
        yield from _part(path, schema, valid)
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from _value((*path, *valid), schema["additionalProperties"], "text")


def _wrong_items(path: Path, place: int, schema: dict[str, Any]) -> Iterator[WrongField]:
    if place == 0:
        for wrong in _wrong_values(schema, {}):
            yield _wrong((*path, place), wrong)


def _wrong_values(schema: dict[str, Any], valid: Any) -> Iterator[Any]:
    options = schema.get("enum", [schema["const"]] if "const" in schema else [])
    number = options and not isinstance(options[0], str)
    yield from _WRONG_TYPE["integer" if number else schema["type"]]
    if options:
        yield from (-999,) if number else ("nonsense", "", f"{options[0]}x")
    for bound, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1)):
        if bound in schema:
            yield schema[bound] + step
    if "pattern" in schema:
        yield next(text for text in (" ", "\x01") if not re.search(schema["pattern"], text))
        if not re.search(schema["pattern"], ""):
            yield ""
    if schema.get("minLength"):
        yield ""
    if "maxLength" in schema:
        yield "a" * (schema["maxLength"] + 1)
    if schema.get("minItems"):
        yield []
    if "maxProperties" in schema:
        yield {f"name-{number}": "x" for number in range(schema["maxProperties"] + 1)}
    if "maxItems" in schema:
        yield [valid[0] for _ in range(schema["maxItems"] + 1)]


def _wrong(path: Path, wrong: Any) -> WrongField:
    document = around(path)
    inside(document, path[:-1])[path[-1]] = wrong
    text, lines = layout(document)
    value = "***" if path[-1] in SECRETS else copy.deepcopy(wrong)
    return WrongField(f"{_said(path)}={_short(wrong)}", text, _said(path), value, lines[path])


def _unknown(path: Path, misspelt: str, was: str | None, change: Callable[[Any], None]) -> WrongField:
    document = around(path)
    part = inside(document, path[:-1])
    change(part)
    text, lines = layout(document)
    at = (*path[:-1], misspelt)
    value = "***" if SECRETS & {*part, was} else part[misspelt]
    kind = "instead" if was else "beside"
    return WrongField(f"{_said(at)} {kind}", text, _said(at), value, lines[at], meant=str(path[-1]))


def _missing(path: Path) -> WrongField:
    document = around(path)
    del inside(document, path[:-1])[path[-1]]
    text, lines = layout(document)
    value = "***" if path[-1] in SECRETS else None
    return WrongField(f"{_said(path)} missing", text, _said(path), value, lines[path[:-1]])


def _said(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def _short(value: Any) -> str:
    return repr(value) if len(repr(value)) < 20 else f"{type(value).__name__} of {len(value)}"
