"""What lies in the bucket, read from its folder on disk: not a line of the code under test is used."""

import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Pixels = npt.NDArray[Any]
_UNFINISHED = ".rclone_temp_put_"  # of a PUT whose client died; the server never lists it as an object
_CHUNK_EVENTS = re.compile(r"chunk-(\d+)-(\d+)")
_CODECS = {".npz": "identity", ".h5": "bslz4"}
Identity = tuple[str, int]
"""Detector and event."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """Pixels, and what the manifest says was done to them."""

    pixels: Pixels
    revision: int
    provenance: str


@dataclass(slots=True)
class StoredRun:
    """A run as its manifests and objects tell it. `problems`: what should not be.

    `provenances`: each document that a manifest names, by its sha256.
    """

    images: dict[Identity, StoredImage] = field(default_factory=dict)
    provenances: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    objects: int = 0
    ledger: dict[str, Any] = field(default_factory=dict)


def read_run(bucket: Path, prefix: str, run: str) -> StoredRun:
    """Read every manifest row, every array it points at, index and ledger of a run."""
    folder = bucket / prefix / run
    found = StoredRun()
    rows = [row for path in sorted((folder / "manifest").glob("*.parquet")) for row in _rows(path)]
    _read_arrays(bucket, rows, run, found)
    _read_chunks(bucket, rows, found)
    _check_index(folder, rows, found)
    _check_objects(bucket, folder, rows, found)
    _read_provenances(folder, rows, found)
    try:
        found.ledger = json.loads((folder / "ledger.json").read_text())
    except (OSError, ValueError) as error:
        found.problems.append(f"ledger.json: {error}")
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _read_arrays(bucket: Path, rows: list[dict[str, Any]], run: str, found: StoredRun) -> None:
    """Read each row's bytes at its offset, as one ranged GET would."""
    for identity, times in Counter(map(_identity, rows)).items():
        if times > 1:
            found.problems.append(f"event {identity} is in {times} manifest rows")
    for row in rows:
        codec = _CODECS.get(Path(row["object"]).suffix)
        if row["run"] != run or row["array"] != "image" or row["codec"] != codec:
            found.problems.append(f"a foreign row: {row}")
            continue
        try:
            with (bucket / row["object"]).open("rb") as file:
                file.seek(row["offset"])
                body = file.read(row["size"])
            pixels = _decoded(body, row)
        except (OSError, ValueError) as error:
            found.problems.append(f"event {_identity(row)}: {error}")
            continue
        found.images[_identity(row)] = StoredImage(pixels, row["revision"], row["provenance"])


def _identity(row: dict[str, Any]) -> Identity:
    return row["detector"], row["event"]


def _decoded(body: bytes, row: dict[str, Any]) -> Pixels:
    """Return the array of a row. The HDF5 filter's own library decodes what is no plain array."""
    if row["codec"] == "identity":
        return np.frombuffer(body, row["dtype"]).reshape(row["shape"])
    with h5py.File(io.BytesIO(), "w") as file:
        shape = tuple(row["shape"])
        dataset = file.create_dataset(
            "data", shape, row["dtype"], chunks=shape, **hdf5plugin.Bitshuffle(cname="lz4")
        )
        dataset.id.write_direct_chunk((0,) * len(shape), body)
        pixels: Pixels = dataset[...]
        return pixels


def _read_chunks(bucket: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Load each object as an analyst does, and compare it with the rows that point into it."""
    by_object: dict[str, list[Identity]] = {}
    for row in rows:
        by_object.setdefault(row["object"], []).append(_identity(row))
    found.objects = len(by_object)
    for key, identities in by_object.items():
        try:
            numbers, revisions, images = _load(bucket / key)
        except (OSError, ValueError, KeyError) as error:
            found.problems.append(f"{key}: {error}")
            continue
        events = [event for _, event in identities]
        [detector] = {name for name, _ in identities}
        if numbers != sorted(events):
            found.problems.append(f"{key} holds events {numbers}, its manifest {sorted(events)}")
        for number, revision, image in zip(numbers, revisions, images, strict=True):
            row = found.images.get((detector, number))
            if row is None or row.revision != revision or not np.array_equal(row.pixels, image):
                found.problems.append(f"{key}: event {number} is not what its row points at")
        match = _CHUNK_EVENTS.search(key)
        if not match or (int(match[1]), int(match[2])) != (min(events), max(events)):
            found.problems.append(f"{key}: its name does not tell its events {min(events)} to {max(events)}")


def _load(path: Path) -> tuple[list[int], list[int], Pixels]:
    """Return events, revisions and images (N, H, W) of a chunk, as an analyst reads its format."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            entry = file["entry_1"]
            json.loads(entry["meta"][()])
            return entry["event"][:].tolist(), entry["revision"][:].tolist(), entry["data_1/data"][:]
    with np.load(path, allow_pickle=False) as chunk:
        json.loads(str(chunk["meta"]))
        return chunk["event"].tolist(), chunk["revision"].tolist(), chunk["image"]


def _check_index(folder: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Compare the newest generation of the index with the manifests."""
    generations = sorted((folder / "index").glob("generation-*.parquet"))
    if not generations:
        found.problems.append("there is no index")
        return
    indexed = sorted((*_identity(row), row["object"], row["offset"]) for row in _rows(generations[-1]))
    wanted = sorted((*_identity(row), row["object"], row["offset"]) for row in rows)
    if indexed != wanted:
        found.problems.append(f"the index has {len(indexed)} rows, the manifests {len(wanted)}, or others")


def _check_objects(bucket: Path, folder: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Find objects that nothing names. Frames stored by the source are not ours to judge here."""
    named = {row["object"] for row in rows}
    for path in sorted(folder.rglob("*")):
        key = str(path.relative_to(bucket))
        if not path.is_file() or key in named or path.name.startswith(_UNFINISHED):
            continue
        place = path.relative_to(folder).parts[0]
        if place not in ("manifest", "index", "provenance", "frames", "truth", "ledger.json"):
            found.problems.append(f"no manifest names {key}")


def _read_provenances(folder: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Read what was done to the arrays; each row's revision must be its document's."""
    for digest, revision in {(row["provenance"], row["revision"]) for row in rows}:
        try:
            document = json.loads((folder / "provenance" / f"{digest}.json").read_text())
        except (OSError, ValueError) as error:
            found.problems.append(f"the provenance {digest}: {error}")
            continue
        found.provenances[digest] = document
        if document["revision"] != revision:
            found.problems.append(f"a row of revision {revision} names {digest} of {document['revision']}")
