"""Proof from the bucket alone: each event stored once, each row readable, the ledger true."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cygnet.model.account import Commit
from cygnet.model.intervals import IntervalSet
from cygnet.model.ledger import RunAccount, ledger
from cygnet.model.manifest import ManifestRow
from cygnet.storage import keys
from cygnet.storage.errors import CorruptedError, NoSuchObjectError
from cygnet.storage.index import list_manifests, merge, read_index, read_manifests
from cygnet.storage.ledger_files import read_ledger
from cygnet.storage.manifest import to_rows
from cygnet.storage.port import Reader
from cygnet.storage.reading import check_row

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as promised. `kind` is a stable slug, `key` the object, if it is one's."""

    kind: str
    message: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at, and what was found: no findings means that every promise holds."""

    run: str
    manifests: int
    chunks: int
    rows: int
    bytes_read: int
    findings: list[Finding]


def verify_run(
    reader: Reader, prefix: str, run: str, *, full: bool = False, progress: Progress | None = None
) -> Verification:
    """Check a run from its manifests, index and ledger.

    `full` also reads every object: its sha256 by the ledger, every array's CRC-32C by its row.
    `progress` is called with the chunks done and all. A run without ledger has the one finding
    `incomplete`, if nothing else is wrong. Raises only if the storage does not answer.
    """
    findings: list[Finding] = []
    manifests = list_manifests(reader, prefix, run)
    tables = _readable(reader, manifests, findings)
    rows = [row for table in tables for row in to_rows(table)]
    findings += _once(tables, prefix, run)
    account = _ledger(reader, prefix, run, findings)
    findings += _index(reader, prefix, run, set(manifests))
    commits = _commits(account)
    objects = _by_object(rows)
    bytes_read = 0
    for done, (key, held) in enumerate(objects.items(), start=1):
        commit = commits.get(key)
        bytes_read += _object(reader, key, held, commit, findings, full=full)
        if progress:
            progress(done, len(objects))
    if account is not None:
        findings += _equation(account, rows)
        findings += [
            Finding("chunk-without-manifest", f"no manifest speaks of {key}, which the ledger has", key)
            for key in sorted(commits.keys() - objects.keys())
        ]
    return Verification(
        run=run,
        manifests=len(manifests),
        chunks=len(objects),
        rows=len(rows),
        bytes_read=bytes_read,
        findings=findings,
    )


def _readable(reader: Reader, manifests: list[str], findings: list[Finding]) -> list[pa.Table]:
    try:
        return read_manifests(reader, manifests)
    except CorruptedError:
        tables = []
        for key in manifests:
            try:
                tables += read_manifests(reader, [key])
            except CorruptedError as error:
                findings.append(Finding("manifest-corrupted", str(error), key))
        return tables


def _once(tables: list[pa.Table], prefix: str, run: str) -> list[Finding]:
    try:
        merge(tables, run, keys.manifest_folder(prefix, run))
    except CorruptedError as error:
        return [Finding("stored-twice", str(error))]
    return []


def _ledger(reader: Reader, prefix: str, run: str, findings: list[Finding]) -> RunAccount | None:
    key = keys.ledger_key(prefix, run)
    try:
        account = read_ledger(reader, prefix, run)
    except CorruptedError as error:
        findings.append(Finding("ledger-corrupted", str(error), key))
        return None
    if account is None:
        findings.append(Finding("incomplete", f"run {run} has no ledger yet: it is not complete", key))
    return account


def _index(reader: Reader, prefix: str, run: str, manifests: set[str]) -> Iterator[Finding]:
    try:
        index = read_index(reader, prefix, run)
    except CorruptedError as error:
        yield Finding("index-corrupted", str(error), keys.index_folder(prefix, run))
        return
    for key in sorted(manifests - index.manifests):
        yield Finding("not-in-index", f"{index.source} lacks the rows of {key}", key)
    for key in sorted(index.manifests - manifests):
        yield Finding("manifest-lost", f"{index.source} holds rows of {key}, which is gone", key)


def _object(
    reader: Reader,
    key: str,
    rows: list[ManifestRow],
    commit: Commit | None,
    findings: list[Finding],
    *,
    full: bool,
) -> int:
    """Check one object; return how many bytes were read for it."""
    end = max(row.offset + row.size for row in rows)
    size = reader.size(key)
    if size is None:
        findings.append(Finding("object-lost", f"{len(rows)} rows point at {key}, which is gone", key))
        return 0
    if size < end or (commit and size != commit.size):
        wanted = commit.size if commit else f"at least {end}"
        findings.append(Finding("object-size", f"{key} has {size} bytes instead of {wanted}", key))
    if not full:
        return 0
    try:
        body = memoryview(reader.get(key))
    except NoSuchObjectError as error:
        findings.append(Finding("object-lost", str(error), key))
        return 0
    if commit and (found := hashlib.sha256(body).hexdigest()) != commit.sha256:
        findings.append(Finding("object-sha256", f"{key} has sha256 {found}, not {commit.sha256}", key))
    for row in rows:
        try:
            check_row(body[row.offset : row.offset + row.size], row)
        except CorruptedError as error:
            findings.append(Finding("array-corrupted", str(error), key))
    return len(body)


def _equation(account: RunAccount, rows: Iterable[ManifestRow]) -> Iterator[Finding]:
    """Compare the ledger with the rows, and the ledger with itself."""
    stored: dict[str, set[int]] = {}
    for row in rows:
        stored.setdefault(row.detector, set()).add(row.event)
    for name in sorted(stored.keys() | account.detectors.keys()):
        by_rows = IntervalSet.of(stored.get(name, ()))
        said = account.detectors[name].stored if name in account.detectors else IntervalSet()
        if missing := said.minus(by_rows):
            yield Finding("event-lost", f"{name}: the ledger says stored, no row holds {missing.pairs()}")
        if extra := by_rows.minus(said):
            yield Finding("event-unknown", f"{name}: rows hold {extra.pairs()}, not stored by the ledger")
    for line in ledger(account):
        if not line.closes:
            yield Finding("ledger-open", f"{line.detector}: {line.equation()}")


def _commits(account: RunAccount | None) -> dict[str, Commit]:
    if account is None:
        return {}
    return {
        commit.key: commit
        for each in account.detectors.values()
        for commit in each.commits.values()
        if commit.chunk in each.stored_chunks
    }


def _by_object(rows: Iterable[ManifestRow]) -> dict[str, list[Any]]:
    objects: dict[str, list[Any]] = {}
    for row in rows:
        objects.setdefault(row.object, []).append(row)
    return objects
