"""The one table that the suite prints."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.check import Checked

OK, FAILED = "ok", "FAILED"
_HEAD = (
    "scenario",
    "what was done",
    "announced",
    "stored",
    "consumed",
    "dead",
    "in flight",
    "kills",
    "starts",
    "pixels",
    "seconds",
    "verdict",
)
_WORDS = (0, 1, 11)  # columns of words, which go to the left


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The outcome of one scenario. `why`: what went wrong, with all that helps to find out."""

    scenario: str
    what: str
    pipeline: str = ""
    kills: int
    starts: int
    seconds: float
    checked: Checked = field(default_factory=Checked)
    why: str = ""

    @property
    def verdict(self) -> str:
        """In one word."""
        return FAILED if self.why else OK

    def cells(self) -> tuple[str, ...]:
        """Return the columns as text."""
        sums = self.checked
        return (
            self.scenario,
            self.what,
            *map(str, (sums.announced, sums.stored, sums.consumed, sums.dead, sums.in_flight)),
            str(self.kills),
            str(self.starts),
            str(sums.pixels),
            f"{self.seconds:.1f}",
            self.verdict,
        )


def render(rows: Sequence[Row]) -> str:
    """Return the table, with sums below."""
    sums = Checked()
    for row in rows:
        sums += row.checked
    total = Row(
        scenario="all",
        what=f"{len(rows)} scenarios",
        kills=sum(row.kills for row in rows),
        starts=sum(row.starts for row in rows),
        seconds=sum(row.seconds for row in rows),
        checked=sums,
        why="; ".join(row.scenario for row in rows if row.why),
    )
    lines = [_HEAD, *(row.cells() for row in rows), total.cells()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    ruler = "  ".join("─" * width for width in widths)
    written = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    return "\n".join([written[0], ruler, *written[1:-1], ruler, written[-1]])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if column in _WORDS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
