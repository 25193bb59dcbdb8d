"""What a new aggregator does before it takes results: fence the old one, read, purge, notify, bind."""

from dataclasses import dataclass

from cygnet.aggregator.assembly import Place
from cygnet.aggregator.takeover import (
    SliceSubject,
    orphans,
    parse_slice_subject,
    places_to_fence,
    unsent_notices,
)
from cygnet.model.account import Epoch, Record
from cygnet.model.ledger import RunAccount, fold
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.sizes import stream_sizes
from cygnet.transport.account import append, last_commit, read_account
from cygnet.transport.errors import WrongLastSequenceError
from cygnet.transport.notices import send_notice
from cygnet.transport.streams import (
    consumers,
    create_aggregator_consumer,
    delete_consumer,
    purge_subject,
    stream_state,
    subjects,
)


@dataclass(slots=True)
class Accession:
    """What an aggregator knows when it begins."""

    records: dict[str, list[Record]]
    sequences: dict[Place, int]
    keys: set[str]
    account_position: int
    consumer: str
    max_ack_pending: int


async def accede(context: Context, epoch: int) -> Accession:
    """Take over; afterwards an older aggregator can neither commit nor acknowledge."""
    nc, names = context.nc, context.names
    for consumer in await consumers(nc, names.results):
        await delete_consumer(nc, names.results, consumer)
    crash_point("aggregator.consumer-deleted")
    open_runs = await _open_runs(context)
    slices = await _slices(context)
    open_runs |= {each.run for each in slices}
    before = _folded(await _read(context, open_runs))
    sequences = {
        place: await _fence(context, place, epoch) for place in sorted(places_to_fence(before, slices))
    }
    crash_point("aggregator.fenced")
    position = (await stream_state(nc, names.account)).last_seq
    records = await _read(context, open_runs)
    accounts = _folded(records)
    for orphan in orphans(accounts, slices):
        subject = names.chunk_subject(orphan.run, orphan.detector, orphan.chunk, orphan.attempt)
        await purge_subject(nc, names.chunks, subject)
    crash_point("aggregator.purged")
    for commit in unsent_notices(accounts):
        await send_notice(context.window, names, commit, occasion=f"epoch-{epoch}")
    crash_point("aggregator.notified-again")
    sizes = stream_sizes(context.pipeline)
    consumer = await create_aggregator_consumer(nc, names, sizes, epoch)
    return Accession(records, sequences, _keys(accounts), position + 1, consumer, sizes.max_ack_pending)


async def _open_runs(context: Context) -> set[str]:
    """Return the runs that are not complete."""
    found = set()
    for key in await context.values.keys("run."):
        value = await context.values.get(key)
        if value is not None and value.data["state"] != "complete":
            found.add(key.removeprefix("run."))
    return found


async def _slices(context: Context) -> list[SliceSubject]:
    pattern = context.names.chunk_subject("*", "*", "*", "*")
    found = await subjects(context.nc, context.names.chunks, pattern)
    return [parsed for subject in found if (parsed := parse_slice_subject(subject))]


async def _read(context: Context, open_runs: set[str]) -> dict[str, list[Record]]:
    return {run: await read_records(context, run) for run in sorted(open_runs)}


async def read_records(context: Context, run: str) -> list[Record]:
    """Return a run's records as the stream has them now."""
    return [record for _, record in await read_account(context.nc, context.names, run)]


def _folded(records: dict[str, list[Record]]) -> list[RunAccount]:
    return [fold(run, of_run) for run, of_run in records.items()]


async def _fence(context: Context, place: Place, epoch: int) -> int:
    """Write our epoch behind whatever the old owner committed last; return its sequence."""
    run, detector = place
    record = Epoch(run=run, detector=detector, epoch=epoch)
    while True:
        sequence, _ = await last_commit(context.nc, context.names, run, detector)
        try:
            ack = await append(
                context.window,
                context.names,
                record,
                msg_id=f"{run}/{detector}/epoch-{epoch}-after-{sequence}",
                expected=sequence,
            )
        except WrongLastSequenceError:
            continue  # the old owner was quicker once more
        return ack.sequence


def _keys(accounts: list[RunAccount]) -> set[str]:
    return {
        commit.key
        for account in accounts
        for detector in account.detectors.values()
        for commit in detector.commits.values()
    }
