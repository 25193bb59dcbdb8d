"""How commands print: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from cygnet.model.errors import BadInputError


def print_json(document: Any) -> None:
    """Print a document on one line."""
    typer.echo(json.dumps(document, default=str, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns; those whose name begins with `>` are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in columns:
        right = name.startswith(">")
        table.add_column(name.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a pipe has no width: one line for each row
    console.print(table, highlight=False, markup=False)


def dtype_name(dtype: str) -> str:
    """Return `uint16` for `<u2`."""
    import numpy as np

    return str(np.dtype(dtype).name)


def counted(count: int, word: str) -> str:
    """Return `1 chunk`, `2 chunks`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def write_file(file: Path, body: bytes) -> None:
    """Write what `--output` asked for. Raises BadInputError when it can't be written there."""
    try:
        file.write_bytes(body)
    except OSError as error:
        raise BadInputError(
            f"--output: {file} can't be written: {error.strerror}; accepted: a file in a folder that is there"
        ) from error


def in_bytes(size: int) -> str:
    """Return a size for people."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes all")
