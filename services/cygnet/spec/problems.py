"""What is wrong with a spec file, told so that a person can put it right: place, value, what is accepted."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache

from cygnet.spec.schema import Path, is_secret, secret_fields
from cygnet.spec.suggest import closest

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_WIDEST = 100
_LONGEST = 4000
HIDDEN = "***"
MOST = 100
"""Problems of a kind that are listed for one document; nobody reads on."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file: line and column from 1, and how many characters are meant."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` 0 means the file as a whole, `field` "" the document as a whole.

    `value` is what stands in the file, `***` for secrets and None where something is missing; `excerpt` is
    the line with the place underlined.
    """

    file: str
    line: int
    column: int
    field: str
    value: object
    message: str
    accepted: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        head = ": ".join(part for part in (place, self.field, self.message) if part)
        if self.accepted:
            head += f"{'' if head.endswith('?') else ';'} accepted: {self.accepted}"
        return f"{head}\n{self.excerpt}" if self.excerpt else head

    def as_dict(self) -> dict[str, object]:
        """Return the problem for `--json`, without the excerpt."""
        return {name: value for name, value in asdict(self).items() if name != "excerpt"}


class SpecError(ValueError):
    """A spec is refused; `problems` are all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda found: (found.file, found.line, found.column))
        super().__init__("\n".join(map(str, self.problems)))


class SpecText:
    """The text of one file, which can point at a place in itself."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._lines = _BREAK.split(text)
        self._tells_secret = cache(lambda line: _tells_secret(self._lines[line - 1]))

    def problem(
        self,
        mark: Mark | None,
        path: Path,
        value: object,
        message: str,
        accepted: str = "",
    ) -> Problem:
        """Return a problem at `mark`; a value or a line that may hold a secret is not shown."""
        secret = is_secret(path)
        return Problem(
            file=self.file,
            line=mark.line if mark else 0,
            column=mark.column if mark else 0,
            field=field_name(path),
            value=HIDDEN if secret else value,
            message=message,
            accepted=accepted,
            excerpt=self._excerpt(mark) if mark and not secret else "",
        )

    def mark_at(self, index: int) -> Mark:
        """Return the place of the character `index`."""
        before = _BREAK.split(self.text[:index])
        return Mark(len(before), len(before[-1]) + 1)

    def _excerpt(self, mark: Mark) -> str:
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        if not line.strip() or self._tells_secret(mark.line):
            return ""
        start = max(0, mark.column - _WIDEST // 2) if len(line) > _WIDEST else 0
        shown = "".join(
            sign if sign.isprintable() else " " for sign in line[start : start + _WIDEST]
        ).rstrip()
        at = mark.column - 1 - start
        width = max(1, min(mark.width, len(shown) - at))
        number = str(mark.line)
        return f"  {number} | {shown}\n  {' ' * len(number)} | {' ' * at}{'^' * width}"


def _tells_secret(line: str) -> bool:
    words = set(re.findall("[A-Za-z_]+", line))
    return len(line) > _LONGEST or any(closest(word, secret_fields()) for word in words)


def field_name(path: Path) -> str:
    """Return a path as people write it: `spec.preprocessor.stages[1].window.max`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part):
            name += f".{part}" if name else part
        else:
            name += f"[{clipped(part)}]"
    return name


def clipped(text: str, longest: int = 60) -> str:
    """Return `text` in quotes, unprintable signs escaped, and its middle left out when it is long."""
    if len(text) > longest:
        text = f"{text[: longest * 2 // 3]}…{text[-longest // 4 :]}"
    return repr(text.encode("utf-8", "backslashreplace").decode())
