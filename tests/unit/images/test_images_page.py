"""The page of the images has a row for each target of the Dockerfile, with what was measured."""

import re
from pathlib import Path

from benchmarks.images import IMPORTS, SINGLE_PROGRAMS

ROOT = Path(__file__).parents[3]
STAGES = {"builder", "kernels", "code", "runtime", "bom", "sbom"}
"""What images are made of, and the list of what is in them."""


def test_each_target_is_on_the_page_with_its_size_and_what_its_import_costs() -> None:
    dockerfile = (ROOT / "services/Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE)
    targets = {name for name in stages if not name.endswith("-packages")} - STAGES
    page = (ROOT / "docs/reference/images.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page if line.startswith("| `")]
    rows = {name.strip("`"): rest for name, *rest in cells}
    assert set(rows) == targets == {*IMPORTS, *SINGLE_PROGRAMS}
    for target, (_, size, _, _, _) in rows.items():
        assert int(size) > 0, target
    for target, module in IMPORTS.items():
        runs, _, _, cpu_seconds, modules = rows[target]
        assert runs == f"`{module}`"
        assert float(cpu_seconds) > 0
        assert int(modules) > 0
