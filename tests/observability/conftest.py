"""A running pipeline, a process that exports what the operator does, a real Prometheus that scrapes both."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dashboards.ask import Prometheus
from PIL import Image

from fixtures.nats_server import free_port
from fixtures.running_up import RunningUp

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/prometheus/prometheus.yml"
START_SECONDS = 120.0
SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: lime}}
spec:
  sources:
    - name: cam
      replay: {{path: {frames}, rateHz: 30}}
  preprocessor:
    stages:
      - delay: {{seconds: 0.1}}
      - window: {{min: 80, max: 120}}
    scaling: {{maxReplicas: 3, targetLagSeconds: 10}}
  aggregator: {{chunkSize: 20, maxAgeSeconds: 2}}
  uploader: {{bucket: lime}}
  local:
    nats: {{listen: "127.0.0.1:0"}}
    s3: {{listen: "127.0.0.1:0"}}
"""


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)  # somebody else's process: there is nothing to wait on
    raise AssertionError(f"not within {seconds:g} s: {what}")


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a `cygnet up`. Its workers are slow, so that it scales; one frame is broken."""
    folder = tmp_path_factory.mktemp("up")
    frames = folder / "frames"
    frames.mkdir()
    random = np.random.default_rng(1)
    for number in range(40):
        image = random.integers(60, 140, (64, 64), np.uint8)
        Image.fromarray(image).save(frames / f"frame-{number:02}.png")
    broken = frames / "frame-39.png"
    broken.write_bytes(broken.read_bytes()[:200])
    spec = folder / "lime.yaml"
    spec.write_text(SPEC.format(frames=frames))
    running = RunningUp((spec,), folder / "data")
    running.start()
    try:
        yield folder / "data"
    finally:
        running.close()


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a process that exports the operator's registry."""
    file = tmp_path_factory.mktemp("operator") / "address"
    command = [sys.executable, "-m", "observability.exporting", str(file)]
    with subprocess.Popen(command, cwd=ROOT / "tests") as process:
        try:
            until(file.exists, START_SECONDS, "the operator's metrics")
            yield file.read_text()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def prometheus(up: Path, operator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Debian's Prometheus with the configuration of the how-to, looking more often and at both."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = yaml.safe_load(EXAMPLE.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ROOT / "charts/cygnet/files/alerts.yaml")]
    config["scrape_configs"][0]["file_sd_configs"][0]["files"] = [str(up / "prometheus.json")]
    of_operator = {"targets": [operator], "labels": {"component": "operator", "pod": "cygnet-operator-0"}}
    config["scrape_configs"].append(
        {"job_name": "operator", "honor_labels": True, "static_configs": [of_operator]}
    )
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log) as process,
    ):
        server = Prometheus(f"http://{address}")
        try:
            until(lambda: is_ready(server), START_SECONDS, (folder / "log").read_text())
            yield server
        finally:
            process.terminate()


def is_ready(server: Prometheus) -> bool:
    with contextlib.suppress(OSError, json.JSONDecodeError):
        return bool(server.get("targets")["activeTargets"])
    return False
