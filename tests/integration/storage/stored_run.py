"""Builds a stored run in a bucket, as aggregator and uploader leave it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cygnet.model.account import Begin, Commit, End, Record, Stored
from cygnet.model.identity import FrameId
from cygnet.model.intervals import compress
from cygnet.model.ledger import RunAccount, fold
from cygnet.model.result import Result
from cygnet.spec.pipeline import DEFAULT_KEY_TEMPLATE
from cygnet.storage import keys
from cygnet.storage.bucket import Bucket
from cygnet.storage.formats import write_chunk
from cygnet.storage.manifest import CONTENT_TYPE, to_parquet

RUN = "20241203T164512-ab12"
PREFIX = "lime"
START_NS = 1_733_244_312_671_863_000
PROVENANCE = "5" * 64


def image(event: int, detector: str = "orca") -> Any:
    """The pixels of an event: different for each detector and event."""
    return np.full((4, 6), event % 1000, "<u2") + np.arange(24, dtype="<u2").reshape(4, 6) * len(detector)


def result(event: int, detector: str = "orca", run: str = RUN, **changes: Any) -> Result:
    given: dict[str, Any] = {
        "id": FrameId(run, detector, event),
        "time_ns": START_NS + event * 200_000_000,
        "arrays": {"image": image(event, detector)},
        "revision": 1,
        "provenance": PROVENANCE,
        "attrs": {"energy_keV": event % 7},
    }
    return Result(**(given | changes))


class StoredRun:
    """A run on its way into a bucket."""

    def __init__(
        self, bucket: Bucket, prefix: str = PREFIX, run: str = RUN, format_name: str = "npz"
    ) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.run = run
        self.format_name = format_name
        self.records: list[Record] = []
        self.manifests: list[str] = []

    async def begin(self, detectors: Sequence[str] = ("orca",)) -> None:
        self.records.append(Begin(run=self.run, detectors=list(detectors), time_ns=START_NS, config={"a": 1}))
        document = json.dumps({"software": "cygnet 0.1.0", "window": [80, 120]}).encode()
        key = keys.provenance_key(self.prefix, self.run, PROVENANCE)
        await self.bucket.put(key, document, content_type="application/json")

    async def store(self, events: Iterable[int], detector: str = "orca", **changes: Any) -> str:
        """Store one chunk and its manifest; return the chunk's key."""
        results = [result(event, detector, self.run, **changes) for event in events]
        first, last = results[0].id.event, results[-1].id.event
        key = keys.render_key(
            DEFAULT_KEY_TEMPLATE,
            prefix=self.prefix,
            run=self.run,
            detector=detector,
            first_event=first,
            last_event=last,
            first_time_ns=results[0].time_ns,
            last_time_ns=results[-1].time_ns,
            seq=0,
            attrs={},
            ext="npz" if self.format_name == "npz" else "h5",
        )
        file = write_chunk(self.format_name, results, key=key)
        manifest = to_parquet(file.rows)
        manifest_key = keys.manifest_key(self.prefix, self.run, detector, first, last)
        await self.bucket.put(key, file.body, content_type=file.content_type)
        await self.bucket.put(manifest_key, manifest, content_type=CONTENT_TYPE)
        self.manifests.append(manifest_key)
        chunk = f"{first:09d}-{last:09d}"
        pairs = compress(each.id.event for each in results)
        self.records += [
            Commit(
                run=self.run,
                detector=detector,
                chunk=chunk,
                attempt="1",
                epoch=1,
                key=key,
                content_type=file.content_type,
                size=len(file.body),
                sha256=hashlib.sha256(file.body).hexdigest(),
                events=pairs,
                slices=[1, 2],
                manifest_key=manifest_key,
                manifest_size=len(manifest),
                manifest_sha256=hashlib.sha256(manifest).hexdigest(),
                manifest_slices=[3],
            ),
            Stored(
                run=self.run,
                detector=detector,
                chunk=chunk,
                attempt="1",
                key=key,
                manifest_key=manifest_key,
                size=len(file.body),
                events=pairs,
            ),
        ]
        return key

    def end(self, announced: dict[str, int]) -> None:
        self.records.append(End(run=self.run, announced=announced, time_ns=START_NS + 10**12))

    def account(self) -> RunAccount:
        return fold(self.run, self.records)
