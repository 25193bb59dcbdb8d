"""Manifest rows as Parquet: a typed, compact table whose bytes depend on nothing but the rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cygnet.model.manifest import ManifestRow
from cygnet.storage.errors import CorruptedError
from cygnet.storage.parquet import read_parquet

CONTENT_TYPE = "application/vnd.apache.parquet"
_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("run", _WORD, nullable=False),
        pa.field("detector", _WORD, nullable=False),
        pa.field("event", pa.int64(), nullable=False),
        pa.field("time_ns", pa.int64(), nullable=False),
        pa.field("array", _WORD, nullable=False),
        pa.field("object", _WORD, nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("codec", _WORD, nullable=False),
        pa.field("dtype", _WORD, nullable=False),
        pa.field("shape", pa.list_(pa.field("element", pa.int32(), nullable=False)), nullable=False),
        pa.field("axes", _WORD, nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("provenance", _WORD, nullable=False),
        pa.field("crc32c", pa.uint32(), nullable=False),
        pa.field("attrs", _WORD, nullable=False),
    ]
)


def to_table(rows: Iterable[ManifestRow]) -> pa.Table:
    """Return the rows as a table of SCHEMA."""
    kept = list(rows)
    columns = [_column(field, [getattr(row, field.name) for row in kept]) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)


def to_parquet(rows: Iterable[ManifestRow]) -> bytes:
    """Return a manifest's bytes; the same rows give the same bytes."""
    return table_to_parquet(to_table(rows))


def table_to_parquet(table: pa.Table, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a table's bytes, with `metadata` in the file's footer."""
    sink = pa.BufferOutputStream()
    kept = table.cast(SCHEMA).replace_schema_metadata(dict(metadata) if metadata else None)
    pq.write_table(kept, sink, compression="zstd", version="2.6", data_page_version="1.0")
    return sink.getvalue().to_pybytes()


def from_parquet(data: bytes | memoryview, name: str = "manifest") -> pa.Table:
    """Return the table in a manifest's or an index' bytes; `name` is for the message of CorruptedError."""
    try:
        table = read_parquet(data)
        if set(SCHEMA.names) - set(table.schema.names):
            raise pa.ArrowInvalid(f"columns are missing: {set(SCHEMA.names) - set(table.schema.names)}")
        return table.select(SCHEMA.names).cast(SCHEMA).replace_schema_metadata(table.schema.metadata)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptedError(f"{name} is not a manifest: {error}") from error


def metadata_of(table: pa.Table) -> dict[str, str]:
    """Return what the footer says, as text."""
    return {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}


def to_rows(table: pa.Table) -> list[ManifestRow]:
    """Return a table's rows."""
    names = SCHEMA.names
    columns = [table.column(name).to_pylist() for name in names]
    return [
        ManifestRow(**{**dict(zip(names, values, strict=True)), "shape": tuple(values[names.index("shape")])})
        for values in zip(*columns, strict=True)
    ]


def _column(field: Any, values: Sequence[Any]) -> Any:
    if not pa.types.is_dictionary(field.type):
        return pa.array(values, type=field.type)
    return pa.array(values, type=pa.string()).dictionary_encode()
