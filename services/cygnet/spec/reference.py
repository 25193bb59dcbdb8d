"""Writes the reference page of the Pipeline from the models, so that the page is never behind them.

python -m cygnet.spec.reference > docs/reference/pipeline.md
"""

import json
import sys
from typing import Any

from pydantic import BaseModel

from cygnet.spec.base import every_part
from cygnet.spec.dumper import scalar
from cygnet.spec.example import replay_spec
from cygnet.spec.metadata import Metadata
from cygnet.spec.pipeline import Pipeline
from cygnet.spec.schema import Schema, fields_of, parts, resolved
from cygnet.spec.status import CONDITIONS, PipelineStatus
from cygnet.spec.transitions import FIXED
from cygnet.spec.words import accepted, amount

_HEAD = """\
<!-- Generated from the models in services/cygnet/spec by `python -m cygnet.spec.reference`. Do not edit. -->

# Pipeline

One YAML file describes a pipeline, from the detectors to the bucket. The same file runs with `cygnet up` on
one machine and with `kubectl apply` on a cluster. A file may hold several Pipelines, with `---` between them.

`cygnet init` writes a file like this one:

```yaml
{example}```

Rules of the format: a field that is not listed here is refused, and so is one that is written twice; numbers
are written without quotes; a text that reads like a number, like `yes` or like `no` is written in quotes;
aliases and tags of YAML are refused. An error names file, line, field, value and what is accepted.

`cygnet schema` prints this page as JSON Schema, for editors that complete and check YAML, and with `--crd` as
the CustomResourceDefinition of a cluster.
"""

_CLUSTER = """\
## On a cluster

The API server checks a Pipeline when it is applied: fields, types, bounds and the rules below each table, in
the words that `cygnet up` uses. `kubectl explain pipeline.spec` prints this page in the terminal. What
differs:

- A field with nothing behind it (`window:`) is absent for `cygnet up` and a wrong type for a cluster.
- A cluster ignores `local`, but keeps it: write no password there in a file that you apply.
- `metadata.namespace` is that of `kubectl`. `metadata` may hold whatever Kubernetes takes.
- `replay.path` is a path in the source's pod, on one of `pods.source.claims`.
- `preprocessor.replicas` is for `kubectl scale`, an HPA or KEDA, and is left out of files.
- `--validate=false` makes Kubernetes drop unknown fields in silence; by default they are refused.
- The operator finds what the API server cannot, and says it in the condition `Accepted`: braces and widths in
  `aggregator.keyTemplate`, and two Pipelines with the same bucket and prefix.
- While the pipeline is accepted and not drained, these fields are fixed:
  {fixed}.
  To change one, set `lifecycle: Drained`, wait for the condition `Drained`, and apply the change with
  `lifecycle: Running`.
  Sizes, copies and times of `streams` change in place.

The status, which the operator writes:

| field | meaning |
|---|---|
{status}
Conditions: {conditions}.
"""


def reference_markdown() -> str:
    """Return the page: an example, then a table for each part of the document."""
    models = _models()
    places = {part["title"]: path for path, part in parts()}
    sections = [_section(path, part, models[part["title"]], places) for path, part in parts()]
    return "\n".join([_HEAD.format(example=replay_spec("lime", "frames")), *sections, _on_a_cluster()])


def _on_a_cluster() -> str:
    fields = PipelineStatus.model_json_schema(by_alias=True)["properties"]
    rows = [
        f"| `{name}` | {_cell(' '.join(field['description'].split()))} |" for name, field in fields.items()
    ]
    return _CLUSTER.format(
        fixed=", ".join(f"`{rule.field.removeprefix('spec.')}`" for rule in FIXED),
        status="".join(f"{row}\n" for row in rows),
        conditions=", ".join(f"`{kind}`" for kind in CONDITIONS),
    )


def _section(path: str, part: Schema, model: type[BaseModel], places: dict[str, str]) -> str:
    lines = [f"## {path or 'The document'}", "", *(model.__doc__ or "").splitlines(), ""]
    lines += ["| field | accepted | default | meaning |", "|---|---|---|---|"]
    required = part.get("required", [])
    for name, field in fields_of(part).items():
        lines.append(_row(name, field, places, required=name in required))
    if rules := _rules(model):
        lines += ["", *(f"- {rule}" for rule in rules)]
    return "\n".join([*lines, ""])


def _row(name: str, field: Schema, places: dict[str, str], *, required: bool) -> str:
    schema = resolved(field)
    meaning = " ".join(schema.get("description", "").split())
    accepts = accepted(field, name)
    if fields_of(schema):
        accepts = _link(schema, places)
    elif schema.get("type") == "array" and fields_of(schema["items"]):
        accepts = f"{accepts.split(';')[0].removesuffix(' items')} {_link(resolved(schema['items']), places)}"
    default = "**required**" if required else _default(field, name)
    return f"| `{name}` | {_cell(accepts)} | {default} | {_cell(meaning)} |"


def _default(field: Schema, name: str) -> str:
    value: Any = field.get("default")
    if value is None:
        return "absent"
    if isinstance(value, dict):
        return "its defaults" if fields_of(field) else "none"
    if isinstance(value, list) and not value:
        return "none"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return amount(value, name)
    return f"`{scalar(value) if isinstance(value, str) else json.dumps(value)}`"


def _link(part: Schema, places: dict[str, str]) -> str:
    place = places[part["title"]]
    return f"[{place}](#{_anchor(place)})"


def _anchor(heading: str) -> str:
    return "".join(sign for sign in heading.lower() if sign.isalnum() or sign in "-_")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*, >", "\\*, >")


def _models() -> dict[str, type[BaseModel]]:
    models: list[type[BaseModel]] = [Pipeline, Metadata, *every_part()]
    return {model.__name__: model for model in models}


def _rules(model: type[BaseModel]) -> list[str]:
    """Return what a model checks across fields, in the words of the checks' docstrings."""
    checks = model.__pydantic_decorators__.model_validators.values()
    return [" ".join((check.func.__doc__ or "").split()) for check in checks]


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
