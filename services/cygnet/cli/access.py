"""How commands get at a pipeline: its NATS while `cygnet up` runs, its bucket also afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from cygnet.cli.cluster import Cluster, open_cluster, spec_of
from cygnet.cli.cluster_place import FORWARD, check_bucket, place_on_cluster
from cygnet.local.errors import LocalError
from cygnet.local.folder import Place, is_held, left_behind, running
from cygnet.local.places import s3_settings
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.ledger import RunAccount, fold
from cygnet.spec.loader import load
from cygnet.spec.pipeline import Pipeline
from cygnet.storage import keys
from cygnet.storage.bucket import connect as connect_bucket
from cygnet.storage.bucket import open_folder
from cygnet.storage.errors import StorageError
from cygnet.storage.port import Bucket, Reader
from cygnet.storage.runs import RunPlace, find_run
from cygnet.transport.account import read_account
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import NatsRefusedError, NatsUnreachableError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.values import Values

T = TypeVar("T")
Target = Path | Cluster
"""What a command looks at: the data folder of `cygnet up`, or a namespace of a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A connection to one running pipeline."""

    name: str
    place: Place
    nc: Client
    names: Names
    values: Values
    window: PublishWindow
    spec: Callable[[], Pipeline]
    """Its spec, read when it is asked for."""


def target(data: Path, namespace: str | None, context: str | None) -> Target:
    """Return what a command looks at: a cluster when a namespace or context is given."""
    return open_cluster(namespace, context) if namespace or context else data


@asynccontextmanager
async def link(target: Target, pipeline: str | None) -> AsyncIterator[Link]:
    """Connect to a pipeline of a running `cygnet up`, or of a cluster.

    Raises NotRunningError, ClusterError, and what connecting raises.
    """
    if isinstance(target, Cluster):
        found = spec_of(await asyncio.to_thread(target.pipeline, pipeline))
        name, place, spec = found.metadata.name, place_on_cluster(found), lambda: found
    else:
        name, place = running(target).place(pipeline)
        file = place.spec
        spec = lambda: load(file)[0]  # noqa: E731 - read only by who asks
    nc = await _connected(target, name, place)
    window = PublishWindow(nc)
    names = Names(place.namespace, name)
    try:
        yield Link(
            name=name, place=place, nc=nc, names=names, values=Values(nc, names), window=window, spec=spec
        )
    finally:
        await window.close()
        await close(nc)


async def _connected(target: Target, name: str, place: Place) -> Client:
    try:
        return await connect(
            place.nats_url, name=f"cygnet/cli/{name}", user=place.nats_user, password=place.nats_password
        )
    except (NatsUnreachableError, NatsRefusedError) as error:
        if isinstance(target, Cluster):
            raise LocalError(f"{error} From outside of the cluster: {FORWARD}") from error
        raise


def with_link(target: Target, pipeline: str | None, action: Callable[[Link], Awaitable[T]]) -> T:
    """Connect, do one thing, and return what it returns."""

    async def connected() -> T:
        async with link(target, pipeline) as connection:
            return await action(connection)

    return asyncio.run(connected())


async def read_run(link: Link, run: str) -> RunAccount:
    """Return the account of a run as it is now."""
    return fold(run, (record for _, record in await read_account(link.nc, link.names, run)))


def runs_now(data: Path) -> bool:
    """Whether a `cygnet up` runs in the folder."""
    return is_held(data)


def bucket_of(place: Place, target: Target) -> Bucket:
    """Return a place's bucket: its folder if it was an embedded server's, for that needs no server."""
    folder = None if isinstance(target, Cluster) else target / "s3" / place.bucket
    return open_folder(folder) if folder and folder.is_dir() else served_bucket(place)


def served_bucket(place: Place) -> Bucket:
    """Return a place's bucket by its server. Raises ClusterError when its keys are not given."""
    check_bucket(place)
    return connect_bucket(s3_settings(place))


def places(data: Path, pipeline: str | None) -> list[tuple[str, Place]]:
    """Return the pipelines that run or ran in the folder, newest first; all places of one if it is named.

    Raises LocalError.
    """
    up = left_behind(data)
    if up is None or not up.known():
        return []
    found = [(name, place) for name, place in up.known() if pipeline in (None, name)]
    if not found:
        names = ", ".join(dict.fromkeys(name for name, _ in up.known()))
        raise LocalError(f"no pipeline {pipeline!r} has run in {data}; accepted: {names}")
    return found


def _last_places(data: Path) -> list[tuple[str, Place]]:
    up = left_behind(data)
    return list(up.pipelines.items()) if up else []


def stored_runs(reader: Reader, prefix: str) -> list[str]:
    """Return the runs with stored events under a prefix, in the order of their ids."""
    return sorted(
        name
        for name in reader.folders(prefix)
        if {"manifest", "index"} & set(reader.folders(keys.join(prefix, name)))
    )


def runs_at(data: Path, name: str, place: Place) -> list[str]:
    """Return the runs with stored events at a place; one of earlier that is away is only said to be so."""
    if place.s3_embedded and not (data / "s3" / place.bucket).is_dir():
        return []
    try:
        return stored_runs(bucket_of(place, data).reader, place.prefix)
    except StorageError as error:
        if (name, place) in _last_places(data):
            raise
        typer.echo(f"not looked at: where {name} stored before: {error}", err=True)
        return []


def stored_run(target: Target, pipeline: str | None, run: str | None) -> RunPlace:
    """Return where a run is stored, the newest one if it isn't named, running or not.

    Raises NoSuchError, and BadInputError when several pipelines hold it.
    """
    return _run_on(target, pipeline, run) if isinstance(target, Cluster) else _run_in(target, pipeline, run)


def _run_on(cluster: Cluster, pipeline: str | None, run: str | None) -> RunPlace:
    found = spec_of(cluster.pipeline(pipeline))
    place = place_on_cluster(found)
    reader = served_bucket(place).reader
    there = stored_runs(reader, place.prefix)
    if not there or run not in (None, *there):
        what = f"run {run!r}" if run else "any run"
        raise NoSuchError(f"{place.bucket}/{place.prefix} holds no stored event of {what}")
    return RunPlace(reader, place.prefix, run or there[-1])


def _run_in(data: Path, pipeline: str | None, run: str | None) -> RunPlace:
    known = places(data, pipeline)
    if not known:
        return find_run(data, run, None)
    found = _holders(data, known, run)
    if run is None and pipeline is None:  # the newest one of what ran last
        found = _holders(data, _last_places(data), run) or found
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise BadInputError(
            f"several pipelines have stored a run; say which: --pipeline {' or '.join(found)}"
        )
    if pipeline is None:
        with suppress(NoSuchError):  # it lies in the folder, and nobody has written down whose it is
            return find_run(data, run, None)
    if run is None:
        raise NoSuchError(f"{data} holds no run with stored events yet")
    held = _holders(data, known, None).values()
    there = sorted({each for place in held for each in stored_runs(place.reader, place.prefix)})
    some = f"; there are {', '.join(there[-5:])}" if there else ""
    raise NoSuchError(f"{data} holds no stored event of run {run!r}{some}")


def _holders(data: Path, known: Sequence[tuple[str, Place]], run: str | None) -> dict[str, RunPlace]:
    """Return where pipelines have stored a run, or their newest one; those that share a place are one."""
    found: dict[str, RunPlace] = {}
    seen = set()
    for name, place in known:
        if place.home in seen:
            continue
        seen.add(place.home)
        runs = runs_at(data, name, place)
        if not runs or run not in (None, *runs):
            continue
        here = RunPlace(bucket_of(place, data).reader, place.prefix, run or runs[-1])
        if name not in found or here.run > found[name].run:
            found[name] = here
    return found
