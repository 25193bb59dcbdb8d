"""Reads YAML into a tree that remembers where everything stands, and refuses what hides meaning.

Refused: aliases (they can grow without bound), tags, the same field twice, numbers that two readers would
read differently, and depth that no spec needs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from cygnet.spec.problems import MOST, Mark, Problem, SpecError, SpecText, clipped
from cygnet.spec.scalars import AmbiguousError, Scalar, read
from cygnet.spec.schema import Path
from cygnet.spec.syntax import stumble

_DEEPEST = 64


@dataclass(slots=True)
class Node:
    """A value with its place; `word` is how an unquoted scalar is written, `broken` that it was refused."""

    value: "Scalar | dict[str, Node] | list[Node]"
    mark: Mark
    key: Mark | None = None
    word: str | None = None
    broken: bool = False

    @property
    def place(self) -> Mark:
        """Where to point: at a scalar itself, at the name of a list or mapping."""
        return self.key if self.key and isinstance(self.value, dict | list) else self.mark

    def child(self, part: str | int) -> "Node | None":
        """Return the node one step down, or None."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def plain(self) -> object:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def holds_broken(self) -> bool:
        """Return whether this value, or one inside it, was refused."""
        inside: Iterable[Node] = ()
        if isinstance(self.value, dict):
            inside = self.value.values()
        elif isinstance(self.value, list):
            inside = self.value
        return self.broken or any(node.holds_broken() for node in inside)


def trees(text: SpecText) -> tuple[list[Node], list[Problem]]:
    """Return the documents of a file that are not empty, and what was refused inside them.

    Raises:
        SpecError: the text is not YAML.
    """
    composer = _Composer(text)
    try:
        return composer.documents(), composer.problems
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two: impossible escapes
        if isinstance(error, SpecError):
            raise
        mark, message, accepted = stumble(error, composer.place, text)
        raise SpecError([*composer.problems, text.problem(mark, (), None, message, accepted)]) from None


class _Composer:
    def __init__(self, text: SpecText) -> None:
        self._text = text
        self._events = self._parse()
        self.place: Mark | None = None
        self.problems: list[Problem] = []

    def _parse(self) -> Iterator[yaml.Event]:
        parser = yaml.SafeLoader(self._text.text)
        try:
            while parser.check_event():
                yield parser.get_event()  # type: ignore[no-untyped-call]
        finally:
            self.place = Mark(parser.line + 1, parser.column + 1)

    def documents(self) -> list[Node]:
        found = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = self._node(next(self._events), (), None)
                if node.value is not None or node.broken:
                    found.append(node)
        return found

    def _node(self, event: yaml.Event, path: Path, key: Mark | None) -> Node:
        mark = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            name = f"*{event.anchor}"
            return self._refuse(mark, path, key, name, f"{name} is an alias", "the value itself, written out")
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, path, key, mark)
        else:
            if len(path) >= _DEEPEST:
                problem = self._text.problem(
                    mark, (), None, "too deep", f"at most {_DEEPEST} levels of lists and mappings"
                )
                raise SpecError([*self.problems, problem])
            sequence = isinstance(event, yaml.SequenceStartEvent)
            node = self._list(path, key, mark) if sequence else self._mapping(path, key, mark)
        if tag not in (None, "!"):
            shown = clipped(str(tag))
            return self._refuse(mark, path, key, str(tag), f"{shown} is a tag", "the value alone")
        return node

    def _list(self, path: Path, key: Mark | None, mark: Mark) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), None))
        return Node(items, mark, key)

    def _mapping(self, path: Path, key: Mark | None, mark: Mark) -> Node:
        fields: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._node(event, path, None)
                self._node(next(self._events), path, None)
                message = "a list, a mapping or an alias in the place of a field's name"
                self._complain(_mark(event), path, None, message, "a name")
                continue
            name, at = event.value, _mark(event)
            first = fields.get(name)
            node = self._node(next(self._events), (*path, name), at)
            if not _encodable(name):
                self._refuse(at, path, None, None, f"{clipped(name)} holds half a character", "Unicode text")
            elif first is None:
                fields[name] = node
            else:
                line = (first.key or first.mark).line
                message = f"the field is there twice, first on line {line}"
                self._complain(at, (*path, name), node.plain(), message, "one of the two")
        return Node(fields, mark, key)

    def _scalar(self, event: yaml.ScalarEvent, path: Path, key: Mark | None, mark: Mark) -> Node:
        text = event.value
        if not _encodable(text):
            return self._refuse(
                mark, path, key, None, f"{clipped(text)} holds half a character", "Unicode text"
            )
        if event.style is not None or event.tag == "!":
            return Node(text, mark, key)
        try:
            return Node(read(text), mark, key, word=text)
        except AmbiguousError as error:
            return self._refuse(mark, path, key, text, str(error), error.accepted)

    def _refuse(
        self, mark: Mark, path: Path, key: Mark | None, value: object, message: str, accepted: str
    ) -> Node:
        self._complain(mark, path, value, message, accepted)
        return Node(None, mark, key, broken=True)

    def _complain(self, mark: Mark, path: Path, value: object, message: str, accepted: str) -> None:
        self.problems.append(self._text.problem(mark, path, value, message, accepted))
        if len(self.problems) >= MOST:
            raise SpecError(self.problems)


def _mark(event: yaml.Event) -> Mark:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Mark(1, 1)
    width = end.column - start.column if end.line == start.line else 1
    return Mark(start.line + 1, start.column + 1, max(1, width))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
