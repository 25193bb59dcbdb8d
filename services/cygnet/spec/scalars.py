"""What an unquoted word in YAML is: a number, true or false, nothing, or text.

As on a cluster (YAML 1.1 as Kubernetes reads it): `yes`, `no`, `on`, `off`, `y` and `n` are true or false,
`1e3` is a number, `1:30` and `2026-01-01` are text. `0200`, which would be 128, is refused.
"""

import re

_TRUE = {"true", "yes", "on", "y"}
_FALSE = {"false", "no", "off", "n"}
_NULL = {"", "~", "null", "Null", "NULL"}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+\Z")
_MOST_DIGITS = 400

Scalar = str | int | float | bool | None


class AmbiguousError(ValueError):
    """A number that two readers would read in two ways."""

    def __init__(self, message: str, accepted: str) -> None:
        super().__init__(message)
        self.accepted = accepted


def read(word: str) -> Scalar:
    """Return what an unquoted `word` means.

    Raises:
        AmbiguousError: the number has leading zeros or hundreds of digits.
    """
    if word in _NULL:
        return None
    if word in (word.lower(), word.upper(), word.capitalize()) and word.lower() in _TRUE | _FALSE:
        return word.lower() in _TRUE
    if not (word[0].isdecimal() or word[0] in "+-."):
        return word
    if _LEADING_ZERO.match(word):
        raise AmbiguousError("a number with a leading zero", "a number without it, or text in quotes")
    if _WHOLE.match(word):
        if len(word) > _MOST_DIGITS:
            raise AmbiguousError(
                f"a number of {len(word)} digits", f"at most {_MOST_DIGITS} digits, or text in quotes"
            )
        return _whole(word.replace("_", ""))
    if _FLOAT.match(word):
        return float(word)
    if _NOT_FINITE.match(word):
        return float(word.replace(".", ""))
    return word


def _whole(digits: str) -> int | str:
    try:
        return int(digits, 0)
    except ValueError:  # a prefix with nothing but underscores behind it
        return digits
