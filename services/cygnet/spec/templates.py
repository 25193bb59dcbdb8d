"""What a key template may be: its fields, their widths, and nothing that makes a bad object key."""

import re
import string

FIELDS = (
    "prefix",
    "run",
    "detector",
    "first_event",
    "last_event",
    "first_time",
    "last_time",
    "seq",
    "ext",
)
_NUMBERS = ("first_event", "last_event", "seq")
_WIDTH = re.compile(r"(0?[1-9][0-9]?)?d?\Z")
_ILLEGAL = re.compile(r"[\x00-\x1f\x7f\\]")


def fault(template: str) -> str | None:
    """Return what is wrong with a key template, or None. `{attrs.NAME}` stands for an attribute."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"not a template: {error}"
    if not template or template.endswith("/"):
        return "it ends without a name; accepted: for example {prefix}/{run}/{first_event:09d}.{ext}"
    if _ILLEGAL.search(template) or any(part in (".", "..") for part in template.split("/")):
        return "control characters, backslashes, '.' and '..' are no parts of a key"
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS and not (field.startswith("attrs.") and field[6:].isidentifier()):
            return f"unknown field {{{field}}}; accepted: {', '.join(FIELDS)}, attrs.NAME"
        if conversion or (form and field not in _NUMBERS):
            return f"{{{field}}} takes no format; only {', '.join(_NUMBERS)} do"
        if form and not _WIDTH.match(form):
            return f"{{{field}:{form}}} is not a width; accepted: for example {{{field}:09d}}"
    return None
