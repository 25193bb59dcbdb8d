"""Stored events by position and by number: what `cygnet.open` returns.

Blocking, so that notebooks need no `await`; works inside a running event loop too. What was opened
is pinned: new events appear at `refresh`.
"""

import json
import operator
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import Array
from cygnet.model.truth import Truth
from cygnet.storage import keys
from cygnet.storage.catalog import Catalog, Numbers
from cygnet.storage.index import Index, read_index
from cygnet.storage.ledger_files import fate, read_ledger
from cygnet.storage.ranges import coalesce, cut
from cygnet.storage.reading import read_array
from cygnet.storage.runs import RunPlace, find_run
from cygnet.storage.settings import S3Settings
from cygnet.storage.truth import TruthReader

_PARALLEL = 4


def open_dataset(
    where: "str | os.PathLike[str] | S3Settings",
    run: str | None = None,
    detector: str | None = None,
    *,
    endpoint: str | None = None,
) -> "Dataset":
    """Open the stored events of one detector in one run.

    where: `s3://bucket[/prefix]` (keys from the usual AWS variables, `endpoint` or AWS_ENDPOINT_URL),
    an S3Settings, or a `cygnet-data` folder, whether its `cygnet up` runs or not.
    run: its id; None: the newest. detector: its name; None: the only one.

    Raises NoSuchBucketError, NoSuchError (run, detector), BadInputError (several detectors),
    StorageUnavailableError, StorageDeniedError.
    """
    place = find_run(where, run, endpoint)
    index = read_index(place.reader, place.prefix, place.run)
    return Dataset(place, _only(index, detector, place), index)


class Dataset:
    """The stored events of one detector in one run, by event number. Nothing is read before it is used."""

    def __init__(self, place: RunPlace, detector: str, index: Index) -> None:
        self.run = place.run
        self.detector = detector
        self._place = place
        self._documents: dict[str, dict[str, Any]] = {}
        self._catalog = Catalog(index.table, detector)
        self._truth = TruthReader(place.reader, place.prefix, place.run, detector)

    def __repr__(self) -> str:
        return f"<cygnet dataset {self.run}/{self.detector}: {len(self)} events at {self._place.place}>"

    def __len__(self) -> int:
        return len(self._catalog)

    @property
    def events(self) -> Numbers:
        """Event numbers, int64 (N,), ascending."""
        return self._catalog.events

    @property
    def times(self) -> npt.NDArray[np.datetime64]:
        """Event times in UTC, datetime64[ns] (N,)."""
        return self._catalog.times

    @overload
    def __getitem__(self, index: int) -> "EventView": ...
    @overload
    def __getitem__(self, index: slice) -> "list[EventView]": ...
    def __getitem__(self, index: "int | slice") -> "EventView | list[EventView]":
        """Return the event at a position, counted from the end when negative; a list for a slice.

        Raises IndexError beyond the ends, and TypeError for what is neither.
        """
        if isinstance(index, slice):
            return [self._view(position) for position in range(*index.indices(len(self)))]
        try:
            index = operator.index(index)
        except TypeError:
            raise TypeError(
                f"position {index!r}; accepted: an integer or a slice; a name of an array goes to an event,"
                ' as run[0]["image"]'
            ) from None
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"position {index}: {self.run}/{self.detector} has {len(self)} stored events")
        return self._view(position)

    def __iter__(self) -> "Iterator[EventView]":
        for position in range(len(self)):
            yield self._view(position)

    def at(self, event: int) -> "EventView":
        """Return an event by its number. Raises NoSuchError, which says what became of it."""
        position = self._catalog.position(event)
        if position is not None:
            return self._view(position)
        account = read_ledger(self._place.reader, self._place.prefix, self.run)
        became = fate(account, self.detector, event)
        if became == "stored":
            became = "stored since this was opened: call refresh()"
        told = f"it is {became}" if became else "the run is not complete, so it may come, or be dead"
        raise NoSuchError(f"event {event} of {self.run}/{self.detector} is not stored here; {told}")

    def refresh(self) -> int:
        """Read the index again and return how many events are new; positions may shift."""
        before = len(self)
        index = read_index(self._place.reader, self._place.prefix, self.run)
        self._catalog = Catalog(index.table, self.detector)
        self._truth.forget()
        return len(self) - before

    def images(self, start: int = 0, stop: int | None = None, *, array: str | None = None) -> Array:
        """Return one array of the events at positions start … stop, stacked: (N, …), checksums verified.

        Neighbours in a chunk come by one request. array: its name; None: `image`, or the only one.
        Raises BadInputError when the events' arrays differ in dtype or shape.
        """
        positions = range(*slice(start, stop).indices(len(self)))
        rows = [_chosen(self._catalog.rows(position), array) for position in positions]
        if not rows:
            raise BadInputError(f"positions {start} to {stop}: no event of {len(self)}", reason="no-events")
        forms = {(row.dtype, row.shape): row.event for row in rows}
        if len(forms) > 1:
            said = "; ".join(f"{dtype} {shape} at event {event}" for (dtype, shape), event in forms.items())
            raise BadInputError(f"these events cannot be stacked: {said}", reason="mixed-layout")
        stack = np.empty((len(rows), *rows[0].shape), rows[0].dtype)
        by_object: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            by_object.setdefault(row.object, []).append(i)

        def fill(key: str) -> None:
            members = by_object[key]
            ranges = [(rows[i].offset, rows[i].size) for i in members]
            requests = coalesce(ranges)
            bodies = [self._place.reader.get_range(key, offset, size) for offset, size, _ in requests]
            for i, part in zip(members, cut(ranges, requests, bodies), strict=True):
                stack[i] = read_array(part, rows[i])

        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            list(pool.map(fill, by_object))
        return stack

    def truth(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """Return the truth of the events at positions start … stop: one row each, in the order of `images`.

        Columns: event, time_ns, recoil (`nuclear` or `electronic`), energy_kev, direction_x, _y, _z,
        position_x_mm, position_y_mm, z_mm. Raises NoSuchError where a run was not simulated.
        """
        events = self.events[slice(start, stop)]
        table = self._truth.table(events)
        if table.num_rows < len(events):
            [missing, *_] = np.setdiff1d(events, table.column("event").to_numpy())
            raise NoSuchError(f"event {missing} of {self.run}/{self.detector} has no truth: not simulated")
        return table

    def simulation(self) -> dict[str, str]:
        """Return how the detector was simulated: `preset`, `spectrum`, `noise_level`, `jpeg_quality`, ….

        Empty where it was not. `jpeg_quality` is empty where frames travelled without loss.
        """
        return self._truth.about()

    def truth_of(self, event: int) -> Truth | None:
        """Return the truth of an event by its number, stored or not; None where there is none."""
        return self._truth.at(event)

    def _view(self, position: int) -> "EventView":
        return EventView(self, self._catalog.rows(position))

    def _read(self, row: ManifestRow) -> Array:
        return read_array(self._place.reader.get_range(row.object, row.offset, row.size), row)

    def _document(self, sha256: str) -> dict[str, Any]:
        if not sha256:
            return {}
        if sha256 not in self._documents:
            key = keys.provenance_key(self._place.prefix, self.run, sha256)
            self._documents[sha256] = json.loads(self._place.reader.get(key))
        return self._documents[sha256]


class EventView:
    """One stored event. Each array is read by one ranged request at its first use, and kept."""

    def __init__(self, dataset: Dataset, rows: dict[str, ManifestRow]) -> None:
        self._dataset = dataset
        self.rows = rows
        self.row = _chosen(rows, None) if "image" in rows or len(rows) == 1 else next(iter(rows.values()))

    def __repr__(self) -> str:
        names = ", ".join(f"{row.array} {row.dtype} {row.shape}" for row in self.rows.values())
        return f"<event {self.event} of {self.row.run}/{self.row.detector}: {names}>"

    @property
    def event(self) -> int:
        """Its number in the run."""
        return self.row.event

    @property
    def time(self) -> np.datetime64:
        """Its time in UTC, datetime64[ns]."""
        return np.datetime64(self.row.time_ns, "ns")

    @cached_property
    def image(self) -> Array:
        """The array called `image`, or the only one; read-only."""
        return self.arrays[_chosen(self.rows, None).array]

    @cached_property
    def arrays(self) -> Mapping[str, Array]:
        """All arrays by name; each is read when it is asked for."""
        return _Arrays(self._dataset, self.rows)

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """The attributes that travelled with the frame."""
        return dict(json.loads(self.row.attrs)) if self.row.attrs else {}

    @cached_property
    def truth(self) -> Truth | None:
        """What really happened, if the event was simulated and its truth kept."""
        return self._dataset.truth_of(self.event)

    @property
    def provenance(self) -> dict[str, Any]:
        """The document of what was done to this frame: parameters, software, stages."""
        return self._dataset._document(self.row.provenance)


class _Arrays(Mapping[str, Array]):
    def __init__(self, dataset: Dataset, rows: dict[str, ManifestRow]) -> None:
        self._dataset = dataset
        self._rows = rows
        self._read: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._read:
            self._read[name] = self._dataset._read(_chosen(self._rows, name))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _chosen(rows: dict[str, ManifestRow], array: str | None) -> ManifestRow:
    """Return the row of an array; of `image` or the only one when no name is given."""
    name = array or ("image" if "image" in rows or len(rows) != 1 else next(iter(rows)))
    if name not in rows:
        event = next(iter(rows.values())).event
        raise NoSuchError(f"event {event} has no array {name!r}; accepted: {', '.join(rows)}")
    return rows[name]


def _only(index: Index, detector: str | None, place: RunPlace) -> str:
    known = sorted(str(name) for name in index.table.column("detector").unique().to_pylist())
    listing = ", ".join(repr(name) for name in known)
    if not known:
        raise NoSuchError(f"run {place.run} holds no stored event yet ({place.place})")
    if detector is None:
        if len(known) == 1:
            return known[0]
        raise BadInputError(
            f"detector: run {place.run} has {len(known)}; accepted: {listing}", reason="no-detector"
        )
    if detector not in known:
        raise NoSuchError(
            f"run {place.run} holds no stored event of detector {detector!r}; there are {listing}"
        )
    return detector
