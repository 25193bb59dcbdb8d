"""`cygnet ledger`: the equation of a run, live from its account, afterwards from the bucket alone."""

from dataclasses import asdict
from typing import Annotated

import typer

from cygnet.cli.access import Link, Target, read_run, runs_now, stored_run, target, with_link
from cygnet.cli.cluster import Cluster
from cygnet.cli.exit_codes import EXIT_FAILED
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.cli.output import print_json
from cygnet.model.errors import NoSuchError
from cygnet.model.ledger import RunAccount, ledger, stored_twice, total
from cygnet.storage.ledger_files import read_ledger
from cygnet.transport.runs import RUN_KEY, cursor_key


def show_ledger(
    run: Annotated[str | None, typer.Argument(help="The run; the newest if not given.")] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Show that nothing was lost and nothing stored twice: exit code 0 only if the ledger closes.

    Example:
        cygnet ledger 20261121T101010-ab12
        cygnet ledger -n beam -p lime
    """
    account, issued, source = _find(run, pipeline, target(data, namespace, context))
    lines = ledger(account, issued)
    whole = total(lines, account.run)
    twice = stored_twice(
        commit
        for each in account.detectors.values()
        for commit in each.commits.values()
        if commit.chunk in each.stored_chunks
    )
    closes = whole.closes and not twice
    if json_output:
        rows = [asdict(line) | {"closes": line.closes} for line in lines]
        doubled = {name: events.pairs() for name, events in twice.items()}
        print_json(
            {"run": account.run, "from": source, "closes": closes, "stored_twice": doubled, "ledger": rows}
        )
    else:
        typer.echo(f"run {account.run}, from the {source}")
        for line in lines if len(lines) > 1 else ():
            typer.echo(f"  {line.detector}: {line.equation()}")
        typer.echo(f"  {whole.equation()}")
        for reason in whole.reasons():
            typer.echo(f"    {reason}")
        for name, events in twice.items():
            typer.echo(f"  STORED TWICE: {name} {events.pairs()}")
        state = "closes" if closes else "does not close" if whole.ended else "is open: the run goes on"
        typer.echo(f"  the ledger {state}")
    if not closes:
        raise typer.Exit(EXIT_FAILED)


def _find(run: str | None, pipeline: str | None, where: Target) -> tuple[RunAccount, dict[str, int], str]:
    """Return the account, the numbers issued so far, and where it is from."""
    if isinstance(where, Cluster) or runs_now(where):
        account, issued = with_link(where, pipeline, lambda link: _live(link, run))
        if account.detectors:
            return account, issued, "account on NATS"
    place = stored_run(where, pipeline, run)
    stored = read_ledger(place.reader, place.prefix, place.run)
    if stored is None:
        raise NoSuchError(
            f"run {place.run} is not complete, so its ledger is not in the bucket yet"
            + ("" if isinstance(where, Cluster) else "; `cygnet up` goes on with it")
        )
    return stored, {}, "bucket"


async def _live(link: Link, run: str | None) -> tuple[RunAccount, dict[str, int]]:
    if run is None:
        value = await link.values.get(RUN_KEY)
        run = str(value.data["run"]) if value else ""
    account = await read_run(link, run) if run else RunAccount("")
    issued = {}
    for name in account.detectors:
        cursor = await link.values.get(cursor_key(run, name))
        if cursor:
            issued[name] = int(cursor.data["next"])
    return account, issued
