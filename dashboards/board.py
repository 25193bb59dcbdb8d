"""What a dashboard is: rows of panels, each panel some questions to Prometheus. No Grafana in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

COLUMNS = 24
"""The width of a dashboard, in Grafana's units."""


class Kind(StrEnum):
    """How a panel shows its answers."""

    LINES = "lines"
    AREAS = "areas"
    """Stacked."""
    BARS = "bars"
    """Stacked, one for each interval."""
    NUMBER = "number"
    STATES = "states"
    TABLE = "table"


class Unit(StrEnum):
    """What is counted, in Grafana's words."""

    NONE = "short"
    SECONDS = "s"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    RATIO = "percentunit"
    FRAMES_PER_SECOND = "suffix: frames/s"
    PER_SECOND = "suffix: /s"


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus. `legend` names each series, with labels in double braces."""

    expr: str
    legend: str = ""
    dashed: bool = False
    """A bound or a target, not a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A table of one query: a row for each value of one label, a column for each value of another."""

    row: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. Thresholds are (from this value on, colour)."""

    title: str
    says: str
    """What to read from it: its tooltip."""
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    unit: Unit = Unit.NONE
    width: int = 8
    height: int = 8
    thresholds: tuple[tuple[float, str], ...] = ()
    states: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Value → (word, colour)."""
    matrix: Matrix | None = None
    most: float | None = None
    """Upper end of the scale."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top of the dashboard, of values that Prometheus has now."""

    name: str
    label: str
    query: str
    many: bool = False
    """Several values, or all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Moments that are marked in every panel: where `expr` has a value."""

    name: str
    expr: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A whole dashboard."""

    uid: str
    title: str
    says: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    marks: tuple[Marks, ...] = ()
