"""The index of a run: manifests gathered into segments while it goes on, into a generation at its end.

Manifests, segments and generations are immutable. Each says in its footer which manifests it holds,
so nobody needs a listing and a table to be of the same moment.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cygnet.storage import keys
from cygnet.storage.errors import CorruptedError, StorageError
from cygnet.storage.manifest import (
    CONTENT_TYPE,
    from_parquet,
    metadata_of,
    table_to_parquet,
    to_table,
)
from cygnet.storage.port import Bucket, Reader

_FOOTER = "manifests"
_PARALLEL = 8
_TRIES = 5


class StoredTwiceError(CorruptedError):
    """Two rows speak of the same (detector, event, array): the promise of a run is broken."""


@dataclass(frozen=True, slots=True)
class Index:
    """All rows of a run at one moment, by detector, event and array.

    `source`: the key of the generation that was pinned, empty while the run goes on. `manifests`: the
    keys of the manifests whose rows these are.
    """

    table: pa.Table
    source: str
    manifests: frozenset[str]


def read_index(reader: Reader, prefix: str, run: str) -> Index:
    """Return the newest generation; without one, what segments and younger manifests hold together."""
    generations, segments = _list_index(reader, prefix, run)
    if generations:
        key = generations[-1]
        table = from_parquet(reader.get(key), key)
        return Index(merge([table], run, key), key, _covered(table, prefix, run))
    # Segments are listed before manifests: what is put into a segment in between is still read.
    return _gather(reader, prefix, run, segments, [])


def merge(tables: Sequence[pa.Table], run: str, name: str) -> pa.Table:
    """Return one table sorted by detector, event and array; `name` says of what, in messages.

    Raises StoredTwiceError if an array of an event is there twice, CorruptedError for rows of another run.
    """
    whole = pa.concat_tables([to_table([]), *(table.replace_schema_metadata(None) for table in tables)])
    whole = whole.unify_dictionaries().combine_chunks()
    text = {column: whole.column(column).cast(pa.string()) for column in ("detector", "array", "run")}
    foreign = [other for other in pc.unique(text["run"]).to_pylist() if other != run]
    if foreign:
        raise CorruptedError(f"{name}: rows of run {foreign[0]!r} among those of {run!r}")
    order = pa.table({"detector": text["detector"], "event": whole.column("event"), "array": text["array"]})
    by = pc.sort_indices(order, sort_keys=[(column, "ascending") for column in order.schema.names])
    order = order.take(by)
    if order.num_rows > 1:
        same: Any = None
        for column in order.schema.names:
            values = order.column(column)
            equal = pc.equal(values.slice(1), values.slice(0, order.num_rows - 1))
            same = equal if same is None else pc.and_(same, equal)
        twice = order.slice(1).filter(same)
        if twice.num_rows:
            detector, event, array = (twice.column(column)[0].as_py() for column in order.schema.names)
            raise StoredTwiceError(
                f"{name}: {array!r} of event {event} of {run}/{detector} is stored twice"
                + (f", as are {twice.num_rows - 1} more" if twice.num_rows > 1 else "")
            )
    return whole.take(by)


async def write_segment(bucket: Bucket, prefix: str, run: str, number: int, manifests: Iterable[str]) -> str:
    """Store a segment of these manifests (keys of stored ones) and return its key.

    The same manifests make the same bytes: to do it twice changes nothing.
    """
    wanted = sorted(manifests)
    key = keys.segment_key(prefix, run, number)
    tables = await asyncio.to_thread(_read_all, bucket.reader, wanted)
    body = _with_footer(merge(tables, run, key), wanted)
    if not await bucket.put(key, body, content_type=CONTENT_TYPE, only_if_absent=True):
        existing = await bucket.get(key)
        if _covered(from_parquet(existing, key), prefix, run) != frozenset(wanted):
            raise StorageError(f"{key} exists and holds other manifests; accepted: the next free number")
    return key


async def compact(bucket: Bucket, prefix: str, run: str) -> str:
    """Store all rows of all manifests as the next generation; return the key of the newest one.

    Nothing is written when the newest generation holds every manifest. Raises StoredTwiceError.
    """
    for _ in range(_TRIES):
        generations, segments = await asyncio.to_thread(_list_index, bucket.reader, prefix, run)
        newest = generations[-1:]
        index = await asyncio.to_thread(_gather, bucket.reader, prefix, run, segments, newest)
        if newest:
            before = from_parquet(await bucket.get(newest[0]), newest[0])
            if _covered(before, prefix, run) == index.manifests:
                return newest[0]
        number = (keys.generation_number(newest[0]) or 0) + 1 if newest else 0
        key = keys.generation_key(prefix, run, number)
        body = _with_footer(index.table, sorted(index.manifests))
        if await bucket.put(key, body, content_type=CONTENT_TYPE, only_if_absent=True):
            return key
    raise StorageError(f"{keys.index_folder(prefix, run)}: somebody else keeps writing generations")


def segments_cover(reader: Reader, prefix: str, run: str) -> tuple[int, frozenset[str]]:
    """Return how many segments a run has and the manifests that are in them."""
    _, segments = _list_index(reader, prefix, run)
    covered = [_covered(table, prefix, run) for table in _read_all(reader, segments)]
    return len(segments), frozenset().union(*covered)


def list_objects(reader: Reader, prefix: str, run: str) -> set[str]:
    """Return the keys of all chunks that a run has stored, wherever its key template has put them."""
    index = read_index(reader, prefix, run)
    younger = set(list_manifests(reader, prefix, run)) - index.manifests
    tables = [index.table, *_read_all(reader, sorted(younger))]
    return {str(key) for table in tables for key in table.column("object").unique().to_pylist()}


def list_manifests(reader: Reader, prefix: str, run: str) -> list[str]:
    """Return the keys of a run's manifests, sorted."""
    found = reader.list(keys.manifest_folder(prefix, run))
    return sorted(each.key for each in found if keys.is_manifest(each.key))


def read_manifests(reader: Reader, manifests: Sequence[str]) -> list[pa.Table]:
    """Return the tables of the given manifests, in their order."""
    return _read_all(reader, manifests)


def _gather(
    reader: Reader, prefix: str, run: str, segments: Sequence[str], generations: Sequence[str]
) -> Index:
    """Read every manifest's rows once, from the largest files that hold them."""
    covered: set[str] = set()
    tables = []
    gathered = [*generations, *segments]
    for table in _read_all(reader, gathered):
        holds = _covered(table, prefix, run)
        if holds.isdisjoint(covered):
            tables.append(table)
            covered |= holds
    rest = [key for key in list_manifests(reader, prefix, run) if key not in covered]
    tables += _read_all(reader, rest)
    table = merge(tables, run, keys.run_folder(prefix, run))
    return Index(table, "", frozenset(covered.union(rest)))


def _list_index(reader: Reader, prefix: str, run: str) -> tuple[list[str], list[str]]:
    """Return the keys of generations and of segments, ascending."""
    found = [each.key for each in reader.list(keys.index_folder(prefix, run))]
    generations = sorted(
        (key for key in found if keys.generation_number(key) is not None),
        key=lambda key: keys.generation_number(key) or 0,
    )
    return generations, sorted(key for key in found if keys.segment_number(key) is not None)


def _read_all(reader: Reader, wanted: Sequence[str]) -> list[pa.Table]:
    if len(wanted) < 2:
        return [from_parquet(reader.get(key), key) for key in wanted]
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        return list(pool.map(lambda key: from_parquet(reader.get(key), key), wanted))


def _with_footer(table: pa.Table, manifests: Sequence[str]) -> bytes:
    names = [key.rpartition("/")[2] for key in manifests]
    return table_to_parquet(table, {_FOOTER: json.dumps(names, separators=(",", ":"))})


def _covered(table: pa.Table, prefix: str, run: str) -> frozenset[str]:
    folder = keys.manifest_folder(prefix, run)
    return frozenset(keys.join(folder, name) for name in json.loads(metadata_of(table).get(_FOOTER, "[]")))
