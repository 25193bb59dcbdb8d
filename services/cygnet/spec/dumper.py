"""Writes Pipelines as YAML that `loader` reads back unchanged: the resolved spec that services start from."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from cygnet.spec.pipeline import Pipeline
from cygnet.spec.scalars import AmbiguousError, read

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+\Z")
_ENDLESS = 1 << 30


def dumps(pipelines: Iterable[Pipeline]) -> str:
    """Return YAML with every field, defaults included; fields that are absent stay absent."""
    documents = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in pipelines]
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, explicit_start=True
    )


def scalar(text: str) -> str:
    """Return one text as YAML for any place, in quotes where it needs them."""
    if _PLAIN.match(text) and _is_text(text):
        return text
    dumped: str = yaml.dump(text, Dumper=_Dumper, default_style='"', allow_unicode=True, width=_ENDLESS)
    return dumped.rstrip("\n")


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what the loader would not read as text, and never writes aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _is_text(text) else '"')


def _is_text(text: str) -> bool:
    try:
        return read(text) == text
    except AmbiguousError:
        return False


_Dumper.add_representer(str, _text)
