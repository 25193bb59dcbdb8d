"""What the scaling policy decided lately and on which numbers: kept on disk for `scaling explain`."""

import json
import re
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from cygnet.local.errors import LocalError
from cygnet.local.keys import write_private
from cygnet.observe.decisions import Record, record_of
from cygnet.scaling import Decision

_FOLDER = "scaling"
MOST = 50
"""Decisions that are kept for each pipeline, the last ones."""


def on_one_machine(message: str) -> str:
    """Return what the policy says in the word of the table: what is a pod on a cluster is a worker here."""
    return re.sub(r"\bpod(s?)\b", r"worker\1", message)


def with_one_more(records: list[Record], new: Record) -> list[Record]:
    """Return the records with another; one that goes on with the last takes its place."""
    if records and records[-1].says_the_same(new):
        return [*records[:-1], replace(new, time=records[-1].time)]
    ended = [replace(records[-1], until=new.time)] if records else []
    return [*records[:-1], *ended, new][-MOST:]


class Decisions:
    """The last decisions about one pipeline, on disk after each tick."""

    def __init__(self, folder: Path, pipeline: str) -> None:
        self._file = _file(folder, pipeline)
        self._records = read(folder, pipeline)

    def add(self, decision: Decision) -> None:
        """Keep a decision; a disk that is full costs the record, never the scaling."""
        record = record_of(decision)
        record = replace(record, message=on_one_machine(record.message))
        self._records = with_one_more(self._records, record)
        with suppress(LocalError):
            write_private(self._file, json.dumps([asdict(each) for each in self._records]))


def read(folder: Path, pipeline: str) -> list[Record]:
    """Return what is kept of a pipeline, oldest first; nothing where nothing was decided."""
    try:
        return [Record(**each) for each in json.loads(_file(folder, pipeline).read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _file(folder: Path, pipeline: str) -> Path:
    return folder / _FOLDER / f"{pipeline}.json"
