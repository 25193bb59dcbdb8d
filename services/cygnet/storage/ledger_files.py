"""The ledger of a complete run, kept beside its data, so that the bucket alone can answer for it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from cygnet.model.account import Begin, Commit, End
from cygnet.model.intervals import Pairs
from cygnet.model.ledger import DetectorAccount, RunAccount, ledger
from cygnet.storage import keys
from cygnet.storage.errors import CorruptedError, NoSuchObjectError
from cygnet.storage.port import Bucket, Reader

SCHEMA = 1
CONTENT_TYPE = "application/json"
_SETS = ("stored", "consumed", "dropped", "duplicate")
_TRANSIENT = ("slices", "manifest_slices")  # sequences in a stream that is purged


def ledger_to_json(account: RunAccount) -> bytes:
    """Return the account as a document: its equations for people, its interval sets for programs."""
    document = {
        "schema": SCHEMA,
        "run": account.run,
        "complete": account.is_complete(),
        "equations": {line.detector: line.equation() for line in ledger(account)},
        "begin": asdict(account.begin) if account.begin else None,
        "end": asdict(account.end) if account.end else None,
        "detectors": {name: _detector_to_json(each) for name, each in sorted(account.detectors.items())},
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def ledger_from_json(data: bytes, name: str = "ledger.json") -> RunAccount:
    """Return the account that a document holds. Raises CorruptedError."""
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise CorruptedError(f"{name}: schema {document['schema']!r}; accepted: {SCHEMA}")
        return RunAccount(
            run=document["run"],
            begin=Begin(**document["begin"]) if document["begin"] else None,
            end=End(**document["end"]) if document["end"] else None,
            detectors={name: _detector_from_json(each) for name, each in document["detectors"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptedError(f"{name} is not a ledger: {type(error).__name__} {error}") from error


async def write_ledger(bucket: Bucket, prefix: str, account: RunAccount) -> str:
    """Store the ledger of a run and return its key; written again when a dead letter was replayed."""
    key = keys.ledger_key(prefix, account.run)
    await bucket.put(key, ledger_to_json(account), content_type=CONTENT_TYPE)
    return key


def read_ledger(reader: Reader, prefix: str, run: str) -> RunAccount | None:
    """Return the stored ledger, None for a run that is not complete."""
    key = keys.ledger_key(prefix, run)
    try:
        return ledger_from_json(reader.get(key), key)
    except NoSuchObjectError:
        return None


def fate(account: RunAccount | None, detector: str, event: int) -> str:
    """Return what became of an event, for people: `dead (corrupt)`, `consumed`, `stored`, ….

    Empty when the account does not know.
    """
    each = account.detectors.get(detector) if account else None
    if each is None:
        return ""
    if event in each.stored:
        return "stored"
    if event < 0:
        return "never announced: events are numbered from 0"
    if event in each.consumed:
        return "consumed: finished on purpose without a stored array"
    if event in each.dead:
        return f"dead ({each.dead_reasons.get(event)})"
    if event in each.dropped:
        return "dropped at the source"
    if event in each.duplicate:
        return "a duplicate from outside"
    if each.announced is not None and event >= each.announced:
        return f"never announced: the run has {each.announced} events"
    return "in flight"


def _detector_to_json(account: DetectorAccount) -> dict[str, Any]:
    return {
        "announced": account.announced,
        **{name: getattr(account, name).pairs() for name in _SETS},
        "dead": {reason: events.pairs() for reason, events in sorted(account.dead_reasons) if events},
        "consumed_reasons": {
            reason: events.pairs() for reason, events in sorted(account.consumed_reasons) if events
        },
        "chunks": [
            {key: value for key, value in asdict(commit).items() if key not in _TRANSIENT}
            | {"stored": commit.chunk in account.stored_chunks}
            for commit in account.commits.values()
        ],
    }


def _detector_from_json(document: Mapping[str, Any]) -> DetectorAccount:
    account = DetectorAccount(announced=document["announced"])
    for name in _SETS:
        getattr(account, name).update(document[name])
    for reason, pairs in document["dead"].items():
        account.dead_reasons.note(reason, _pairs(pairs))
        account.dead.update(pairs)
    for reason, pairs in document.get("consumed_reasons", {}).items():  # runs of before have none
        account.consumed_reasons.note(reason, _pairs(pairs))
    known = {each.name for each in fields(Commit)} - set(_TRANSIENT)
    for chunk in document["chunks"]:
        given = {key: value for key, value in chunk.items() if key in known}
        given["events"] = _pairs(chunk["events"])
        commit = Commit(**given, slices=[], manifest_slices=[])
        account.commits[commit.chunk] = commit
        account.committed.update(commit.events)
        if chunk["stored"]:
            account.stored_chunks.add(commit.chunk)
    return account


def _pairs(value: Any) -> Pairs:
    return [(int(first), int(last)) for first, last in value]
