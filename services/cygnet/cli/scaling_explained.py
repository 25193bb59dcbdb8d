"""What the scaling policy did in a data folder: its last decisions, and the numbers behind the newest."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer

from cygnet.cli.access import Target, places, target
from cygnet.cli.cluster import ClusterError, open_cluster
from cygnet.cli.output import print_json, print_table
from cygnet.local.decisions import read
from cygnet.model.errors import NoSuchError
from cygnet.observe.decisions import Record

_MOST = 12


def source(data: Path, namespace: str | None, context: str | None) -> Target:
    """Return what is looked at: a cluster if it is asked for, or if no `up` has ever run in the folder."""
    if namespace or context or places(data, None):
        return target(data, namespace, context)
    try:
        return open_cluster(namespace, context)
    except ClusterError:
        return data


def explain(data: Path, pipeline: str | None, *, json_output: bool) -> None:
    """Print the decisions of each pipeline that runs or ran in the folder. Raises NoSuchError."""
    names = list(dict.fromkeys(name for name, _ in places(data, pipeline)))
    found = {name: records for name in names if (records := read(data, name))}
    if not found:
        of = f" of {', '.join(names)}" if names else ""
        raise NoSuchError(
            f"{data} holds no decision about scaling{of}; an `up` with scaling.mode: auto makes some"
        )
    if json_output:
        print_json({name: [asdict(record) for record in records] for name, records in found.items()})
        return
    typer.echo(f"looked at: {data}, this machine")
    for name, records in found.items():
        typer.echo(f"{name}: the last decisions, newest below")
        print_table(
            ("since", ">stood", ">workers", "reason", "why"), (_row(each) for each in records[-_MOST:])
        )
        typer.echo("on these numbers:")
        known = {key: value for key, value in records[-1].inputs.items() if value is not None}
        print_table(("", ""), sorted(known.items()))


def _row(record: Record) -> tuple[str, ...]:
    since = datetime.fromtimestamp(record.time, UTC)
    today = record.time > time.time() - 86400
    change = f"{record.current}"
    if record.desired != record.current:
        change += f" → {record.desired}" + (" (dry run)" if record.dry_run else "")
    return (
        f"{since:%H:%M:%S}Z" if today else f"{since:%Y-%m-%d %H:%M:%S}Z",
        f"{record.until - record.time:.0f} s",
        change,
        record.reason,
        record.message,
    )
