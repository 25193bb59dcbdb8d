"""What tests on a cluster have measured: in the terminal after all of them, and as a page."""

import os
import platform
import re
from collections.abc import Callable
from pathlib import Path

_INTRODUCTION = """\
# Measured on a cluster

What `make test-cluster-full` has printed: each figure by the test that measured it last. Times are those of
{machine}; only ratios and counts can be compared with another
machine's. What could not be shown there is listed in [Not shown here](not-shown.md).
"""
_SECTION = re.compile(r"^## `([^`]+)`\n\n```text\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


Measured = Callable[[str], None]
"""The fixture `measured`: takes lines that are to be read."""


class Report:
    """Figures by test, in the order in which they came."""

    def __init__(self) -> None:
        self.of_test: dict[str, list[str]] = {}

    def add(self, test: str, text: str) -> None:
        """Keep a line, or several, that a test wants to be read."""
        self.of_test.setdefault(test, []).extend(text.rstrip().splitlines())

    def lines(self) -> list[str]:
        """Return all of it, each test's under its name."""
        return [
            line
            for test, told in self.of_test.items()
            for line in ("", test, *(f"  {each}" for each in told))
        ]

    def write(self, page: Path) -> None:
        """Write the page; of tests that did not run, what it has told already stays."""
        before = _SECTION.findall(page.read_text(encoding="utf-8")) if page.exists() else []
        told = dict(before) | {test: "\n".join(lines) for test, lines in self.of_test.items()}
        parts = [f"## `{test}`\n\n```text\n{told[test]}\n```\n" for test in sorted(told)]
        page.write_text("\n".join([_INTRODUCTION.format(machine=_machine()), *parts]), encoding="utf-8")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores and {memory:.0f} GiB ({platform.machine()}, Linux {platform.release().split('-')[0]})"
    )
