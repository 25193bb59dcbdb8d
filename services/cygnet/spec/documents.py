"""Turns the documents of one text into Pipelines, or into everything that is wrong with them."""

from dataclasses import dataclass

from pydantic import ValidationError

from cygnet.spec.explain import explain, unknown_field
from cygnet.spec.metadata import OBJECT_META, Metadata
from cygnet.spec.pipeline import API_VERSION, Pipeline
from cygnet.spec.problems import MOST, Mark, Problem, SpecError, SpecText, clipped
from cygnet.spec.schema import Path
from cygnet.spec.suggest import closest
from cygnet.spec.tree import Node, trees
from cygnet.spec.words import shown

KIND = "Pipeline"
_WANTED = f"a Pipeline: apiVersion: {API_VERSION}, kind: {KIND}, metadata, spec"


@dataclass(frozen=True, slots=True)
class Document:
    """A valid Pipeline, with the place of its name."""

    pipeline: Pipeline
    text: SpecText
    name: Mark


def documents(text: SpecText) -> tuple[list[Document], list[Problem]]:
    """Return the valid Pipelines of a text, and what is wrong with the others."""
    try:
        roots, problems = trees(text)
    except SpecError as error:
        return [], error.problems
    if not roots and not problems:
        return [], [text.problem(None, (), None, "the file is empty", _WANTED)]
    found: list[Document] = []
    for root in roots:
        document, wrong = _document(root, text)
        problems += wrong
        if document:
            found.append(document)
    return found, problems


def distinct(found: list[Document]) -> list[Problem]:
    """Return a problem for each Pipeline whose name, or whose place in a bucket, an earlier one has."""
    first: dict[tuple[str, str], Document] = {}
    places: dict[tuple[str, str, str], Document] = {}
    problems = []
    for document in found:
        metadata = document.pipeline.metadata
        earlier = first.setdefault((metadata.namespace, metadata.name), document)
        if earlier is not document:
            place = f"{earlier.text.file}:{earlier.name.line}"
            message = f"{metadata.namespace}/{metadata.name} is already described in {place}"
            path, accepted = ("metadata", "name"), "another name or namespace"
            problems.append(document.text.problem(document.name, path, metadata.name, message, accepted))
            continue
        spec, prefix = document.pipeline.spec, document.pipeline.prefix
        holder = places.setdefault((spec.storage.endpoint or "", spec.uploader.bucket, prefix), document)
        if holder is not document:
            message = f"{spec.uploader.bucket}/{prefix} is claimed by {holder.pipeline.metadata.name}"
            place_in_spec = ("spec", "uploader", "prefix")
            problems.append(
                document.text.problem(
                    document.name, place_in_spec, prefix, message, "another bucket or prefix"
                )
            )
    return problems


def _document(root: Node, text: SpecText) -> tuple[Document | None, list[Problem]]:
    if root.broken:
        return None, []
    if not isinstance(root.value, dict):
        value = root.plain()
        return None, [text.problem(root.mark, (), value, f"the document is {shown(value)}", _WANTED)]
    if not any(name in root.value for name in Pipeline.model_fields):
        given = ", ".join(clipped(name) for name in list(root.value)[:3]) or "none"
        message = f"this is not a Pipeline; its fields: {given}"
        return None, [text.problem(root.place, (), root.plain(), message, _WANTED)]
    kind = root.value.get("kind")
    if kind and isinstance(kind.value, str) and kind.value != KIND and not closest(kind.value, [KIND]):
        message = f"{shown(kind.value)} is another kind of document"
        return None, [text.problem(kind.mark, ("kind",), kind.value, message, KIND)]
    strange = _strange_metadata(root)
    problems = [unknown_field(path, root, text, OBJECT_META) for path in strange]
    try:
        pipeline = Pipeline.model_validate(root.plain())
    except ValidationError as error:
        return None, problems + explain(error, root, text, strange)
    name = root.value["metadata"].child("name")
    return (Document(pipeline, text, name.mark) if name and not root.holds_broken() else None), problems


def _strange_metadata(root: Node) -> list[Path]:
    """Return what Kubernetes does not know either: a misspelt namespace must not become the default."""
    node = root.child("metadata")
    fields = node.value if node and isinstance(node.value, dict) else {}
    known = {*Metadata.model_fields, *OBJECT_META}
    strange: list[Path] = [("metadata", name) for name in fields if name not in known]
    return strange[:MOST]
