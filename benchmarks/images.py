"""Write docs/reference/images.md: the size of each image and what its imports cost, measured in the image.

Needs the images of `make images TAG=test` and the docker or buildah that built them.
"""

import argparse
import json
import os
import shutil
import subprocess
from dataclasses import dataclass

IMPORTS = {
    "simulator": "cygnet.simulator.main",
    "preprocessor": "cygnet.preprocessor.main",
    "aggregator": "cygnet.aggregator.main",
    "uploader": "cygnet.uploader.main",
    "operator": "cygnet_operator.main",
}
SINGLE_PROGRAMS = ("nats", "s3")
ROUNDS = 5
PROGRAM = """
import time, sys
wall, cpu = time.perf_counter(), time.process_time()
import {module}
print(time.perf_counter() - wall, time.process_time() - cpu, len(sys.modules))
"""
HEAD = """# Images

Written by `python -m benchmarks.images`, which measures the images of `make images TAG=test`: do not edit.

| image | runs | size, MB | above its base, MB | import, s of CPU | modules |
|---|---|---|---|---|---|"""
FOOT = """
Size: all layers, not compressed; the base is {base}, of {base_mb:.0f} MB. Import: least of {rounds} starts of
Python that import the service, in its image (`docker run --rm --entrypoint python IMAGE -c 'import MODULE'`):
what a pod needs before it connects.
The images of one program hold nothing beside it.

Every image runs as user 65532 with a read-only root; only `/tmp` is to be writable. A list of what is in each
(CycloneDX) is written by `make images` to `dist/sbom/IMAGE.cdx.json`. Kernels are compiled at build for a
family of processors (on amd64: with AVX2) and read at the start; on others they are compiled at every start,
which takes some seconds.
"""


@dataclass(frozen=True, slots=True)
class Builder:
    """docker or buildah."""

    has_docker: bool

    def size(self, image: str) -> int:
        """Return bytes of all layers."""
        if self.has_docker:
            return int(output("docker", "image", "inspect", "--format", "{{.Size}}", image))
        images = json.loads(output("buildah", "images", "--json"))
        names = (image, f"localhost/{image}")
        found = next(each for each in images if set(each.get("names") or ()) & set(names))
        return round(_bytes(found["size"]))

    def python(self, image: str, program: str) -> list[str]:
        """Return what a program prints in each of some starts."""
        if self.has_docker:
            command = ("docker", "run", "--rm", "--read-only", "--entrypoint", "python", image, "-c", program)
            return [output(*command) for _ in range(ROUNDS)]
        container = output("buildah", "from", "--pull-never", image)
        try:
            return [output("buildah", "run", container, "--", "python", "-c", program) for _ in range(ROUNDS)]
        finally:
            output("buildah", "rm", container)


def output(*command: str) -> str:
    """Return what a command printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _bytes(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="test")
    parser.add_argument("--base", default=os.environ.get("BASE_IMAGE", "python:3.11-slim"))
    arguments = parser.parse_args()
    docker = shutil.which("docker") and not subprocess.run(["docker", "info"], capture_output=True).returncode
    builder = Builder(bool(docker))
    base = builder.size(arguments.base)
    print(HEAD)
    for target, module in IMPORTS.items():
        image = f"cygnet/{target}:{arguments.tag}"
        rounds = [line.split() for line in builder.python(image, PROGRAM.format(module=module))]
        cpu = min(float(each[1]) for each in rounds)
        size, modules = builder.size(image), int(rounds[0][2])
        own = (size - base) / 1e6
        print(f"| `{target}` | `{module}` | {size / 1e6:.0f} | {own:.0f} | {cpu:.2f} | {modules} |")
    for target in SINGLE_PROGRAMS:
        size = builder.size(f"cygnet/{target}:{arguments.tag}") / 1e6
        print(f"| `{target}` | one program | {size:.0f} | {size:.0f} | | |")
    print(FOOT.format(rounds=ROUNDS, base=arguments.base, base_mb=base / 1e6), end="")


if __name__ == "__main__":
    main()
