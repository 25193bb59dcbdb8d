"""One detector's rows of an index, as columns: a million events in a few arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cygnet.model.manifest import ManifestRow
from cygnet.storage.manifest import SCHEMA

Numbers = npt.NDArray[np.int64]


class Catalog:
    """Rows by event and array. Events are addressed by position; each has one row per array."""

    def __init__(self, table: pa.Table, detector: str) -> None:
        """`table`: sorted by detector, event and array, as an index is."""
        text = table.column("detector").cast(pa.string())
        self._table = table.filter(pc.equal(text, pa.scalar(detector))).unify_dictionaries().combine_chunks()
        self._numbers = {
            field.name: self._table.column(field.name).to_numpy()
            for field in SCHEMA
            if pa.types.is_integer(field.type)
        }
        self._words = {
            field.name: _words(self._table.column(field.name))
            for field in SCHEMA
            if pa.types.is_dictionary(field.type)
        }
        self._shapes = _shapes(self._table.column("shape"))
        events = self._numbers["event"]
        self._starts: Numbers = np.flatnonzero(np.r_[True, events[1:] != events[:-1]][: len(events)])
        self.events: Numbers = events[self._starts]
        self.times: npt.NDArray[np.datetime64] = self._numbers["time_ns"][self._starts].astype("M8[ns]")

    def __len__(self) -> int:
        return len(self.events)

    def position(self, event: int) -> int | None:
        """Return where an event number is, None when it is not stored."""
        place = int(np.searchsorted(self.events, event))
        return place if place < len(self.events) and self.events[place] == event else None

    def rows(self, position: int) -> dict[str, ManifestRow]:
        """Return the rows of the event at a position, by array."""
        first = int(self._starts[position])
        last = int(self._starts[position + 1]) if position + 1 < len(self) else self._table.num_rows
        rows = [self._row(number) for number in range(first, last)]
        return {row.array: row for row in rows}

    def _row(self, number: int) -> ManifestRow:
        values: dict[str, Any] = {name: int(column[number]) for name, column in self._numbers.items()}
        values |= {name: words[codes[number]] for name, (codes, words) in self._words.items()}
        offsets, sides = self._shapes
        values["shape"] = tuple(sides[offsets[number] : offsets[number + 1]].tolist())
        return ManifestRow(**values)


def _words(column: Any) -> tuple[Numbers, list[str]]:
    """Return codes and words of a dictionary column."""
    if not column.num_chunks:
        return np.empty(0, np.int64), []
    array = column.chunk(0)
    return array.indices.to_numpy(), array.dictionary.to_pylist()


def _shapes(column: Any) -> tuple[Numbers, Numbers]:
    """Return offsets and sides of a list column."""
    if not column.num_chunks:
        return np.zeros(1, np.int64), np.empty(0, np.int64)
    array = column.chunk(0)
    return array.offsets.to_numpy(), array.values.to_numpy()
