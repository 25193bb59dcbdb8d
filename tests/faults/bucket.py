"""What lies in the bucket, read from its folder on disk: not a line of the code under test is used."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Pixels = npt.NDArray[Any]
_UNFINISHED = ".rclone_temp_put_"  # of a PUT whose client died; the server never lists it as an object
_CHUNK_EVENTS = re.compile(r"chunk-(\d+)-(\d+)")


@dataclass(slots=True)
class StoredRun:
    """A run as its manifests and objects tell it. `problems`: what should not be."""

    images: dict[int, Pixels] = field(default_factory=dict)
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
    for event, times in Counter(row["event"] for row in rows).items():
        if times > 1:
            found.problems.append(f"event {event} is in {times} manifest rows")
    for row in rows:
        if row["run"] != run or row["array"] != "image" or row["codec"] != "identity":
            found.problems.append(f"a foreign row: {row}")
            continue
        try:
            with (bucket / row["object"]).open("rb") as file:
                file.seek(row["offset"])
                body = file.read(row["size"])
            pixels = np.frombuffer(body, row["dtype"]).reshape(row["shape"])
        except (OSError, ValueError) as error:
            found.problems.append(f"event {row['event']}: {error}")
            continue
        found.images[row["event"]] = pixels


def _read_chunks(bucket: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Load each object as an analyst does, and compare it with the rows that point into it."""
    by_object: dict[str, list[int]] = {}
    for row in rows:
        by_object.setdefault(row["object"], []).append(row["event"])
    found.objects = len(by_object)
    for key, events in by_object.items():
        try:
            with np.load(bucket / key, allow_pickle=False) as chunk:
                numbers, images = chunk["event"].tolist(), chunk["image"]
                json.loads(str(chunk["meta"]))
        except (OSError, ValueError, KeyError) as error:
            found.problems.append(f"{key}: {error}")
            continue
        if numbers != sorted(events):
            found.problems.append(f"{key} holds events {numbers}, its manifest {sorted(events)}")
        for number, image in zip(numbers, images, strict=True):
            if number not in found.images or not np.array_equal(found.images[number], image):
                found.problems.append(f"{key}: event {number} is not what its row points at")
        match = _CHUNK_EVENTS.search(key)
        if not match or (int(match[1]), int(match[2])) != (min(events), max(events)):
            found.problems.append(f"{key}: its name does not tell its events {min(events)} to {max(events)}")


def _check_index(folder: Path, rows: list[dict[str, Any]], found: StoredRun) -> None:
    """Compare the newest generation of the index with the manifests."""
    generations = sorted((folder / "index").glob("generation-*.parquet"))
    if not generations:
        found.problems.append("there is no index")
        return
    indexed = sorted((row["event"], row["object"], row["offset"]) for row in _rows(generations[-1]))
    wanted = sorted((row["event"], row["object"], row["offset"]) for row in rows)
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
    for digest in {row["provenance"] for row in rows}:
        if not (folder / "provenance" / f"{digest}.json").is_file():
            found.problems.append(f"the provenance {digest} is not stored")
