"""The index of the decisions names each record, as the record names itself."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs/explanations/decisions"
LINE = re.compile(r"^(\d+)\. \[(.+)\]\((.+\.md)\): (.+)$", re.MULTILINE)


def test_every_record_is_in_the_index_once_in_order_and_under_its_own_title() -> None:
    indexed = LINE.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    records = []
    for file in sorted(FOLDER.glob("[0-9]*.md")):
        first, _, _ = file.read_text(encoding="utf-8").partition("\n")
        assert first.startswith(f"# {int(file.name[:4])}. "), file.name
        number, _, title = first.removeprefix("# ").partition(". ")
        records.append((number, title, file.name))
    assert [entry[:3] for entry in indexed] == records
