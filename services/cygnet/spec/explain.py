"""Turns what pydantic found into problems with a line, a value and what is accepted."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from cygnet.spec.problems import HIDDEN, MOST, Problem, SpecText, clipped
from cygnet.spec.schema import Path, Schema, at, fields_of, homes_of, is_secret
from cygnet.spec.suggest import closest, same_letters
from cygnet.spec.tree import Node
from cygnet.spec.words import accepted, is_number, kind, shown

_NAME = re.compile(r"[A-Za-z][A-Za-z.]*[A-Za-z]")


def explain(error: ValidationError, root: Node, text: SpecText, strange: Iterable[Path]) -> list[Problem]:
    """Return the problems of one document, beside the fields that are known to be `strange`.

    Silent about values that were refused before, and about a missing field whose misspelt name is a problem.
    """
    found = [(_blamed(one), one) for one in error.errors(include_url=False)[:MOST]]
    unknown = [path for path, one in found if one["type"] == "extra_forbidden"]
    meant = {(*path[:-1], _meant(path)) for path in (*unknown, *strange)}
    problems = [
        _problem(path, one, root, text)
        for path, one in found
        if not (one["type"] == "missing" and path in meant) and not _refused(path, one, root)
    ]
    if more := error.error_count() - len(found):
        problems.append(text.problem(None, (), None, f"{more} problems more than are listed here"))
    return problems


def unknown_field(path: Path, root: Node, text: SpecText, others: Iterable[str] = ()) -> Problem:
    """Return the problem of a field that does not exist, at the line of its name."""
    node = _node(path, root)
    name, siblings = str(path[-1]), list(fields_of(at(path[:-1]) or {}))
    homes = homes_of(name)
    meant = closest(name, [*siblings, *others])
    message = f"unknown field {clipped(name)}"
    if homes and not (meant and same_letters(name, meant)):
        message += f"; it belongs in {' or '.join(homes)}"
    elif meant:
        message += f"; did you mean {meant!r}?"
    return text.problem(node.key or node.mark, path, node.plain(), message, ", ".join(siblings))


def _problem(path: Path, one: Any, root: Node, text: SpecText) -> Problem:
    node, schema = _node(path, root), at(path) or {}
    match one["type"]:
        case "extra_forbidden":
            return unknown_field(path, root, text)
        case "missing":
            meaning = schema.get("description", "").rstrip(".")
            message = f"missing ({meaning[:1].lower()}{meaning[1:]})"
            return text.problem(node.place, path, None, message, accepted(schema, str(path[-1])))
        case "rule":
            return _rule(path, one, root, text)
    said = HIDDEN if is_secret(path) and node.value is not None else _said(node)
    message = f"{said} {_mismatch(one['type'], node, schema)}".lstrip()
    accepts = accepted(schema, str(path[-1])) if schema else one["msg"]
    return text.problem(
        node.place, path, node.plain(), message, accepts + _quoting(one["type"], node, said, schema)
    )


def _rule(path: Path, one: Any, root: Node, text: SpecText) -> Problem:
    """Point at the blamed field, or, where that is left out, at another one that the rule names."""
    node, message, part = _exact(path, root), one["msg"], tuple(one["loc"])
    named = [(*part, *word.split(".")) for word in _NAME.findall(message)]
    if node is None:
        value: object = (at(path) or {}).get("default")
        written = [other for other in (_exact(name, root) for name in named) if other]
        node = written[0] if written else _node(path, root)
        message = f"{shown(value)} is the default and does not fit: {message}"
    else:
        value = node.plain()
        if not isinstance(value, dict | list):
            message = f"{shown(value)} does not fit: {message}"
        elif isinstance(value, dict) and path == part:
            given = [name if value[name] is not None else f"{name} (empty)" for name in value]
            given = [word for word, name in zip(given, value, strict=True) if (*part, name) in named]
            message += f"; given: {', '.join(given) or 'none'}"
    return text.problem(node.place, path, value, message)


def _said(node: Node) -> str:
    """Return a value as it stands in the file; `yes` with what it means; "" where `kind` says it all."""
    value = node.plain()
    if value is None or isinstance(value, list | dict):
        return ""
    if node.word is None or isinstance(value, str):
        return shown(value)
    if isinstance(value, bool) and node.word.lower() != shown(value):
        return f"{node.word}, read as {shown(value)},"
    return clipped(node.word)[1:-1]


def _mismatch(error: str, node: Node, schema: Schema) -> str:
    value: Any = node.plain()
    match error:
        case "greater_than" | "greater_than_equal":
            return "is too small"
        case "less_than" | "less_than_equal":
            return "is too large"
        case "finite_number":
            return "is not a finite number"
        case "string_too_long" | "string_too_short" | "too_long" | "too_short":
            unit = (
                "characters" if isinstance(value, str) else "fields" if isinstance(value, dict) else "items"
            )
            return f"has {len(value)} {unit}, too {'many' if error.endswith('long') else 'few'}"
        case "string_pattern_mismatch":
            return "does not fit"
        case "literal_error" if isinstance(value, str):
            meant = closest(value, map(str, schema.get("enum", [schema.get("const")])))
            return "is not known" + (f"; did you mean {meant!r}?" if meant else "")
        case "literal_error" if any(type(option) is type(value) for option in schema.get("enum", [])):
            return "is not among these"
    return f"is {kind(value)}"


def _quoting(error: str, node: Node, said: str, schema: Schema) -> str:
    """Return a hint where only the quotes are wrong."""
    value = node.plain()
    if error == "string_type" and node.word and re.search(schema.get("pattern", ""), node.word):
        return f"; write it in quotes{'' if said == HIDDEN else f': {node.word!r}'}"
    if error in ("int_type", "float_type") and isinstance(value, str) and is_number(value):
        return "; write it without quotes"
    return ""


def _blamed(one: Any) -> Path:
    below = one.get("ctx", {}).get("field", []) if one["type"] == "rule" else []
    return (*one["loc"], *(int(part) if part.isdigit() else part for part in below))


def _meant(path: Path) -> str | None:
    return closest(str(path[-1]), fields_of(at(path[:-1]) or {}))


def _refused(path: Path, one: Any, root: Node) -> bool:
    node = _node(path, root)
    return node.broken or (one["type"] == "rule" and _node(one["loc"], root).holds_broken())


def _node(path: Path, root: Node) -> Node:
    """Return the node at `path`, or the innermost one around it."""
    for part in path:
        inner = root.child(part)
        if inner is None:
            break
        root = inner
    return root


def _exact(path: Path, root: Node) -> Node | None:
    node: Node | None = root
    for part in path:
        node = node.child(part) if node else None
    return node
