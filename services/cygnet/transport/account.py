"""The account on JetStream: records appended, read in bulk, followed, and purged with their run."""

from nats.aio.client import Client as NatsClient

from cygnet.model.account import ALL_DETECTORS, Commit, Record
from cygnet.transport._follower import Follower
from cygnet.transport._records import decode_record, encode_record
from cygnet.transport.client import Client
from cygnet.transport.errors import WrongLastSequenceError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PubAck, PublishWindow
from cygnet.transport.stored import StoredMessage, last_message
from cygnet.transport.streams import purge_subject

__all__ = [
    "Follower",
    "append",
    "decode_record",
    "encode_record",
    "last_commit",
    "last_record",
    "last_sequence",
    "purge_run",
    "read_account",
]


async def append(
    window: PublishWindow,
    names: Names,
    record: Record,
    *,
    msg_id: str | None = None,
    expected: int | None = None,
) -> PubAck:
    """Append a record and return its PubAck.

    With `expected`, the last sequence of its subject, of two writers only one succeeds: the other gets
    WrongLastSequenceError. A record that was accepted and only its PubAck lost is recognised as ours.
    """
    detector = getattr(record, "detector", ALL_DETECTORS)
    subject = names.account_subject(record.run, detector, record.kind)
    body = encode_record(record)
    try:
        return await window.publish(subject, body, msg_id=msg_id, expected_last_subject_sequence=expected)
    except WrongLastSequenceError as error:
        last = await last_message(window.nc, names.account, subject)
        if last is None or last.data != body:
            raise
        if error.last_sequence not in (None, last.sequence):
            raise
        return PubAck(stream=names.account, sequence=last.sequence, duplicate=True)


async def last_sequence(nc: NatsClient, names: Names, run: str, detector: str, kind: str) -> int:
    """Return the sequence of the last record of a kind, 0 if there is none."""
    message = await _last(nc, names, run, detector, kind)
    return message.sequence if message else 0


async def last_record(nc: NatsClient, names: Names, run: str, detector: str, kind: str) -> Record | None:
    """Return the last record of a kind, None if there is none."""
    message = await _last(nc, names, run, detector, kind)
    return decode_record(message.data) if message else None


async def last_commit(nc: NatsClient, names: Names, run: str, detector: str) -> tuple[int, Record | None]:
    """Return sequence and record of the last commit or epoch of a detector: (0, None) if there is none."""
    message = await _last(nc, names, run, detector, Commit.kind)
    return (message.sequence, decode_record(message.data)) if message else (0, None)


async def read_account(nc: Client, names: Names, run: str = "*", kind: str = "*") -> list[tuple[int, Record]]:
    """Return the records of a run, or of all runs, that are there now, with their sequences."""
    follower = Follower(nc, names, 1, run=run, kind=kind)
    try:
        return await follower.read_all()
    finally:
        await follower.stop()


async def purge_run(nc: NatsClient, names: Names, run: str) -> int:
    """Remove a run's account and return how many records it had."""
    return await purge_subject(nc, names.account, names.account_subject(run, "*", "*"))


async def _last(nc: NatsClient, names: Names, run: str, detector: str, kind: str) -> StoredMessage | None:
    return await last_message(nc, names.account, names.account_subject(run, detector, kind))
