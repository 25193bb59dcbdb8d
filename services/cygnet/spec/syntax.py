"""Says in words what the YAML parser stumbled over."""

import yaml

from cygnet.spec.problems import Mark, SpecText, clipped

_TAB = "'\\t'"


def stumble(error: Exception, stopped: Mark | None, text: SpecText) -> tuple[Mark | None, str, str]:
    """Return where the trouble is (the parser `stopped` there or behind), what it is, what is accepted."""
    if isinstance(error, yaml.reader.ReaderError):
        sign = f"U+{ord(text.text[error.position]):04X}"
        return (
            text.mark_at(error.position),
            f"the character {sign} cannot stand in YAML",
            "printable characters",
        )
    if not isinstance(error, yaml.MarkedYAMLError):
        return stopped, "an escape that stands for no character", "escapes up to \\U0010FFFF"
    place = _mark(error.problem_mark)
    opened = _mark(error.context_mark)
    since = f" on line {opened.line}" if opened else ""
    problem = error.problem or error.context or "not YAML"
    if _TAB in problem:
        return place, "a tab in the place of spaces", "spaces"
    if "mapping values are not allowed" in problem:
        return (
            place,
            "a ':' that cannot stand here",
            "quotes around a text that holds ': ', or another indentation",
        )
    if "expected the node content" in problem:
        return place, "a value or a closing bracket is missing here", "'field: value' or '- item'"
    if "could not find expected ':'" in problem:
        return opened or place, "a line that is neither 'field: value' nor '- item'", "'field: value'"
    if "flow sequence" in (error.context or ""):
        return (
            opened or place,
            "this '[' is not closed as it should be",
            "values with ',' between them, and ']'",
        )
    if "flow mapping" in (error.context or ""):
        return (
            opened or place,
            "this '{' is not closed as it should be",
            "'field: value' with ',' between, and '}'",
        )
    if "quoted scalar" in (error.context or "") and "unexpected end" in problem:
        return opened or place, "this quote is never closed", "a closing quote"
    if "expected <block end>" in problem or "block collection" in (error.context or ""):
        return (
            place,
            f"this does not go on with what began{since}",
            "the same indentation, '- ' before each item",
        )
    if "cannot start any token" in problem:
        return place, "a text cannot begin with this character", "the text in quotes"
    if "expected '<document start>'" in problem:
        return (
            place,
            "the document has ended before this",
            "one mapping in a document, '---' between documents",
        )
    return place, f"not YAML: {clipped(problem, 120)[1:-1]}", "YAML"


def _mark(mark: yaml.Mark | None) -> Mark | None:
    return Mark(mark.line + 1, mark.column + 1) if mark else None
