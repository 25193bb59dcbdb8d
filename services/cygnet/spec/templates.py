"""Which fields a key template may name."""

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


def unknown_fields(template: str) -> str | None:
    """Return what is wrong with a key template, or None. `{attrs.NAME}` stands for an attribute."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"not a template: {error}"
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS and not (field.startswith("attrs.") and field[6:].isidentifier()):
            return f"unknown field {{{field}}}; accepted: {', '.join(FIELDS)}, attrs.NAME"
        if conversion or (form and field not in _NUMBERS):
            return f"{{{field}}} takes no format; only {', '.join(_NUMBERS)} do"
        if form:
            try:
                format(0, form)
            except ValueError as error:
                return f"{{{field}:{form}}}: {error}"
    return None
