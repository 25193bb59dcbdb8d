"""The last words of `cygnet up`: the ledger, what is in the bucket, and where to look next."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from cygnet.local.folder import Place
from cygnet.local.up import Outcome
from cygnet.model.ledger import Ledger, total


def say_how_it_ended(outcome: Outcome, folder: Path, *, json_output: bool) -> None:
    """Print the ledger of each pipeline's run and what to do with the data."""
    if json_output:
        typer.echo(json.dumps(_document(outcome)))
        return
    for name, lines in outcome.ledgers.items():
        run = lines[0].run if lines else "no run"
        typer.echo(f"\n{name} run {run}")
        for line in lines if len(lines) > 1 else ():
            typer.echo(f"  {line.detector}: {line.equation()}")
        whole = total(lines, run)
        typer.echo(f"  {whole.equation()}")
        for reason, count in sorted(whole.dead_reasons.items()):
            typer.echo(f"    dead: {count} × {reason}")
        typer.echo(f"  {_verdict(lines, stopped_early=outcome.stopped_early)}")
        _say_next(name, outcome.places[name], run, folder, several=len(outcome.ledgers) > 1)


def _verdict(lines: Sequence[Ledger], *, stopped_early: bool) -> str:
    if all(line.closes for line in lines) and lines:
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
    chunk = next((path for path in sorted(stored.rglob("*.npz"))), None)
    typer.echo(f"  stored in {stored}")
    typer.echo(f"  look:  cygnet chunks ls{where}{which}    cygnet ledger {run}{where}{which}")
    if chunk:
        typer.echo(f"""  read:  python -c "import numpy as np; print(np.load('{chunk}')['image'].shape)\"""")


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "closes": outcome.closes,
        "ledger": {
            name: [asdict(line) | {"closes": line.closes, "equation": line.equation()} for line in lines]
            for name, lines in outcome.ledgers.items()
        },
    }
