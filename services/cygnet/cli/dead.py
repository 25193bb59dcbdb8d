"""`cygnet dead`: frames that were given up, and what can be done with them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cygnet.cli.access import Link, Target, served_bucket, target, with_link
from cygnet.cli.exit_codes import EXIT_FAILED
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.cli.output import in_bytes, print_json, print_table, write_file
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.timestamp import format_time
from cygnet.runtime.letters import body_of, remove_body
from cygnet.storage.errors import StorageError
from cygnet.storage.port import Bucket
from cygnet.transport.dead import DeadLetter, drop, get_dead, list_dead, list_gone, replay
from cygnet.transport.errors import MessageTooLargeError

app = typer.Typer(no_args_is_help=True)
Letters = Annotated[list[int] | None, typer.Argument(metavar="LETTER", help="Numbers from `dead ls`.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")]
Run = Annotated[str | None, typer.Option("--run", help="Only those of this run.")]


@app.callback()
def group() -> None:
    """List, show, replay and drop dead letters.

    Example:
        cygnet dead ls
    """


@app.command("ls")
def list_letters(
    run: Run = None,
    reason: Reason = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """List dead letters, oldest first; of those that had to leave, what is still known.

    Example:
        cygnet dead ls --reason truncated
    """

    async def read(link: Link) -> list[DeadLetter]:
        gone = [each for each in await list_gone(link.nc, link.names, run) if reason in (None, each.reason)]
        return sorted(gone + await _select(link, run, reason), key=lambda letter: letter.sequence)

    letters = with_link(target(data, namespace, context), pipeline, read)
    if json_output:
        print_json([_document(letter) for letter in letters])
        return
    if not letters:
        typer.echo("no dead letters")
        return
    print_table(
        (">letter", "frame", "file", "reason", "stage", ">tries", ">bytes", "since", "message"),
        (
            (
                letter.sequence,
                letter.id or "no identity",
                letter.file or "-",
                letter.reason,
                letter.stage,
                "" if letter.is_gone else letter.deliveries,
                "gone" if letter.is_gone else in_bytes(letter.size),
                format_time(letter.time_ns, " ")[:19],
                letter.message,
            )
            for letter in letters
        ),
    )


@app.command("show")
def show(
    letter: Annotated[int, typer.Argument(help="Number from `dead ls`.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the body here.")] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Show a dead letter whole: why, its headers, and the beginning of its body.

    Example:
        cygnet dead show 12 -o frame.bin
    """

    async def read(link: Link) -> tuple[DeadLetter, bytes]:
        try:
            found = await get_dead(link.nc, link.names, letter)
        except NoSuchError:
            for gone in await list_gone(link.nc, link.names):
                if gone.sequence == letter:
                    return gone, b""
            raise
        return found, await body_of(_bucket(link), found)

    found, body = with_link(target(data, namespace, context), pipeline, read)
    if output:
        write_file(output, body)
    if json_output:
        print_json(_document(found) | {"headers": found.headers})
        return
    typer.echo(f"letter {found.sequence}: {found.id or 'a frame without identity'}")
    if found.file:
        typer.echo(f"  file     {found.file}")
    typer.echo(f"  reason   {found.reason}: {found.message}")
    if found.is_gone:
        typer.echo(f"  stage    {found.stage}")
        typer.echo(f"  since    {format_time(found.time_ns, ' ')}Z")
        typer.echo(
            "  body     gone: newer letters needed its room (streams.deadBytes), or it was too old"
            " (deadLetters.maxAgeHours)"
        )
        return
    typer.echo(f"  stage    {found.stage}, after {found.deliveries} deliveries")
    typer.echo(f"  since    {format_time(found.time_ns, ' ')}Z")
    for name, value in found.headers.items():
        typer.echo(f"  {name}: {value}")
    where = f", in the bucket as {found.elsewhere.key}" if found.elsewhere else ""
    typer.echo(f"  body     {in_bytes(found.size)}{where}: {body[:60]!r}")


@app.command("replay")
def replay_letters(
    letters: Letters = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them, or all that match.")] = False,
    run: Run = None,
    reason: Reason = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Send frames through the pipeline again, once the cause is mended; a letter that was sent is removed.

    Examples:
        cygnet dead replay 12 13

        cygnet dead replay --all --reason fetch-timeout
    """

    async def act(link: Link, each: DeadLetter) -> None:
        body = await body_of(_bucket(link), each) if each.elsewhere else None
        await replay(link.window, link.names, each.sequence, body)
        await remove_body(_bucket(link), each)

    where = target(data, namespace, context)
    _say(_do(act, letters, everything, run, reason, pipeline, where), "replayed", json_output=json_output)


@app.command("drop")
def drop_letters(
    letters: Letters = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them, or all that match.")] = False,
    run: Run = None,
    reason: Reason = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Remove dead letters for good; the ledger keeps counting them as dead.

    Example:
        cygnet dead drop --all --reason not-an-image
    """

    async def act(link: Link, each: DeadLetter) -> None:
        await drop(link.nc, link.names, each.sequence)
        await remove_body(_bucket(link), each)

    where = target(data, namespace, context)
    _say(_do(act, letters, everything, run, reason, pipeline, where), "dropped", json_output=json_output)


def _do(
    act: Callable[[Link, DeadLetter], Awaitable[None]],
    letters: list[int] | None,
    everything: bool,
    run: str | None,
    reason: str | None,
    pipeline: str | None,
    where: Target,
) -> list[dict[str, Any]]:
    """Act on each letter that is meant; one that fails does not stop the others."""
    if bool(letters) == everything:
        raise BadInputError("which letters? accepted: their numbers, or --all")

    async def each_one(link: Link) -> list[dict[str, Any]]:
        meant = (
            await _select(link, run, reason)
            if everything
            else [await get_dead(link.nc, link.names, number) for number in letters or ()]
        )
        done = []
        for letter in meant:
            try:
                await act(link, letter)
                done.append({"letter": letter.sequence, "frame": str(letter.id), "error": None})
            except (BadInputError, NoSuchError, StorageError, MessageTooLargeError) as error:
                done.append({"letter": letter.sequence, "frame": str(letter.id), "error": str(error)})
        return done

    return with_link(where, pipeline, each_one)


def _say(done: list[dict[str, Any]], word: str, *, json_output: bool) -> None:
    failed = [each for each in done if each["error"]]
    if json_output:
        print_json(done)
    else:
        typer.echo(f"{len(done) - len(failed)} {word}")
        for each in failed:
            typer.echo(f"  {each['error']}", err=True)
    if failed:
        raise typer.Exit(EXIT_FAILED)


async def _select(link: Link, run: str | None, reason: str | None) -> list[DeadLetter]:
    letters = await list_dead(link.nc, link.names, run)
    return [letter for letter in letters if reason in (None, letter.reason)]


def _bucket(link: Link) -> Bucket:
    return served_bucket(link.place)


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "letter": letter.sequence,
        "run": letter.id.run if letter.id else None,
        "detector": letter.id.detector if letter.id else None,
        "event": letter.id.event if letter.id else None,
        "file": letter.file or None,
        "reason": letter.reason,
        "message": letter.message,
        "stage": letter.stage,
        "deliveries": letter.deliveries,
        "bytes": letter.size,
        "since": format_time(letter.time_ns) + "Z",
        "gone": letter.is_gone,
        "key": letter.elsewhere.key if letter.elsewhere else None,
    }
