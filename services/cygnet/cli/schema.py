"""`cygnet schema`: the schema of a Pipeline, for editors and other tools, and for a cluster."""

import json
from typing import Annotated

import typer

from cygnet.cli.options import Json
from cygnet.spec.crd import crd_yaml
from cygnet.spec.schema import json_schema


def schema(
    crd: Annotated[
        bool, typer.Option("--crd", help="As a CustomResourceDefinition of Kubernetes, in YAML.")
    ] = False,
    json_output: Json = False,  # noqa: ARG001 - it is JSON either way
) -> None:
    """Print the JSON Schema of a Pipeline file.

    An editor with a YAML language server completes and checks a spec whose first line is

        # yaml-language-server: $schema=pipeline.schema.json

    Example:
        cygnet schema > pipeline.schema.json
        cygnet schema --crd | kubectl apply --server-side -f -
    """
    if crd:
        typer.echo(crd_yaml(), nl=False)
        return
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
