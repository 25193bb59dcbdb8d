"""Turns the models' JSON Schema into the structural schema that an API server takes.

What JSON Schema says in ways that Kubernetes refuses is said in its own: references are written out, "or
null" becomes "may be absent", and a pattern becomes a rule in CEL, since only a rule can say in words what is
accepted. Defaults of whole parts are whole: rules are checked on them before their fields get their own.
"""

import json
import re
from collections import Counter
from typing import Any

from pydantic import BaseModel

from cygnet.spec.base import every_part
from cygnet.spec.rules import Cel, Rule
from cygnet.spec.schema import Generator, Schema
from cygnet.spec.words import accepted, amount

_SAME = (
    "type",
    "format",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
)
_LARGEST_INT32 = (1 << 31) - 1


def structural(model: type[BaseModel], *, for_people: bool) -> Schema:
    """Return the structural schema of a model with the rules of its parts.

    `for_people`: they write it: it has defaults, and descriptions say what is accepted.
    """
    schema = model.model_json_schema(by_alias=True, schema_generator=Generator)
    return _Translation(schema, for_people=for_people).value(schema, "")


def validation(rule: Rule) -> Schema | None:
    """Return a rule as an API server takes it; None when it cannot check it."""
    if rule.cel is None:
        return None
    written: Schema = {"rule": rule.cel.holds, "message": _said(rule), "reason": "FieldValueInvalid"}
    if rule.cel.words:
        written["messageExpression"] = rule.cel.words
    if rule.field and not rule.cel.each:
        written["fieldPath"] = f".{rule.field}"
    return written


def _said(rule: Rule) -> str:
    """Return a rule's words; where an expression puts values into them, these are left out."""
    return re.sub(r"\{+\w+\}+", "…", rule.words) if rule.cel and rule.cel.words else rule.words


class _Translation:
    def __init__(self, whole: Schema, *, for_people: bool) -> None:
        self._definitions: dict[str, Schema] = whole.get("$defs", {})
        self._uses = Counter(re.findall(r'"#/\$defs/(\w+)"', json.dumps(whole)))
        self._for_people = for_people

    def value(self, schema: Schema, name: str) -> Schema:
        """Return the schema of a field's value; `name` is the field's, "" where it has none."""
        schema = self._written_out(schema)
        part = "properties" in schema
        description = self._part_description(schema) if part else self._leaf_description(schema, name)
        made: Schema = {"description": description} if description else {}
        made |= {key: schema[key] for key in _SAME if key in schema}
        if "const" in schema:
            made["enum"] = [schema["const"]]
        if "exclusiveMinimum" in schema:
            made |= {"minimum": schema["exclusiveMinimum"], "exclusiveMinimum": True}
        if schema["type"] == "integer":
            made["format"] = "int64" if schema.get("maximum", 0) > _LARGEST_INT32 else "int32"
        if self._for_people and name and schema.get("default") is not None:
            made["default"] = _without_nulls(schema["default"])
        if part:
            made |= self._fields(schema)
        elif schema["type"] == "object":
            made["additionalProperties"] = self.value(schema["additionalProperties"], "")
        elif schema["type"] == "array":
            made["items"] = self.value(schema["items"], "")
        if "pattern" in schema:
            made["x-kubernetes-validations"] = [validation(_pattern(schema))]
        return made

    def _fields(self, schema: Schema) -> Schema:
        properties = {name: self.value(field, name) for name, field in schema["properties"].items()}
        made: Schema = {"properties": properties}
        if required := schema.get("required"):
            made["required"] = required
        rules = [(rule, written) for rule in _rules(schema["title"]) if (written := validation(rule))]
        for rule, written in rules:
            if rule.cel and rule.cel.each:
                properties[rule.cel.each]["items"].setdefault("x-kubernetes-validations", []).append(written)
        if own := [written for rule, written in rules if rule.cel and not rule.cel.each]:
            made["x-kubernetes-validations"] = own
        return made

    def _written_out(self, schema: Schema) -> Schema:
        """Return a schema without references and "or null"; what is said of the field goes before."""
        said = {key: schema[key] for key in schema if key not in ("anyOf", "$ref")}
        if "anyOf" in schema:
            real = next(option for option in schema["anyOf"] if option.get("type") != "null")
            return {**self._written_out(real), **said}
        if "$ref" in schema:
            part = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
            return {**part, **said, "about": part["description"]}
        return schema

    def _part_description(self, schema: Schema) -> str:
        about, said = schema.get("about", ""), [schema.get("description", "")]
        if about:
            told_by_part = self._uses[schema["title"]] == 1 and schema.get("default") is not None
            said = [about] if told_by_part else [*said, about]
        rules = [rule for rule in _rules_in_words(schema["title"]) if self._for_people]
        return "\n".join(filter(None, [" ".join(" ".join(said).split()), *rules]))

    def _leaf_description(self, schema: Schema, name: str) -> str:
        said = " ".join(schema.get("description", "").split())
        if not (self._for_people and said):
            return said
        accepts = accepted(schema, name).split("; each: the fields")[0]
        if not {"enum", "const"} & set(schema) and schema["type"] != "boolean" and accepts not in said:
            said += f" Accepted: {accepts}."
        default = schema.get("default")
        if default not in (None, [], {}):
            number = isinstance(default, int | float) and not isinstance(default, bool)
            said += f" Default: {amount(default, name) if number else _plain(default)}."
        return said


def _plain(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _rules(title: str) -> tuple[Rule, ...]:
    return next((part.RULES for part in every_part() if part.__name__ == title), ())


def _rules_in_words(title: str) -> list[str]:
    """Return what the part's validators check, in the words of their docstrings."""
    part = next((part for part in every_part() if part.__name__ == title), None)
    checks = part.__pydantic_decorators__.model_validators.values() if part else ()
    return [" ".join((check.func.__doc__ or "").split()) for check in checks]


def _pattern(schema: Schema) -> Rule:
    words = f"accepted: {schema['patternErrorMessage']}"
    rest = json.dumps(f"' does not fit; {words}", ensure_ascii=False)
    said = "" if schema.get("format") == "password" else f'"\'" + self + {rest}'
    return Rule(words, cel=Cel(holds=f"self.matches(r'{schema['pattern']}')", words=said))
