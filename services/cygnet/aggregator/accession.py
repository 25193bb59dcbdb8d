"""What a new aggregator does before it takes results: fence the old one, read, purge, notify, bind."""

from collections.abc import Mapping
from dataclasses import dataclass

from cygnet.aggregator.assembly import Place
from cygnet.aggregator.takeover import (
    FencedError,
    SliceSubject,
    orphans,
    parse_slice_subject,
    places_to_fence,
    unsent_notices,
)
from cygnet.model.account import Commit, Epoch, Record
from cygnet.model.ledger import RunAccount, fold
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.sizes import stream_sizes
from cygnet.transport import runs
from cygnet.transport.account import append, last_commit, read_account
from cygnet.transport.errors import NatsOutageError, WrongLastSequenceError
from cygnet.transport.notices import send_notice
from cygnet.transport.streams import (
    create_aggregator_consumer,
    delete_older_consumers,
    purge_subject,
    stream_state,
    subjects,
)


@dataclass(frozen=True, slots=True)
class RunRecords:
    """A run's account as the stream has it: its records, and the last sequence on each commit subject."""

    records: list[Record]
    sequences: dict[Place, int]

    @property
    def keys(self) -> dict[str, list[str]]:
        """Object keys that the run's commits have taken, by run."""
        taken: dict[str, list[str]] = {}
        for record in self.records:
            if isinstance(record, Commit):
                taken.setdefault(record.run, []).append(record.key)
        return taken


@dataclass(frozen=True, slots=True)
class Accession:
    """What an aggregator knows when it begins. `late`: runs with a result that came late, by revision."""

    runs: dict[str, RunRecords]
    late: dict[str, int]
    fenced: dict[Place, int]
    account_position: int
    consumer: str
    max_ack_pending: int


async def accede(context: Context, epoch: int) -> Accession:
    """Take over; afterwards an older aggregator can neither commit nor acknowledge.

    Raises FencedError or ConsumerGoneError when a newer one is at work already.
    """
    nc, names = context.nc, context.names
    await delete_older_consumers(nc, names, epoch)
    crash_point("aggregator.consumer-deleted")
    slices = await slices_now(context)
    late = await runs.late_runs(context.values)
    open_runs = await _open_runs(context) | late.keys() | {each.run for each in slices}
    before = _folded(await _read(context, open_runs))
    fenced = {place: await fence(context, place, epoch) for place in sorted(places_to_fence(before, slices))}
    crash_point("aggregator.fenced")
    position = (await stream_state(nc, names.account)).last_seq
    found = await _read(context, open_runs, fenced)
    accounts = _folded(found)
    for orphan in orphans(accounts, slices):
        await _purge(context, orphan)
    crash_point("aggregator.purged")
    for commit in unsent_notices(accounts):
        await send_notice(context.window, names, commit, occasion=f"epoch-{epoch}")
    crash_point("aggregator.notified-again")
    sizes = stream_sizes(context.pipeline)
    consumer = await create_aggregator_consumer(nc, names, sizes, epoch)
    return Accession(found, late, fenced, position + 1, consumer, sizes.max_ack_pending)


async def _open_runs(context: Context) -> set[str]:
    """Return the runs that are not complete."""
    found = set()
    for key in await context.values.keys(runs.RUN):
        value = await context.values.get(key)
        if value is not None and value.data["state"] not in runs.SETTLED:
            found.add(key.removeprefix(runs.RUN))
    return found


async def sweep(context: Context, epoch: int, ours: SliceSubject) -> dict[Place, int]:
    """Purge slices that came after our accession and that no commit will ever name; return new fences.

    They are of an attempt that died or lost, and would hold CHUNKS full for ever. `ours` stays. Whoever
    might still commit the others is fenced first: a committed chunk must not lose its slices.
    """
    slices = [each for each in await slices_now(context) if each != ours]
    known = {each.run for each in slices}
    suspects = orphans(_folded(await _read(context, known)), slices)
    places = sorted({(each.run, each.detector) for each in suspects})
    fenced = {place: await fence(context, place, epoch) for place in places}
    accounts = _folded(await _read(context, {run for run, _ in places}, fenced))
    for orphan in orphans(accounts, suspects):
        await _purge(context, orphan)
        context.log.warning("slices without a commit purged", run=orphan.run, attempt=orphan.attempt)
    return fenced


async def _purge(context: Context, orphan: SliceSubject) -> None:
    names = context.names
    subject = names.chunk_subject(orphan.run, orphan.detector, orphan.chunk, orphan.attempt)
    await purge_subject(context.nc, names.chunks, subject)


async def slices_now(context: Context) -> list[SliceSubject]:
    """Return whose slices lie in CHUNKS."""
    pattern = context.names.chunk_subject("*", "*", "*", "*")
    found = await subjects(context.nc, context.names.chunks, pattern)
    return [parsed for subject in found if (parsed := parse_slice_subject(subject))]


async def _read(
    context: Context, open_runs: set[str], fenced: Mapping[Place, int] | None = None
) -> dict[str, RunRecords]:
    return {run: await read_run(context, run, fenced) for run in sorted(open_runs)}


async def read_run(context: Context, run: str, known: Mapping[Place, int] | None = None) -> RunRecords:
    """Return a run's account as the stream has it now.

    `known`: sequences on commit subjects that are there for certain. Raises NatsOutageError when a server
    that is behind answers without them: without a commit that was made, its events would be stored twice.
    """
    found = await read_account(context.nc, context.names, run)
    sequences = {
        (run, record.detector): sequence for sequence, record in found if isinstance(record, Commit | Epoch)
    }
    for place, sequence in (known or {}).items():
        if place[0] == run and sequences.get(place, 0) < sequence:
            raise NatsOutageError(f"{context.names.account}: sequence {sequence} is not there yet")
    return RunRecords([record for _, record in found], sequences)


def _folded(found: dict[str, RunRecords]) -> list[RunAccount]:
    return [fold(run, of_run.records) for run, of_run in found.items()]


async def fence(context: Context, place: Place, epoch: int) -> int:
    """Write our epoch behind whatever the old owner committed last; return its sequence."""
    run, detector = place
    record = Epoch(run=run, detector=detector, epoch=epoch)
    while True:
        sequence, last = await last_commit(context.nc, context.names, run, detector)
        if isinstance(last, Commit | Epoch) and last.epoch > epoch:
            raise FencedError(f"{run}/{detector}: epoch {last.epoch} has begun")
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
