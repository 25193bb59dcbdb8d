"""Whether a Pipeline is accepted: what the models say about it, and who holds its place in the bucket."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from cygnet.spec.loader import loads
from cygnet.spec.pipeline import Pipeline
from cygnet.spec.problems import SpecError
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key

Json = dict[str, Any]
_LONGEST = 8000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a Pipeline is not accepted, for its condition."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A Pipeline's claim to a place in a bucket."""

    key: Key
    uid: str
    created: str
    is_held: bool
    """It has been accepted there: a claim that came later does not take the place from it."""
    place: tuple[str, str, str]
    """Endpoint, bucket, prefix."""


def read(document: Json) -> Pipeline | Refusal:
    """Return the Pipeline in an object of the API server, or what the loader of files says about it."""
    metadata = {name: document["metadata"][name] for name in ("name", "namespace")}
    plain = {name: document.get(name) for name in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    try:
        return Pipeline.model_validate(plain)
    except ValidationError:
        return Refusal("SpecInvalid", _in_words(plain))


def _in_words(plain: Json) -> str:
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    try:
        loads(text)
    except SpecError as error:
        lines = [
            f"{problem.field}: {problem.message}"
            + (f"; accepted: {problem.accepted}" if problem.accepted else "")
            for problem in error.problems
        ]
        return "\n".join(lines)[:_LONGEST]
    return "the spec is not what this version of the operator knows; is its CustomResourceDefinition newer?"


def place(pipeline: Pipeline, settings: Settings) -> tuple[str, str, str]:
    """Return where a Pipeline's objects go: endpoint, bucket and prefix."""
    endpoint = pipeline.spec.storage.endpoint or settings.s3_endpoint
    return endpoint.rstrip("/"), pipeline.spec.uploader.bucket, pipeline.prefix


def check_place(mine: Claim, others: Iterable[Claim]) -> Refusal | None:
    """Return why this claim has to wait, None if the place is its own: held before claimed, then by age."""
    rivals = [other for other in others if other.place == mine.place and other.uid != mine.uid]
    first = min([mine, *rivals], key=_precedence)
    if first is mine:
        return None
    _, bucket, prefix = mine.place
    where = f"{bucket}/{prefix}" if prefix else bucket
    holder = "/".join(first.key)
    return Refusal(
        "PrefixClaimed",
        f"spec.uploader.prefix: {where} is claimed by {holder}; accepted: another bucket or prefix",
    )


def _precedence(claim: Claim) -> tuple[bool, str, Key]:
    return not claim.is_held, claim.created, claim.key
