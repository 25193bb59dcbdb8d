"""Write what each image holds, as CycloneDX documents: its Python packages, and Debian's if it has any.

It runs while the images are built (`services/Dockerfile`), on copies of their environments, and on the base
image that they stand on.
"""

import argparse
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_DPKG_STATUS = Path("/var/lib/dpkg/status")
_WITHOUT_BASE = ("nats", "s3")
"""Images that are one program and nothing else."""


def main() -> None:
    """Write `OUT/IMAGE.cdx.json` for each environment `VENVS/IMAGE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    base = list(debian_packages(_DPKG_STATUS))
    for venv in sorted(arguments.venvs.iterdir()):
        inside = list(python_packages(venv)) + ([] if venv.name in _WITHOUT_BASE else base)
        text = document(venv.name, arguments.version, inside)
        (arguments.out / f"{venv.name}.cdx.json").write_text(text + "\n")


def document(image: str, version: str, inside: Iterable[Component]) -> str:
    """Return the CycloneDX JSON of one image."""
    subject = Component(name=f"cygnet/{image}", version=version, type=ComponentType.CONTAINER, bom_ref=image)
    bom = Bom(components=inside)
    bom.metadata.component = subject
    bom.register_dependency(subject, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def python_packages(venv: Path) -> Iterator[Component]:
    """Yield the distributions that are installed in an environment."""
    for places in venv.glob("lib/python3*/site-packages"):
        found: Iterable[Distribution] = distributions(path=[str(places)])
        for each in found:
            yield _component(
                PackageURL("pypi", name=each.name.lower().replace("_", "-"), version=each.version)
            )


def debian_packages(status: Path) -> Iterator[Component]:
    """Yield the packages that dpkg has installed; none where there is no dpkg."""
    if not status.exists():
        return
    for paragraph in status.read_text(errors="replace").split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " "
        )
        if fields.get("Status", "").endswith(" installed"):
            yield _component(PackageURL("deb", "debian", fields["Package"], fields["Version"]))


def _component(url: PackageURL) -> Component:
    return Component(
        name=url.name, version=url.version, purl=url, bom_ref=url.to_string(), type=ComponentType.LIBRARY
    )


if __name__ == "__main__":
    main()
