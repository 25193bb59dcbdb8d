"""`cygnet service`: one service, as a container or `cygnet up` starts it."""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cygnet.model.errors import BadInputError

SERVICES = ("simulator", "preprocessor", "aggregator", "uploader")


def service(
    name: Annotated[str, typer.Argument(help="simulator, preprocessor, aggregator or uploader.")],
    spec: Annotated[Path, typer.Option("--spec", metavar="FILE", help="A file with one Pipeline.")],
) -> None:
    """Run one service until SIGTERM.

    Where NATS and S3 are is told by NATS_URL, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.

    Example:
        cygnet service preprocessor --spec pipeline.yaml
    """
    if name not in SERVICES:
        raise BadInputError(f"{name!r} is no service; accepted: {', '.join(SERVICES)}")
    from cygnet.runtime.service import run_service

    body = importlib.import_module(f"cygnet.{name}.main").body
    code = run_service(name, body, spec)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread that hangs in a kernel would keep the interpreter from ending
