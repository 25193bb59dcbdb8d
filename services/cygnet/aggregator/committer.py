"""Commits one chunk: slices → commit record → notice, each acknowledged before the next."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cygnet.aggregator.accession import read_run, sweep
from cygnet.aggregator.assembly import OpenChunk, Place
from cygnet.aggregator.takeover import FencedError, SliceSubject
from cygnet.model.account import Commit
from cygnet.model.result import Result
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.storage.formats import write_chunk, writer
from cygnet.storage.keys import manifest_key, render_key, with_suffix
from cygnet.storage.manifest import to_parquet
from cygnet.transport.account import append
from cygnet.transport.errors import WrongLastSequenceError
from cygnet.transport.notices import send_notice
from cygnet.transport.parameters import provenance_value
from cygnet.transport.slices import publish_slices
from cygnet.transport.streams import purge_subject

Body = bytes | bytearray | memoryview
_SWEEP_SECONDS = 30.0  # for which a full CHUNKS may hold a chunk before it is looked into


@dataclass(frozen=True, slots=True)
class Built:
    """The final bytes of a chunk's object and of its manifest."""

    body: Body
    content_type: str
    sha256: str
    manifest: bytes
    manifest_sha256: str


class Committer:
    """Commits chunks in the name of one epoch."""

    def __init__(self, context: Context, epoch: int) -> None:
        self._context = context
        self._epoch = epoch
        self._sequences: dict[Place, int] = {}  # the last one on each commit subject that is known
        self._keys: dict[str, set[str]] = {}  # run → object keys that it has taken
        self._documents: dict[str, Any] = {}  # provenance of the last chunk's events
        self._undecided: SliceSubject | None = None  # slices of ours that no commit record speaks of yet
        self._spec = context.pipeline.spec.aggregator

    def learn(self, sequences: Mapping[Place, int], keys: Mapping[str, Iterable[str]] | None = None) -> None:
        """Take in what accounts say: last sequences and, by run, keys. Without, a run has no commit yet."""
        for place, sequence in sequences.items():
            self._sequences[place] = max(sequence, self._sequences.get(place, 0))
        for run, taken in (keys or {}).items():
            self._keys.setdefault(run, set()).update(taken)

    def forget(self, run: str) -> None:
        """Drop what is known of a complete run: its objects are in the bucket, where they are seen."""
        self._keys.pop(run, None)
        self._sequences = {place: last for place, last in self._sequences.items() if place[0] != run}

    async def commit(self, chunk: OpenChunk) -> Commit:
        """Decide a chunk; raise FencedError if it is no longer ours to decide."""
        context = self._context
        results = chunk.in_order()
        key = await self._free_key(chunk.number, results)
        await self._read_documents({result.provenance for result in results if result.provenance})
        built = await asyncio.to_thread(self._build, results, key)
        name = f"{results[0].id.event:09d}-{results[-1].id.event:09d}"
        attempt = secrets.token_hex(8)
        ours = SliceSubject(chunk.run, chunk.detector, name, attempt)
        self._undecided = ours
        slices = await self._publish(ours, built.body, "object")
        crash_point("aggregator.half-sliced")
        manifest_slices = await self._publish(ours, built.manifest, "manifest")
        crash_point("aggregator.sliced")
        record = Commit(
            run=chunk.run,
            detector=chunk.detector,
            chunk=name,
            attempt=attempt,
            epoch=self._epoch,
            key=key,
            content_type=built.content_type,
            size=len(built.body),
            sha256=built.sha256,
            events=chunk.events(),
            slices=slices,
            manifest_key=manifest_key(
                context.pipeline.prefix, chunk.run, chunk.detector, results[0].id.event, results[-1].id.event
            ),
            manifest_size=len(built.manifest),
            manifest_sha256=built.manifest_sha256,
            manifest_slices=manifest_slices,
            time_ns=time.time_ns(),
            first_time_ns=results[0].time_ns,
            last_time_ns=results[-1].time_ns,
            provenance=sorted({result.provenance for result in results if result.provenance}),
        )
        self._undecided = None  # from here on the account alone says what became of it
        await self._append(record)
        crash_point("aggregator.committed")
        await send_notice(context.window, context.names, record, occasion="committed")
        crash_point("aggregator.noticed")
        return record

    async def _read_documents(self, wanted: Iterable[str]) -> None:
        """Read what was done to a chunk's events: the spec may say something else by now."""
        context = self._context
        found: dict[str, Any] = {}
        for digest in wanted:
            document = self._documents.get(digest)
            if document is None:
                value = await context.patiently(partial(context.values.get, provenance_value(digest)))
                document = value.data if value else None
            if document is not None:
                found[digest] = document
        self._documents = found

    def _build(self, results: list[Result], key: str) -> Built:
        """Make the bytes; runs in a thread."""
        meta = {"pipeline": self._context.pipeline.metadata.name, "processing": self._documents}
        file = write_chunk(self._spec.format, results, key=key, meta=meta)
        manifest = to_parquet(file.rows)
        return Built(
            body=file.body,
            content_type=file.content_type,
            sha256=hashlib.sha256(file.body).hexdigest(),
            manifest=manifest,
            manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        )

    async def abandon(self) -> None:
        """Purge the slices of a chunk whose commit was never tried; what is missed is swept later."""
        if self._undecided is not None:
            await purge_subject(self._context.nc, self._context.names.chunks, self._subject(self._undecided))

    async def _publish(self, ours: SliceSubject, body: Body, part: str) -> list[int]:
        """Publish slices; while a full CHUNKS holds them, remove from it what nobody will ever take out."""
        context = self._context
        task = asyncio.create_task(
            publish_slices(
                context.window, context.nc, self._subject(ours), ours.attempt, memoryview(body), part
            )
        )
        try:
            while not (await asyncio.wait({task}, timeout=_SWEEP_SECONDS))[0]:
                if context.window.is_blocked:
                    self.learn(await context.patiently(lambda: sweep(context, self._epoch, ours)))
            return task.result()
        finally:
            task.cancel()

    def _subject(self, slices: SliceSubject) -> str:
        return self._context.names.chunk_subject(slices.run, slices.detector, slices.chunk, slices.attempt)

    async def _append(self, record: Commit) -> None:
        """Write the commit record, if nobody else has written since."""
        place = (record.run, record.detector)
        context = self._context
        msg_id = f"{record.run}/{record.detector}/{record.chunk}/{record.attempt}/commit"
        try:
            ack = await append(
                context.window, context.names, record, msg_id=msg_id, expected=self._sequences.get(place, 0)
            )
        except WrongLastSequenceError as error:
            await self._purge_unless_committed(record, error.last_sequence)
            raise FencedError(f"{record.run}/{record.detector}: {error}") from error
        self._sequences[place] = ack.sequence
        self._keys.setdefault(record.run, set()).add(record.key)

    async def _purge_unless_committed(self, record: Commit, last: int | None) -> None:
        """Purge a refused commit's slices, unless it is in the account: sent again, it is refused as well."""
        if last is None:
            return
        context, place = self._context, (record.run, record.detector)
        found = await context.patiently(lambda: read_run(context, record.run, {place: last}))
        if not any(isinstance(each, Commit) and each.attempt == record.attempt for each in found.records):
            subject = context.names.chunk_subject(*place, record.chunk, record.attempt)
            await context.patiently(lambda: purge_subject(context.nc, context.names.chunks, subject))

    async def _free_key(self, number: int, results: list[Result]) -> str:
        """Return the object key of a chunk, with a suffix where the template gives one that is taken."""
        template = self._spec.key_template
        key = render_key(
            template,
            prefix=self._context.pipeline.prefix,
            run=results[0].id.run,
            detector=results[0].id.detector,
            first_event=results[0].id.event,
            last_event=results[-1].id.event,
            first_time_ns=results[0].time_ns,
            last_time_ns=results[-1].time_ns,
            seq=number,
            attrs=results[0].attrs,
            ext=writer(self._spec.format).extension,
        )
        unique = "{run}" in template  # then only this run's own commits can be in the way
        candidate, suffix = key, 0
        while any(candidate in keys for keys in self._keys.values()) or not (
            unique or await self._is_absent(candidate)
        ):
            suffix += 1
            candidate = with_suffix(key, suffix)
        return candidate

    async def _is_absent(self, key: str) -> bool:
        return await self._context.patiently(lambda: self._context.bucket.head(key)) is None
