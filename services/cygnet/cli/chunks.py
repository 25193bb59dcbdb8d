"""`cygnet chunks`: what is in the bucket, chunk by chunk."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cygnet.cli.access import stored_run
from cygnet.cli.exit_codes import EXIT_FAILED
from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.cli.output import counted, dtype_name, in_bytes, print_json, print_table, write_file
from cygnet.local.command_line import command
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.intervals import compress
from cygnet.model.manifest import ManifestRow
from cygnet.model.timestamp import format_time
from cygnet.storage.index import read_index
from cygnet.storage.keys import run_folder
from cygnet.storage.manifest import to_rows
from cygnet.storage.runs import RunPlace
from cygnet.storage.verify import verify_run

_TYPES = {"npz": "application/x-npz", "h5": "application/x-hdf5", "hdf5": "application/x-hdf5"}

app = typer.Typer(no_args_is_help=True)
Run = Annotated[str | None, typer.Argument(help="The run; the newest if not given.")]


@dataclass(slots=True)
class Chunk:
    """One object, as its manifest rows describe it."""

    key: str
    detector: str
    content_type: str
    bytes: int
    events: list[int] = field(default_factory=list)
    arrays: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    first_time_ns: int = 0
    last_time_ns: int = 0


@app.callback()
def group() -> None:
    """List, check and fetch what is stored.

    Example:
        cygnet chunks verify --full
    """


@app.command("ls")
def list_chunks(
    run: Run = None, pipeline: Pipeline = None, data: Data = DEFAULT_DATA, json_output: Json = False
) -> None:
    """List the chunks of a run: type, size, events, and what arrays they hold.

    Example:
        cygnet chunks ls 20261121T101010-ab12
    """
    place = stored_run(data, pipeline, run)
    chunks = chunks_of(place)
    if json_output:
        print_json([_document(chunk) for chunk in chunks])
        return
    typer.echo(f"run {place.run} in {place.place}")
    print_table(
        ("chunk", "type", ">bytes", ">events", "first … last", "dtype", "shape"),
        (
            (
                _within(chunk.key, place),
                chunk.content_type,
                in_bytes(chunk.bytes),
                len(chunk.events),
                f"{chunk.events[0]} … {chunk.events[-1]}",
                ", ".join(dtype_name(dtype) for dtype, _ in chunk.arrays.values()),
                ", ".join(" × ".join(map(str, shape)) or "1" for _, shape in chunk.arrays.values()),
            )
            for chunk in chunks
        ),
    )
    typer.echo(
        f"{counted(len(chunks), 'chunk')}, {counted(sum(len(chunk.events) for chunk in chunks), 'event')},"
        f" {in_bytes(sum(chunk.bytes for chunk in chunks))}"
    )


@app.command("verify")
def verify(
    run: Run = None,
    full: Annotated[bool, typer.Option("--full", help="Read every object, check every array.")] = False,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Check a run against its manifests, index and ledger: exit code 1 when anything is not as promised.

    Example:
        cygnet chunks verify --full
    """
    place = stored_run(data, pipeline, run)
    found = verify_run(place.reader, place.prefix, place.run, full=full)
    if json_output:
        print_json(asdict(found))
    else:
        typer.echo(
            f"run {found.run}: {counted(found.chunks, 'chunk')}, {counted(found.manifests, 'manifest')},"
            f" {counted(found.rows, 'array')}"
            + (f", {in_bytes(found.bytes_read)} read" if full else "; --full reads every object")
        )
        for finding in found.findings:
            typer.echo(f"  {finding.kind}: {finding.message}")
        if not found.findings:
            typer.echo("  everything is as promised")
    if found.findings:
        raise typer.Exit(EXIT_FAILED)


@app.command("get")
def get(
    chunk: Annotated[str, typer.Argument(help="Key of the chunk, or the end of it.")],
    run: Annotated[str | None, typer.Option("--run", help="The run; the newest if not given.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Fetch a chunk into a file.

    Example:
        cygnet chunks get chunk-000000000-000000199.npz
    """
    place = stored_run(data, pipeline, run)
    keys = [each.key for each in chunks_of(place)]
    meant = [key for key in keys if key == chunk] or [key for key in keys if key.endswith(chunk)]
    if not meant:
        those = command(f"chunks ls {place.run}", data, pipeline)
        raise NoSuchError(f"run {place.run} has no chunk {chunk!r}; `{those}` lists them")
    if len(meant) > 1:
        raise BadInputError(f"{chunk!r} is the end of {len(meant)} keys; accepted: one of {', '.join(meant)}")
    file = output or Path(meant[0].rpartition("/")[2])
    body = place.reader.get(meant[0])
    write_file(file, body)
    if json_output:
        print_json({"key": meant[0], "file": str(file), "bytes": len(body)})
    else:
        typer.echo(f"{file}: {in_bytes(len(body))}")


def chunks_of(place: RunPlace) -> list[Chunk]:
    """Return a run's chunks by detector and first event, from its index; size and type are the objects'."""
    rows = to_rows(read_index(place.reader, place.prefix, place.run).table)
    chunks = _gather(rows)
    for chunk in chunks:
        head = place.reader.head(chunk.key)
        chunk.bytes = head.size if head else 0
        chunk.content_type = (head and head.content_type) or _by_name(chunk.key)
    return chunks


def _gather(rows: Iterable[ManifestRow]) -> list[Chunk]:
    chunks: dict[str, Chunk] = {}
    for row in rows:
        if row.object not in chunks:
            chunks[row.object] = Chunk(row.object, row.detector, "", 0, first_time_ns=row.time_ns)
        chunk = chunks[row.object]
        chunk.arrays.setdefault(row.array, (row.dtype, row.shape))
        if not chunk.events or chunk.events[-1] != row.event:
            chunk.events.append(row.event)
        chunk.first_time_ns = min(chunk.first_time_ns, row.time_ns)
        chunk.last_time_ns = max(chunk.last_time_ns, row.time_ns)
    return sorted(chunks.values(), key=lambda chunk: (chunk.detector, chunk.events[0]))


def _by_name(key: str) -> str:
    """Return the type that a key's end tells: a folder keeps no other."""
    return _TYPES.get(key.rpartition(".")[2], "application/octet-stream")


def _within(key: str, place: RunPlace) -> str:
    return key.removeprefix(run_folder(place.prefix, place.run) + "/")


def _document(chunk: Chunk) -> dict[str, object]:
    return {
        "key": chunk.key,
        "detector": chunk.detector,
        "content_type": chunk.content_type,
        "bytes": chunk.bytes,
        "count": len(chunk.events),
        "events": compress(chunk.events),
        "first_time": format_time(chunk.first_time_ns) + "Z",
        "last_time": format_time(chunk.last_time_ns) + "Z",
        "arrays": {
            name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in chunk.arrays.items()
        },
    }
