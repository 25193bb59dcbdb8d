"""What a key template may be: its fields, their widths, and nothing that makes a bad object key."""

import re
import string

from cygnet.spec.rules import Cel, Rule

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
_ILLEGAL = r"[\x00-\x1f\x7f\\]"

_NAMELESS = Rule(
    "it ends without a name; accepted: for example {prefix}/{run}/{first_event:09d}.{ext}",
    "keyTemplate",
    Cel(holds="!self.keyTemplate.endsWith('/')"),
)
_ILLEGAL_SIGNS = Rule(
    "control characters, backslashes, '.' and '..' are no parts of a key",
    "keyTemplate",
    Cel(
        holds=f"!self.keyTemplate.matches(r'{_ILLEGAL}')"
        " && !self.keyTemplate.split('/').exists(part, part in ['.', '..'])"
    ),
)
_OPENED = "self.keyTemplate.replace('{{', '').findAll(r'\\{[^{}:!]*').map(each, each.substring(1))"
_KNOWN = f"each in {list(FIELDS)} || each.startsWith('attrs.')"
_ACCEPTED_FIELDS = f"accepted: {', '.join(FIELDS)}, attrs.NAME"
_UNKNOWN_FIELD = Rule(
    f"unknown field {{{{{{field}}}}}}; {_ACCEPTED_FIELDS}",
    "keyTemplate",
    Cel(
        holds=f"{_OPENED}.all(each, {_KNOWN})",
        words=f"'unknown field {{' + {_OPENED}.filter(each, !({_KNOWN}))[0] + '}}; {_ACCEPTED_FIELDS}'",
    ),
)
WITH_CEL = (_NAMELESS, _ILLEGAL_SIGNS, _UNKNOWN_FIELD)
FORM = Rule("{problem}", "keyTemplate")
"""All that `fault` finds; beside the rules above: braces, formats, and the longest key that may be made."""


def fault(template: str) -> str | None:
    """Return what is wrong with a key template, or None. `{attrs.NAME}` stands for an attribute."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"not a template: {error}"
    if not template or template.endswith("/"):
        return _NAMELESS.words
    if re.search(_ILLEGAL, template) or any(part in (".", "..") for part in template.split("/")):
        return _ILLEGAL_SIGNS.words
    longest = ""
    for literal, field, form, conversion in parts:
        longest += literal
        if field is None:
            continue
        if field not in FIELDS and not (field.startswith("attrs.") and field[6:].isidentifier()):
            return _UNKNOWN_FIELD.words.format(field=field)
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
