"""The last words of `cygnet up`: the ledger, what is in the bucket, and where to look next."""

import json
from dataclasses import asdict
from pathlib import Path

import typer

from cygnet.cli.output import counted
from cygnet.local.command_line import as_typed
from cygnet.local.data_folder import option
from cygnet.local.folder import Place
from cygnet.local.up import Outcome, Wish
from cygnet.model.ledger import Ledger, total
from cygnet.storage.manifest import from_parquet, to_rows


def say_how_it_ended(outcome: Outcome, wish: Wish, *, json_output: bool) -> None:
    """Print the ledger of each pipeline's run and what to do with the data."""
    if json_output:
        typer.echo(json.dumps(_document(outcome)))
        return
    files = {pipeline.metadata.name: file for file, pipeline in wish.pipelines}
    for name, end in outcome.runs.items():
        for before in end.earlier:
            whole = total(before.lines, before.run)
            said = verdict(whole, stopped_early=outcome.stopped_early)
            typer.echo(f"\n{name} run {before.run}\n  {whole.equation()}\n  {said}")
        typer.echo(f"\n{name} run {end.run}")
        for line in end.lines if len(end.lines) > 1 else ():
            typer.echo(f"  {line.detector}: {line.equation()}")
        whole = total(end.lines, end.run)
        typer.echo(f"  {whole.equation()}")
        for reason in whole.reasons():
            typer.echo(f"    {reason}")
        typer.echo(f"  {verdict(whole, stopped_early=outcome.stopped_early)}")
        if not end.closes and (trouble := outcome.troubles.get(name)):
            typer.echo(f"  in the way: {trouble}")
        _say_next(name, outcome.places[name], end.run, wish.folder, several=len(outcome.runs) > 1)
        if whole.dead:
            _say_mend(files[name], wish.folder)


def verdict(whole: Ledger, *, stopped_early: bool) -> str:
    """Return in one line whether the run kept the promise; what the source dropped is no part of it."""
    if whole.closes and whole.dropped:
        return f"the ledger closes; {counted(whole.dropped, 'event')} dropped at the source, no other lost"
    if whole.closes:
        return "the ledger closes: nothing lost, nothing twice"
    if stopped_early:
        return "stopped before the end; the next `cygnet up` with this folder goes on"
    return "the ledger does not close"


def _say_next(name: str, place: Place, run: str, folder: Path, *, several: bool) -> None:
    bucket = folder / "s3" / place.bucket
    stored = bucket / place.prefix / run
    is_here = bucket.is_dir()  # else it is in an S3 of the user's own
    if is_here and not stored.is_dir():
        return
    which = f" --pipeline {name}" if several else ""
    where = option(folder)
    cygnet, python = as_typed("cygnet"), as_typed("python")
    chunk = _first_chunk(stored, bucket) if is_here else None
    there = f"s3://{place.bucket}/{place.prefix}/{run} at {place.s3_endpoint}"
    typer.echo(f"  stored in {stored if is_here else there}")
    typer.echo(f"  look:  {cygnet} chunks ls{where}{which}")
    typer.echo(f"         {cygnet} ledger {run}{where}{which}")
    if not is_here:
        url = f"s3://{place.bucket}/{place.prefix}"
        opened = f"cygnet.open('{url}', '{run}', endpoint='{place.s3_endpoint}')"
        typer.echo(f"""  read:  {python} -c "import cygnet; print({opened}[0].image.shape)\"""")
    elif chunk and chunk.suffix == ".npz":
        typer.echo(
            f"""  read:  {python} -c "import numpy as np; print(np.load('{chunk}')['image'].shape)\""""
        )


def _say_mend(file: Path, folder: Path) -> None:
    """Say how frames that were given up are got at, now that nothing runs."""
    cygnet, where = as_typed("cygnet"), option(folder)
    typer.echo(f"  dead:  {cygnet} up {file} --no-run{where}")
    typer.echo(f"         and beside it: {cygnet} dead ls{where}, {cygnet} dead replay --all{where}")


def _first_chunk(stored: Path, bucket: Path) -> Path | None:
    """Return the object of the first manifest; a key template may have put it anywhere in the bucket."""
    for manifest in sorted((stored / "manifest").glob("*.parquet")):
        return bucket / to_rows(from_parquet(manifest.read_bytes(), manifest.name))[0].object
    return None


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "closes": outcome.closes,
        "runs": {
            name: {
                "run": end.run,
                "closes": end.closes,
                "ledger": [_line(line) for line in end.lines],
                "trouble": outcome.troubles.get(name, ""),
                "earlier": [
                    {"run": each.run, "closes": each.closes, "ledger": [_line(line) for line in each.lines]}
                    for each in end.earlier
                ],
            }
            for name, end in outcome.runs.items()
        },
    }


def _line(line: Ledger) -> dict[str, object]:
    return asdict(line) | {"closes": line.closes, "equation": line.equation()}
