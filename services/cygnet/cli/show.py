"""`cygnet show`: one stored event, with its truth and what was done to it; without a number, a gallery."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cygnet.cli.access import read_run, runs_now, stored_run, with_link
from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.cli.output import dtype_name, in_bytes, print_json, print_table
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.truth import Truth
from cygnet.storage.dataset import Dataset, EventView
from cygnet.storage.index import read_index
from cygnet.storage.ledger_files import fate
from cygnet.storage.runs import RunPlace

if TYPE_CHECKING:
    from cygnet.analysis import Shown


def show(
    run: Annotated[str | None, typer.Argument(help="The run; the newest if not given.")] = None,
    event: Annotated[
        int | None, typer.Argument(min=0, help="Number of the event in the run; ten events if not given.")
    ] = None,
    detector: Annotated[str | None, typer.Option("--detector", help="Which, if there are several.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.png", help="Also draw into this file.")
    ] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Show one stored event: its time, its arrays, its truth if it was simulated, and what was done to it.

    Without an event: ten of the run, of a simulated one five of each recoil.

    Examples:
        cygnet show 20261121T101010-ab12 17 --out event.png

        cygnet show --out gallery.png
    """
    if out:
        from cygnet.analysis._event_figure import check_figure

        check_figure(out, "--out")
    dataset = dataset_of(stored_run(data, pipeline, run), detector)
    if event is None:
        from cygnet.analysis import gallery

        _show_gallery(gallery(dataset), dataset, out, json_output=json_output)
    else:
        _show_event(_stored(dataset, event, pipeline, data), out, json_output=json_output)


def _stored(dataset: Dataset, event: int, pipeline: str | None, data: Path) -> EventView:
    """Return the event; of one that is not stored the account knows more than the bucket, while it runs."""
    try:
        return dataset.at(event)
    except NoSuchError:
        if runs_now(data):
            account = with_link(data, pipeline, lambda link: read_run(link, dataset.run))
            became = fate(account, dataset.detector, event)
            if became not in ("", "stored", "in flight"):
                raise NoSuchError(
                    f"event {event} of {dataset.run}/{dataset.detector} is not stored: it is {became}"
                ) from None
        raise


def _show_gallery(chosen: "list[Shown]", dataset: Dataset, out: Path | None, *, json_output: bool) -> None:
    if out:
        from cygnet.analysis import draw_gallery

        draw_gallery(chosen, f"run {dataset.run}, detector {dataset.detector}", out)
    if json_output:
        events = [
            {"event": each.event, "time": f"{each.time}Z", "truth": _truth_document(each.truth)}
            for each in chosen
        ]
        print_json({"run": dataset.run, "detector": dataset.detector, "events": events, "drawn": _drawn(out)})
        return
    recoils = Counter(each.truth.recoil for each in chosen if each.truth)
    by_truth = ", ".join(f"{count} {recoil}" for recoil, count in recoils.items())
    some = f"{len(chosen)} of {len(dataset)} stored events" + (f" ({by_truth})" if recoils else "")
    if out:
        typer.echo(f"gallery of {some}: {out}")
        return
    typer.echo(f"run {dataset.run}, detector {dataset.detector}: {some}")
    print_table(
        (">event", "time", "truth"),
        ((each.event, f"{each.time}Z", _told(each.truth)) for each in chosen),
    )


def _show_event(view: EventView, out: Path | None, *, json_output: bool) -> None:
    truth = view.truth
    if out:
        from cygnet.analysis._event_figure import Picture, save_event

        title = f"event {view.event} of {view.row.run}/{view.row.detector}"
        save_event(
            Picture(view.image, f"{title}\n{_told(truth)}".rstrip(), truth.recoil if truth else None), out
        )
    if json_output:
        print_json(_document(view) | {"drawn": _drawn(out)})
        return
    row = view.row
    typer.echo(f"event {view.event} of {row.run}/{row.detector}")
    typer.echo(f"  time        {view.time}Z")
    if truth:
        typer.echo(f"  truth       {_told(truth)}")
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
    if out:
        typer.echo(f"  drawn in    {out}")


def _told(truth: Truth | None) -> str:
    """Return a truth in words, nothing for none."""
    if truth is None:
        return ""
    x, y, z = truth.direction
    column, row = truth.position_mm
    return (
        f"{truth.recoil} recoil, {truth.energy_kev:.3g} keV, direction ({x:+.2f}, {y:+.2f}, {z:+.2f}),"
        f" vertex ({column:+.1f}, {row:+.1f}) mm, z {truth.z_mm:.0f} mm"
    )


def _truth_document(truth: Truth | None) -> dict[str, Any] | None:
    return asdict(truth) if truth else None


def _drawn(out: Path | None) -> str | None:
    return str(out) if out else None


def dataset_of(place: RunPlace, detector: str | None) -> Dataset:
    """Return the stored events of a detector, of the only one if it isn't named. Raises NoSuchError."""
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
        "truth": _truth_document(view.truth),
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
