"""The JSON Schema of a Pipeline, made from the models: for editors, other tools and our own words."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from cygnet.spec.pipeline import Pipeline

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]
Path = tuple[str | int, ...]


class Generator(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Return False: no field has a title of its own."""
        return False


def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a Pipeline document, its keys sorted."""
    schema: Schema = _sorted({"$schema": DIALECT, **document()})
    return schema


@cache
def document() -> Schema:
    """Return the same schema in the order of the models; not to be changed."""
    return Pipeline.model_json_schema(by_alias=True, schema_generator=Generator)


def resolved(schema: Schema) -> Schema:
    """Return a field's schema with its reference followed and "or null" left out."""
    if "anyOf" in schema:
        real = next(option for option in schema["anyOf"] if option.get("type") != "null")
        return {**resolved(real), **{key: schema[key] for key in schema if key != "anyOf"}}
    if "$ref" in schema:
        target: Schema = document()["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return {**target, **{key: schema[key] for key in schema if key != "$ref"}}
    return schema


def fields_of(schema: Schema) -> dict[str, Schema]:
    """Return the schemas of the named fields of a part."""
    properties: dict[str, Schema] = resolved(schema).get("properties", {})
    return properties


def at(path: Path) -> Schema | None:
    """Return the schema of the field at `path`, or None where anything or nothing is accepted."""
    schema: Schema | None = document()
    for part in path:
        if schema is None:
            return None
        schema = resolved(schema)
        if isinstance(part, int):
            schema = schema.get("items")
        else:
            other = schema.get("additionalProperties")
            schema = schema.get("properties", {}).get(part, other if isinstance(other, dict) else None)
    return None if schema is None else resolved(schema)


def is_secret(path: Path) -> bool:
    """Return whether the value at `path` is a secret, or may be one under a misspelt name."""
    part = fields_of(at(path[:-1]) or {}) if path else {}
    return bool(_secrets(part)) and (path[-1] not in part or path[-1] in _secrets(part))


@cache
def secret_fields() -> frozenset[str]:
    """Return the names of all fields that are secrets."""
    return frozenset(name for _, part in parts() for name in _secrets(fields_of(part)))


def homes_of(name: str) -> list[str]:
    """Return the paths of the parts that have a field of this name."""
    return [path or "the top of the document" for path, part in parts() if name in fields_of(part)]


def parts() -> Iterator[tuple[str, Schema]]:
    """Yield path and schema of the document's parts, each before the parts inside it, and each part once."""
    yield from _parts("", document(), set())


def _secrets(fields: dict[str, Schema]) -> list[str]:
    return [name for name, field in fields.items() if field.get("format") == "password"]


def _parts(path: str, schema: Schema, seen: set[str]) -> Iterator[tuple[str, Schema]]:
    if schema["title"] in seen:
        return
    seen.add(schema["title"])
    yield path, schema
    for name, field in fields_of(schema).items():
        inner, below = resolved(field), f"{path}.{name}" if path else name
        if inner.get("type") == "array":
            inner, below = resolved(inner["items"]), f"{below}[]"
        if "properties" in inner:
            yield from _parts(below, inner, seen)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, str):
        return value.replace("\n", " ")  # descriptions that are wrapped in the source
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
