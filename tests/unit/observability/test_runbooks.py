"""Commands in runbooks and how-tos are commands that exist: who reads them has no time to guess."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from cygnet.cli.main import build

DOCS = Path(__file__).resolve().parents[3] / "docs/how-to"
PAGES = sorted([*(DOCS / "runbooks").glob("*.md"), DOCS / "watch-with-prometheus.md"])


def commands_of(page: Path) -> list[str]:
    text = page.read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in [*lines, *re.findall(r"`(cygnet [^`]+)`", text)] if line.startswith("cygnet ")]


COMMANDS = sorted({command for page in PAGES for command in commands_of(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_a_runbook_is_one_that_cygnet_takes(command: str) -> None:
    arguments = shlex.split(command, comments=True)[1:]
    found: click.Command = typer.main.get_command(build(arguments[0]))
    context = click.Context(found)
    while isinstance(found, click.Group) and arguments:
        name, *arguments = arguments
        known = found.get_command(context, name)
        assert known is not None, f"{command}: no command {name!r}"
        found = known
    found.make_context("cygnet", arguments)  # raises for an option that is none


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_a_link_of_a_runbook_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in link or (page.parent / link).exists(), link


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 10
