"""What is known of every run of a data folder: from accounts on NATS while `up` runs, and from buckets."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cygnet.cli.access import Link, bucket_of, read_run, runs_at, runs_now, with_link
from cygnet.cli.cluster import Cluster
from cygnet.local.control import COMPLETE
from cygnet.local.folder import Place, running
from cygnet.model.ledger import RunAccount, ledger, total
from cygnet.model.timestamp import format_time
from cygnet.storage.ledger_files import read_ledger
from cygnet.transport.api import NOT_FOUND
from cygnet.transport.errors import ApiError
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, cursor_key
from cygnet.transport.values import Values

Row = dict[str, Any]


def run_rows(data: Path, known: Iterable[tuple[str, Place]]) -> list[Row]:
    """Return a row for each run of the pipelines, oldest first.

    Where several have the same prefix, a run that no account speaks of is of the one that its ledger names,
    and of one of them where it has none.
    """
    places = list(known)
    rows = {(row["pipeline"], row["run"]): row for row in _live_rows(data, places)}
    live = {run for _, run in rows}
    sharing: dict[tuple[str, str, str], list[str]] = {}
    for name, place in places:
        sharing.setdefault(place.home, []).append(name)
    seen: set[tuple[str, str, str]] = set()
    for name, place in places:
        if place.home not in seen:
            seen.add(place.home)
            for run, account in _stored(data, name, place).items():
                if run not in live:
                    row = _row(account, COMPLETE, {}) if account else {"run": run, "state": "not complete"}
                    rows[name, run] = {"pipeline": _owner(account, sharing[place.home])} | row
    return sorted(rows.values(), key=lambda row: (row["run"], row["pipeline"]))


def _live_rows(data: Path, places: Iterable[tuple[str, Place]]) -> list[Row]:
    """Return the rows of accounts; those of a pipeline that does not run now are on a server that does."""
    if not runs_now(data):
        return []
    on = list(running(data).pipelines)
    rows: list[Row] = []
    for name, namespace in dict.fromkeys((name, place.namespace) for name, place in places):

        async def read(link: Link, name: str = name, namespace: str = namespace) -> list[Row]:
            names = Names(namespace, name)
            return await _live(replace(link, name=name, names=names, values=Values(link.nc, names)))

        rows += with_link(data, name if name in on else on[0], read)
    return rows


def rows_on(cluster: Cluster, pipeline: str | None) -> list[Row]:
    """Return a row for each run that the accounts of a namespace's pipelines tell of, oldest first."""
    names = [each["metadata"]["name"] for each in cluster.pipelines(pipeline)]
    rows = [row for name in names for row in with_link(cluster, name, _live)]
    return sorted(rows, key=lambda row: (row["run"], row["pipeline"]))


async def _live(link: Link) -> list[Row]:
    rows = []
    try:
        keys = await link.values.keys(RUN)
    except ApiError as error:
        if error.err_code in NOT_FOUND:  # it was on another server
            return []
        raise
    for key in keys:
        value = await link.values.get(key)
        if value is None or value.data["state"] == "removed":
            continue
        run = key.removeprefix(RUN)
        account = await read_run(link, run)
        issued = {}
        for detector in account.detectors:
            cursor = await link.values.get(cursor_key(run, detector))
            if cursor:
                issued[detector] = int(cursor.data["next"])
        rows.append({"pipeline": link.name} | _row(account, str(value.data["state"]), issued))
    return rows


def _stored(data: Path, name: str, place: Place) -> dict[str, RunAccount | None]:
    return {
        run: read_ledger(bucket_of(place, data).reader, place.prefix, run)
        for run in runs_at(data, name, place)
    }


def _owner(account: RunAccount | None, names: list[str]) -> str:
    named = account.begin.config.get("pipeline") if account and account.begin else None
    return str(named) if named in names else " or ".join(dict.fromkeys(names))


def _row(account: RunAccount, state: str, issued: dict[str, int]) -> Row:
    whole = total(ledger(account, issued), account.run)
    return {
        "run": account.run,
        "state": state,
        "announced": whole.announced,
        "stored": whole.stored,
        "consumed": whole.consumed,
        "dead": whole.dead,
        "in_flight": whole.in_flight,
        "closes": whole.closes,
        "started": f"{format_time(account.begin.time_ns, ' ')[:19]}Z" if account.begin else "",
    }
