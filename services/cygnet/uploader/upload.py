"""One committed chunk into the bucket: object, documents, manifest, stored record. Steps may be repeated."""

import asyncio
import hashlib
import time

from cygnet.model.account import Commit, Stored
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.metrics import FRAMES, UPLOAD_BYTES, UPLOAD_LATENCY_SECONDS, UPLOAD_SECONDS
from cygnet.storage.errors import NoSuchObjectError
from cygnet.transport.account import append
from cygnet.transport.slices import SlicesGoneError, read_slices
from cygnet.transport.streams import purge_subject
from cygnet.uploader.documents import Documents

_MANIFEST_TYPE = "application/vnd.apache.parquet"


class DataLossError(Exception):
    """A committed chunk is neither in CHUNKS nor in the bucket: someone must look at once."""


class ForeignObjectError(Exception):
    """Another object lies under the key of a committed chunk: someone must move it away."""


async def upload(context: Context, commit: Commit, documents: Documents, *, again: bool) -> None:
    """Make sure that object, provenance and manifest are in the bucket and that the account says so.

    `again`: the notice was delivered before, so the object may be there already.
    """
    started = time.monotonic()
    try:
        body = await _read(context, commit.slices, commit.sha256)
        manifest = await _read(context, commit.manifest_slices, commit.manifest_sha256)
    except SlicesGoneError as error:
        await _confirm_stored(context, commit, error)
    else:
        crash_point("uploader.read")
        await _put(context, commit.key, body, commit.content_type, commit.sha256, commit, again=again)
        crash_point("uploader.put")
        await documents.store(commit)
        digest = commit.manifest_sha256
        await _put(context, commit.manifest_key, manifest, _MANIFEST_TYPE, digest, commit, again=again)
        crash_point("uploader.manifest-put")
    await _record(context, commit)
    crash_point("uploader.recorded")
    names = context.names
    subject = names.chunk_subject(commit.run, commit.detector, commit.chunk, commit.attempt)
    await purge_subject(context.nc, names.chunks, subject)
    crash_point("uploader.purged")
    UPLOAD_SECONDS.observe(time.monotonic() - started)
    UPLOAD_BYTES.labels(commit.detector).inc(commit.size + commit.manifest_size)
    UPLOAD_LATENCY_SECONDS.labels(commit.detector).observe(max(0.0, time.time() - commit.time_ns / 1e9))


async def _read(context: Context, slices: list[int], sha256: str) -> bytes:
    body = await read_slices(context.nc, context.names, slices)
    if await asyncio.to_thread(_sha256, body) != sha256:
        raise DataLossError(f"slices {slices[0]} … {slices[-1]} do not have the committed sha256 {sha256}")
    return body


async def _put(
    context: Context, key: str, body: bytes, content_type: str, sha256: str, commit: Commit, *, again: bool
) -> None:
    """Put an object that must not replace another one; one with the same bytes is ours."""
    if again and await _is_there(context, key, body):
        return
    metadata = {
        "cygnet-run": commit.run,
        "cygnet-detector": commit.detector,
        "cygnet-events": str(_count(commit)),
        "cygnet-sha256": sha256,
    }
    done = await context.bucket.put(
        key, body, content_type=content_type, metadata=metadata, only_if_absent=True
    )
    if not done and not await _is_there(context, key, body):
        raise ForeignObjectError(f"{key} holds other bytes than the chunk {commit.chunk} of run {commit.run}")


async def _is_there(context: Context, key: str, body: bytes) -> bool:
    """Return whether the bucket holds exactly these bytes; metadata proves nothing."""
    head = await context.bucket.head(key)
    return head is not None and head.size == len(body) and await context.bucket.get(key) == body


async def _confirm_stored(context: Context, commit: Commit, gone: SlicesGoneError) -> None:
    """Slices are purged only after the manifest: if that is there, an uploader before us was nearly done."""
    try:
        manifest = await context.bucket.get(commit.manifest_key)
    except NoSuchObjectError:
        manifest = b""
    if _sha256(manifest) != commit.manifest_sha256:
        raise DataLossError(f"chunk {commit.chunk} of run {commit.run}: {gone}, and no manifest") from gone


async def _record(context: Context, commit: Commit) -> None:
    record = Stored(
        run=commit.run,
        detector=commit.detector,
        chunk=commit.chunk,
        attempt=commit.attempt,
        key=commit.key,
        manifest_key=commit.manifest_key,
        size=commit.size,
        events=commit.events,
        time_ns=time.time_ns(),
    )
    msg_id = f"{commit.run}/{commit.detector}/{commit.chunk}/{commit.attempt}/stored"
    await append(context.window, context.names, record, msg_id=msg_id)
    FRAMES.labels(commit.detector, "stored").inc(_count(commit))


def _count(commit: Commit) -> int:
    return sum(last - first + 1 for first, last in commit.events)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
