"""Puts types, bounds and values into words, the same in errors and in the reference."""

import math
from typing import Any

from cygnet.spec.problems import clipped
from cygnet.spec.scalars import AmbiguousError, read
from cygnet.spec.schema import Schema, fields_of, resolved

_BYTES = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def accepted(schema: Schema, name: str = "") -> str:
    """Return what a field accepts; `name` tells whether its numbers are bytes."""
    schema = resolved(schema)
    if "const" in schema:
        return _choice([schema["const"]])
    if "enum" in schema:
        return _choice(schema["enum"])
    if "patternErrorMessage" in schema:
        return str(schema["patternErrorMessage"])
    match schema.get("type"):
        case "string":
            return "a string" + _span(schema.get("minLength"), schema.get("maxLength"), " of {} characters")
        case "integer":
            return f"a whole number{_range(schema, name)}"
        case "number":
            return f"a number{_range(schema, name)}"
        case "boolean":
            return "true or false"
        case "array":
            many = _span(schema.get("minItems"), schema.get("maxItems"), " of {}") or " of"
            items = resolved(schema["items"])
            each = f"the fields {', '.join(fields_of(items))}" if fields_of(items) else accepted(items)
            return f"a list{many} items; each: {each}"
        case "object" if fields_of(schema):
            return f"a mapping with the fields {', '.join(fields_of(schema))}"
        case "object":
            inside = schema.get("additionalProperties")
            names = _span(None, schema.get("maxProperties"), " of {}") or " of"
            return f"a mapping{names} names to {'strings' if isinstance(inside, dict) else 'anything'}"
        case _:
            return "anything"


def kind(value: object) -> str:
    """Return what a value of a spec file is."""
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int():
            return "a whole number"
        case float():
            return "a number" if math.isfinite(value) else "not a finite number"
        case str():
            return "a string"
        case _:
            return shown(value)


def shown(value: object) -> str:
    """Return a value as it would be written in YAML; lists and mappings by their size only."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return clipped(value)
        case list() | dict():
            many = f"{len(value)} {'item' if isinstance(value, list) else 'field'}{'s' * (len(value) != 1)}"
            return f"a {'list' if isinstance(value, list) else 'mapping'} of {many}"
        case _:
            return clipped(str(value))[1:-1]


def amount(number: float, name: str) -> str:
    """Return a number, with its size in KiB to TiB where the field counts bytes."""
    if name.lower().endswith("bytes"):
        for unit, size in _BYTES:
            if number >= size and number % size == 0:
                return f"{number} ({number // size} {unit})"
    return str(number)


def is_number(text: str) -> bool:
    """Return whether a text would be a number without its quotes."""
    try:
        value = read(text)
    except AmbiguousError:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool)


def _choice(options: list[Any]) -> str:
    named = [
        f"{option!r} (in quotes)" if isinstance(option, str) and is_number(option) else str(option)
        for option in options
    ]
    return " or ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)


def _range(schema: Schema, name: str) -> str:
    low, above, high = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f" from {amount(low, name)} to {amount(high, name)}"
    if above is not None and high is not None:
        return f" above {amount(above, name)}, at most {amount(high, name)}"
    if low is not None:
        return f" of at least {amount(low, name)}"
    return ""


def _span(low: int | None, high: int | None, words: str) -> str:
    if low is None and high is None:
        return ""
    if low and high:
        return words.format(f"{low} to {high}")
    return words.format(f"at most {high}" if high else f"at least {low}")
