"""Writes the page of what no test here can show from not_shown.yaml, if that is true of the tests there are.

python -m tests.cluster.not_shown > docs/reference/not-shown.md
"""

import ast
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_suffix(".yaml")
RIG = ROOT / "tests/cluster/rig"
_WIDTH = 110
_HEAD = """\
<!-- Generated from tests/cluster/not_shown.yaml by `make docs`. Do not edit. -->

# Not shown here
"""
_INTRODUCTION = """\
The tests of this repository run on one machine. Those on a cluster have
[the rig](../../tests/cluster/rig/README.md), a real Kubernetes {kubernetes} whose two nodes are processes of
that machine. It cannot show everything: this page says what it cannot and why, what is shown instead, and the
tests that show it.
"""


class UnfoundedError(Exception):
    """The list says what is not so, or is so no longer."""


def limits() -> list[dict[str, Any]]:
    """Return what is not shown, as the list has it."""
    found: list[dict[str, Any]] = yaml.safe_load(
        LIST.read_text(encoding="utf-8").replace("{kubernetes}", kubernetes_version())
    )
    return found


def page() -> str:
    """Return the page. Raises UnfoundedError as `check` does."""
    sections = []
    for limit in limits():
        check(limit)
        texts = (limit["why"], f"**Instead:** {limit['instead']}")
        tests = "\n".join(f"- `{test}`" for test in limit["tests"])
        sections.append("\n\n".join([f"## {limit['what']}", *(_filled(text) for text in texts), tests]))
    introduction = _filled(_INTRODUCTION.format(kubernetes=kubernetes_version()))
    return "\n".join([_HEAD, introduction + "\n", "\n\n".join(sections), ""])


def check(limit: dict[str, Any]) -> None:
    """Raise UnfoundedError for a test that there is not, and for a cause that is gone."""
    file, words = limit["fact"]["file"], limit["fact"]["words"]
    if words not in (ROOT / file).read_text(encoding="utf-8"):
        raise UnfoundedError(f"{limit['what']}: {file} says {words!r} no longer; is it shown now?")
    for test in limit["tests"]:
        path, _, function = test.partition("::")
        if not (ROOT / path).is_file():
            raise UnfoundedError(f"{limit['what']}: there is no {path}")
        if function and function not in _functions(ROOT / path):
            raise UnfoundedError(f"{limit['what']}: there is no {function} in {path}")


def kubernetes_version() -> str:
    """Return the version that the rig builds, without its patch."""
    found = re.search(r"k8s\.io/kubernetes v(\d+\.\d+)\.", (RIG / "go.mod").read_text(encoding="utf-8"))
    if not found:
        raise UnfoundedError("the rig's go.mod names no version of k8s.io/kubernetes")
    return found[1]


def _functions(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(page())
