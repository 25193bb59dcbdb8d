"""`cygnet show`: one stored event, with what was done to it."""

from typing import Annotated, Any

import typer

from cygnet.cli.access import stored_run
from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.cli.output import dtype_name, in_bytes, print_json
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.storage.dataset import Dataset, EventView
from cygnet.storage.index import read_index
from cygnet.storage.runs import RunPlace


def show(
    run: Annotated[str, typer.Argument(help="The run.")],
    event: Annotated[int, typer.Argument(min=0, help="Number of the event in the run.")],
    detector: Annotated[str | None, typer.Option("--detector", help="Which, if there are several.")] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Show one stored event: its time, its arrays, and what was done to it.

    Example:
        cygnet show 20261121T101010-ab12 17
    """
    view = _dataset(stored_run(data, pipeline, run), detector).at(event)
    if json_output:
        print_json(_document(view))
        return
    row = view.row
    typer.echo(f"event {view.event} of {row.run}/{row.detector}")
    typer.echo(f"  time        {view.time}Z")
    for name, array in view.arrays.items():
        each = view.rows[name]
        shape = " × ".join(map(str, each.shape))
        typer.echo(f"  {name:<11} {dtype_name(each.dtype)} {shape}, axes {each.axes}")
        typer.echo(f"              min {array.min():g}, mean {array.mean():.4g}, max {array.max():g}")
        place = f"{each.object} at {each.offset}, {in_bytes(each.size)}, {each.codec}"
        typer.echo(f"              {place}, crc32c {each.crc32c:08x}")
    for name, value in view.attrs.items():
        typer.echo(f"  {name:<11} {value}")
    typer.echo(f"  revision    {row.revision} of the parameters")
    for name, value in view.provenance.items():
        if name == "revision":
            continue
        typer.echo(f"  {name:<11} {value}")


def _dataset(place: RunPlace, detector: str | None) -> Dataset:
    index = read_index(place.reader, place.prefix, place.run)
    known = sorted(str(name) for name in index.table.column("detector").unique().to_pylist())
    if detector is None and len(known) > 1:
        raise BadInputError(f"--detector: run {place.run} has several; accepted: {', '.join(known)}")
    name = detector or (known[0] if known else "")
    if name not in known:
        there = f"; there are {', '.join(known)}" if known else ""
        raise NoSuchError(f"run {place.run} holds no stored event of detector {name!r}{there}")
    return Dataset(place, name, index)


def _document(view: EventView) -> dict[str, Any]:
    return {
        "run": view.row.run,
        "detector": view.row.detector,
        "event": view.event,
        "time": f"{view.time}Z",
        "revision": view.row.revision,
        "attrs": view.attrs,
        "provenance": view.provenance,
        "arrays": {
            name: {
                "dtype": row.dtype,
                "shape": list(row.shape),
                "axes": row.axes,
                "object": row.object,
                "offset": row.offset,
                "bytes": row.size,
                "codec": row.codec,
                "crc32c": row.crc32c,
            }
            for name, row in view.rows.items()
        },
    }
