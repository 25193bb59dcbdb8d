"""The command `cygnet`: only the module of the command that is asked for is imported."""

import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import typer

from cygnet.cli.exit_codes import EXIT_FAILED, EXIT_USAGE


class Entry(NamedTuple):
    """Where a command is, and its line in `cygnet --help`."""

    module: str
    says: str
    attribute: str = ""
    """The function; empty: the module's `app`, a group of commands."""


COMMANDS = {
    "init": Entry("init", "Write a Pipeline file to start from.", "init"),
    "up": Entry("up", "Run pipelines on this machine.", "up"),
    "env": Entry("env", "Print shell exports, to look into a running up.", "env"),
    "status": Entry("status", "Say what runs, and whether it is well.", "status"),
    "runs": Entry("runs", "List, end and remove runs."),
    "ledger": Entry("ledger", "Show that nothing was lost and nothing stored twice.", "show_ledger"),
    "chunks": Entry("chunks", "List, check and fetch what is stored."),
    "show": Entry("show", "Show one stored event, or a gallery.", "show"),
    "analyse": Entry("analyse", "Measure tracks, tell recoils, fit a modulation."),
    "dead": Entry("dead", "List, show, replay and drop dead letters."),
    "params": Entry("params", "Get, set and watch live parameters."),
    "listen": Entry("listen", "Hear a subject, or why it is silent.", "listen"),
    "simulate": Entry("simulate", "Write simulated images with their labels.", "simulate"),
    "scaling": Entry("scaling", "Look at the scaling policy."),
    "service": Entry("service", "Run one service, as a container does.", "service"),
    "schema": Entry("schema", "Print the JSON Schema of a Pipeline file.", "schema"),
    "version": Entry("version", "Print the version.", "version"),
}


_EXAMPLES = """\b
Examples:
  cygnet up                                  # lists the examples
  cygnet init lime frames/                   # writes lime.yaml for your own frames
  cygnet up lime.yaml --events 1000
  cygnet chunks ls"""


def build(wanted: str | None) -> typer.Typer:
    """Return the application with one command in full, and of the others their names and help.

    `wanted` None: all in full.
    """
    app = typer.Typer(
        name="cygnet",
        help="Image detectors as data pipelines: every frame stored once and only once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog=_EXAMPLES,
    )
    for name, entry in COMMANDS.items():
        if wanted not in (None, name):
            app.command(name, help=entry.says)(_not_loaded)
            continue
        module = importlib.import_module(f"cygnet.cli.{entry.module}")
        if entry.attribute:
            command: Callable[..., Any] = getattr(module, entry.attribute)
            app.command(name, help=_help(command))(command)
        else:
            for each in module.app.registered_commands:
                each.help = _help(each.callback)
            group = _help(module.app.registered_callback.callback)
            app.add_typer(module.app, name=name, help=group)
    return app


def _help(command: Callable[..., Any] | None) -> str:
    """Return a docstring as help, with examples as they are written: not filled to the line."""
    paragraphs = inspect.cleandoc((command and command.__doc__) or "").split("\n\n")
    first = next((n for n, text in enumerate(paragraphs) if text.startswith("Example")), len(paragraphs))
    return "\n\n".join(paragraphs[:first] + [f"\b\n{text}" for text in paragraphs[first:]])


def _not_loaded() -> None:
    raise RuntimeError("this command was not the first word of the command line")


def run(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 ok, 1 a check failed or something is in the way, 2 usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    completing = "_CYGNET_COMPLETE" in os.environ
    wanted = None if completing else next((word for word in words if not word.startswith("-")), "")
    if words == ["--version"]:
        wanted, words = "version", ["version"]
    app = build(wanted)
    try:
        app(words, prog_name="cygnet")
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        message, code = known
        if "--json" in words:
            problems = [problem.as_dict() for problem in getattr(error, "problems", ())]
            sys.stdout.write(json.dumps({"error": message, "problems": problems}, default=str) + "\n")
        sys.stderr.write(f"cygnet: {message}\n")
        sys.exit(code)


def _known(error: Exception) -> tuple[str, int] | None:
    """Return text and exit code of an error that a user can do something about."""
    from cygnet.model.errors import BadInputError, CygnetError

    if isinstance(error, BadInputError) or type(error).__name__ == "SpecError":
        return str(error), EXIT_USAGE
    transport = sys.modules.get("cygnet.transport.errors")
    if isinstance(error, CygnetError) or (transport and isinstance(error, transport.TransportError)):
        return str(error), EXIT_FAILED
    return None
