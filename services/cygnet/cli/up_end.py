"""The last words of `cygnet up`: the ledger, what is in the bucket, and where to look next."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from cygnet.local.folder import Place
from cygnet.local.up import Outcome, RunEnd
from cygnet.model.ledger import Ledger, total
from cygnet.storage.manifest import from_parquet, to_rows


def say_how_it_ended(outcome: Outcome, folder: Path, *, json_output: bool) -> None:
    """Print the ledger of each pipeline's run and what to do with the data."""
    if json_output:
        typer.echo(json.dumps(_document(outcome)))
        return
    for name, end in outcome.runs.items():
        typer.echo(f"\n{name} run {end.run}")
        for line in end.lines if len(end.lines) > 1 else ():
            typer.echo(f"  {line.detector}: {line.equation()}")
        whole = total(end.lines, end.run)
        typer.echo(f"  {whole.equation()}")
        for reason, count in sorted(whole.dead_reasons.items()):
            typer.echo(f"    dead: {count} × {reason}")
        typer.echo(f"  {_verdict(end, stopped_early=outcome.stopped_early)}")
        if not end.closes and (trouble := outcome.troubles.get(name)):
            typer.echo(f"  in the way: {trouble}")
        _say_next(name, outcome.places[name], end.run, folder, several=len(outcome.runs) > 1)


def _verdict(end: RunEnd, *, stopped_early: bool) -> str:
    if end.closes:
        return "the ledger closes: nothing lost, nothing twice"
    if stopped_early:
        return "stopped before the end; the next `cygnet up` with this folder goes on"
    return "the ledger does not close"


def _say_next(name: str, place: Place, run: str, folder: Path, *, several: bool) -> None:
    stored = folder / "s3" / place.bucket / place.prefix / run
    if not stored.is_dir():
        return
    which = f" --pipeline {name}" if several else ""
    where = "" if folder == Path("cygnet-data") else f" --data {folder}"
    chunk = _first_chunk(stored, folder / "s3" / place.bucket)
    cygnet, python = _as_typed("cygnet"), _as_typed("python")
    typer.echo(f"  stored in {stored}")
    typer.echo(f"  look:  {cygnet} chunks ls{where}{which}")
    typer.echo(f"         {cygnet} ledger {run}{where}{which}")
    if chunk and chunk.suffix == ".npz":
        typer.echo(
            f"""  read:  {python} -c "import numpy as np; print(np.load('{chunk}')['image'].shape)\""""
        )


def _as_typed(program: str) -> str:
    """Return how the program of this environment is called from here: by name where the path leads to it."""
    own = Path(sys.executable).parent / program
    found = shutil.which(program)
    if found and Path(found).absolute() == own.absolute():
        return program
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)


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
            }
            for name, end in outcome.runs.items()
        },
    }


def _line(line: Ledger) -> dict[str, object]:
    return asdict(line) | {"closes": line.closes, "equation": line.equation()}
