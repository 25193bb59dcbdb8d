"""`cygnet runs`: which runs there are; ending one; removing one."""

import asyncio
from typing import Annotated

import typer

from cygnet.cli.access import Link, Target, bucket_of, places, served_bucket, stored_runs, target, with_link
from cygnet.cli.cluster import Cluster
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.cli.output import print_json, print_table
from cygnet.cli.run_rows import rows_on, run_rows
from cygnet.local.control import COMPLETE
from cygnet.local.errors import LocalError
from cygnet.model.errors import NoSuchError
from cygnet.model.identity import check_name
from cygnet.storage.index import list_objects
from cygnet.storage.keys import dead_folder, run_folder
from cygnet.storage.port import Bucket
from cygnet.transport.account import purge_run
from cygnet.transport.runs import RUN_KEY, ask_for_end, current_run, late_key, run_key, run_state
from cygnet.transport.streams import purge_subject

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """List, end and remove runs.

    Example:
        cygnet runs ls
    """


@app.command("ls")
def list_runs(
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """List the runs of every pipeline of the folder, or of a namespace, oldest first.

    Example:
        cygnet runs ls
    """
    where = target(data, namespace, context)
    if isinstance(where, Cluster):
        rows = rows_on(where, pipeline)
    else:
        rows = run_rows(where, places(where, pipeline))
    if json_output:
        print_json(rows)
        return
    print_table(
        ("pipeline", "run", "state", ">announced", ">stored", ">consumed", ">dead", ">in flight", "started"),
        (
            [row[name] for name in ("pipeline", "run", "state")]
            + [
                "" if row.get(n) is None else row[n]
                for n in ("announced", "stored", "consumed", "dead", "in_flight")
            ]
            + [row.get("started", "")]
            for row in rows
        ),
    )


@app.command("end")
def end(
    run: Annotated[str | None, typer.Argument(help="The run; the one that is on if not given.")] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """End a run: the source issues no more events, and what is in flight is stored.

    Example:
        cygnet runs end
    """
    ended = with_link(target(data, namespace, context), pipeline, lambda link: _end(link, run))
    if json_output:
        print_json({"run": ended, "asked": "end"})
    else:
        typer.echo(f"run {ended} was asked to end; watch it with: cygnet ledger {ended}")


@app.command("rm")
def remove(
    run: Annotated[str, typer.Argument(help="The run.")],
    objects: Annotated[bool, typer.Option("--objects", help="Also delete what it stored.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Remove a run's account, and with --objects what it stored. It can't be brought back.

    Example:
        cygnet runs rm 20261121T101010-ab12 --objects --yes
    """
    check_name(run, "run")
    where = target(data, namespace, context)
    what = "account and all stored objects" if objects else "account"
    if not yes:
        with_link(where, pipeline, lambda link: _check_removable(link, run, where))
        typer.confirm(f"Remove {what} of run {run}?", abort=True)
    removed = with_link(where, pipeline, lambda link: _remove(link, run, where, objects=objects))
    if json_output:
        print_json({"run": run} | removed)
    else:
        typer.echo(f"run {run}: {removed['records']} records, {removed['objects']} objects removed")


async def _end(link: Link, run: str | None) -> str:
    if run is None:
        request = await current_run(link.values)
        if request is None:
            raise NoSuchError(f"pipeline {link.name} has no run")
        run = request.run
    state = await run_state(link.values, check_name(run, "run"))
    if state is None:
        raise NoSuchError(f"pipeline {link.name} has no run {run!r}; `cygnet runs ls` lists them")
    if state != "running":
        raise LocalError(f"run {run} has ended already; it is {state}")
    await ask_for_end(link.values, run, last=False)
    return run


async def _check_removable(link: Link, run: str, where: Target) -> None:
    state = await run_state(link.values, run)
    reader = bucket_of(link.place, where).reader
    if state in (None, "removed") and run not in await asyncio.to_thread(
        stored_runs, reader, link.place.prefix
    ):
        raise NoSuchError(f"pipeline {link.name} has no run {run!r}; `cygnet runs ls` lists them")
    if state not in (None, "removed", COMPLETE):
        raise LocalError(f"run {run} is {state}: end it first with `cygnet runs end {run}`")


async def _remove(link: Link, run: str, where: Target, *, objects: bool) -> dict[str, int]:
    await _check_removable(link, run, where)
    bucket = served_bucket(link.place)  # the server would not notice that files are gone
    count = await _remove_objects(bucket, link.place.prefix, run) if objects else 0
    await bucket.delete([each.key async for each in bucket.list(dead_folder(link.place.prefix, run))])
    records = await purge_run(link.nc, link.names, run)
    await purge_subject(link.nc, link.names.dead, link.names.dead_subject(run, "*"))
    request = await link.values.get(RUN_KEY)
    if request is not None and request.data.get("run") == run:  # else the source would run it again
        await link.values.put(run_key(run), {"state": "removed"})
    else:
        await link.values.delete(run_key(run))
    for prefix in ("cursor", "base", "attempt"):
        for key in await link.values.keys(f"{prefix}.{run}."):
            await link.values.delete(key)
    await link.values.delete(late_key(run))
    return {"records": records, "objects": count}


async def _remove_objects(bucket: Bucket, prefix: str, run: str) -> int:
    """Delete a run's chunks, then what names them: who is interrupted in between can begin again."""
    chunks = await asyncio.to_thread(list_objects, bucket.reader, prefix, run)
    await bucket.delete(sorted(chunks))
    rest = [each.key async for each in bucket.list(run_folder(prefix, run))]
    await bucket.delete(rest)
    return len(chunks.union(rest))
