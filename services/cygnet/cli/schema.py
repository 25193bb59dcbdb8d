"""`cygnet schema`: the JSON Schema of a Pipeline, for editors and other tools."""

import json

import typer

from cygnet.cli.options import Json
from cygnet.spec.schema import json_schema


def schema(json_output: Json = False) -> None:  # noqa: ARG001 - it is JSON either way
    """Print the JSON Schema of a Pipeline file.

    An editor with a YAML language server completes and checks a spec whose first line is

        # yaml-language-server: $schema=pipeline.schema.json

    Example:
        cygnet schema > pipeline.schema.json
    """
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
