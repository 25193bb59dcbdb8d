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
ATTRIBUTE_BYTES = 100  # of an attribute's text, which a stranger may have written
MOST_KEY_BYTES = 1000  # S3 takes 1024; the rest is for the suffix of a key that is taken
MOST_NAME_BYTES = 240  # between two slashes: servers that keep objects as files take 255
_NUMBERS = ("first_event", "last_event", "seq")
_NUMBER_BYTES = 19  # of a 64-bit number
_LONGEST = {
    "prefix": 200,
    "run": 64,
    "detector": 64,
    "first_time": 26,
    "last_time": 26,
    "ext": 5,
    **dict.fromkeys(_NUMBERS, _NUMBER_BYTES),
}
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
    longest = ""
    for literal, field, form, conversion in parts:
        longest += literal
        if field is None:
            continue
        if field not in FIELDS and not (field.startswith("attrs.") and field[6:].isidentifier()):
            return f"unknown field {{{field}}}; accepted: {', '.join(FIELDS)}, attrs.NAME"
        if conversion or (form and field not in _NUMBERS):
            return f"{{{field}}} takes no format; only {', '.join(_NUMBERS)} do"
        if form and not _WIDTH.match(form):
            return f"{{{field}:{form}}} is not a width; accepted: for example {{{field}:09d}}"
        longest += "x" * max(_LONGEST.get(field, ATTRIBUTE_BYTES), int((form or "").rstrip("d") or 0))
    return _too_long(longest)


def _too_long(longest: str) -> str | None:
    """Return what is wrong with the longest key that a template may make, or None."""
    if (size := _bytes(longest)) > MOST_KEY_BYTES:
        return f"it may make keys of {size} bytes; accepted: up to {MOST_KEY_BYTES}"
    if (size := max(map(_bytes, longest.split("/")))) > MOST_NAME_BYTES:
        return f"it may make names of {size} bytes; accepted: up to {MOST_NAME_BYTES} between two slashes"
    return None


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
