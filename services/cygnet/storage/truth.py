"""The truth of simulated events: segments of Parquet beside a run, written by its source, read by number.

A segment is written before any of its events is published. So there may be truth of events that were never
announced, because the run was ended; and there is truth of dead ones, because they were made as well.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cygnet.model.truth import Truth
from cygnet.storage import keys
from cygnet.storage.errors import CorruptedError
from cygnet.storage.parquet import read_parquet
from cygnet.storage.port import Reader

CONTENT_TYPE = "application/vnd.apache.parquet"
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("event", pa.int64(), nullable=False),
    pa.field("time_ns", pa.int64(), nullable=False),
    pa.field("recoil", pa.string(), nullable=False),
    pa.field("energy_kev", pa.float64(), nullable=False),
    pa.field("direction_x", pa.float64(), nullable=False),
    pa.field("direction_y", pa.float64(), nullable=False),
    pa.field("direction_z", pa.float64(), nullable=False),
    pa.field("position_x_mm", pa.float64(), nullable=False),
    pa.field("position_y_mm", pa.float64(), nullable=False),
    pa.field("z_mm", pa.float64(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)


def truth_to_parquet(truths: Iterable[Truth], metadata: Mapping[str, str]) -> bytes:
    """Return a segment's bytes, with `metadata` in its footer; the same truths give the same bytes."""
    rows = [_row(truth) for truth in truths]
    table = pa.Table.from_pylist(rows, schema=SCHEMA.with_metadata(dict(metadata)))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", version="2.6", data_page_version="1.0")
    return sink.getvalue().to_pybytes()


class TruthReader:
    """The truth of one detector in one run. Nothing is listed or read before it is asked for."""

    def __init__(self, reader: Reader, prefix: str, run: str, detector: str) -> None:
        self._reader = reader
        self._folder = keys.truth_folder(prefix, run)
        self._detector = detector
        self._segments: list[tuple[int, int, str]] | None = None
        self._tables: dict[str, pa.Table] = {}
        self._about: dict[str, str] = {}

    def at(self, event: int) -> Truth | None:
        """Return the truth of an event, None where there is none."""
        found = self.table([event])
        return _truth(found.to_pylist()[0]) if found.num_rows else None

    def about(self) -> dict[str, str]:
        """Return what the first segment says of the simulation: `preset`, `noise_level`, …; empty without."""
        for _, _, key in self._list()[:1]:
            self._read(key)
            return self._about
        return {}

    def table(self, events: "npt.ArrayLike") -> pa.Table:
        """Return a table of SCHEMA with one row for each of `events` that has truth, in their order."""
        wanted = np.asarray(events, np.int64)
        place = np.full(len(wanted), -1)
        tables, rows = [SCHEMA.empty_table()], 0
        for first, last, key in self._list():
            # A run that was first without limit and then with one has two segments of the same events.
            inside = (wanted >= first) & (wanted <= last) & (place < 0)
            if inside.any():
                table = self._read(key)
                place[inside] = rows + wanted[inside] - first
                tables.append(table)
                rows += table.num_rows
        return pa.concat_tables(tables).take(pa.array(place[place >= 0])).combine_chunks()

    def forget(self) -> None:
        """List again at the next question: a run that goes on writes more."""
        self._segments = None

    def _list(self) -> list[tuple[int, int, str]]:
        if self._segments is None:
            named = [(keys.truth_segment(each.key), each.key) for each in self._reader.list(self._folder)]
            self._segments = [(n[1], n[2], key) for n, key in named if n and n[0] == self._detector]
        return self._segments

    def _read(self, key: str) -> pa.Table:
        if key not in self._tables:
            self._tables[key], self._about = _from_parquet(self._reader.get(key), key)
        return self._tables[key]


def _from_parquet(data: bytes, key: str) -> tuple[pa.Table, dict[str, str]]:
    """Return the rows of a segment, one for each event from its first to its last, and its metadata.

    Raises CorruptedError.
    """
    segment = keys.truth_segment(key)
    try:
        whole = read_parquet(data)
        about = {name.decode(): value.decode() for name, value in (whole.schema.metadata or {}).items()}
        table = whole.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise CorruptedError(f"{key} holds no truth: {error}") from error
    table = table.replace_schema_metadata(None)
    found = table.column("event").to_numpy()
    if segment is None or not np.array_equal(found, np.arange(segment[1], segment[2] + 1)):
        raise CorruptedError(f"{key} does not hold the events that its name says")
    return table, about


def _row(truth: Truth) -> dict[str, Any]:
    direction_x, direction_y, direction_z = truth.direction
    position_x, position_y = truth.position_mm
    return {
        "event": truth.event,
        "time_ns": truth.time_ns,
        "recoil": truth.recoil,
        "energy_kev": truth.energy_kev,
        "direction_x": direction_x,
        "direction_y": direction_y,
        "direction_z": direction_z,
        "position_x_mm": position_x,
        "position_y_mm": position_y,
        "z_mm": truth.z_mm,
    }


def _truth(row: Mapping[str, Any]) -> Truth:
    return Truth(
        event=row["event"],
        time_ns=row["time_ns"],
        recoil=row["recoil"],
        energy_kev=row["energy_kev"],
        direction=(row["direction_x"], row["direction_y"], row["direction_z"]),
        position_mm=(row["position_x_mm"], row["position_y_mm"]),
        z_mm=row["z_mm"],
    )
