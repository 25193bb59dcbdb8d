"""The injector among the examples works as its first lines say, and what it says beside is kept."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import cygnet
from fixtures.running_up import EXAMPLES, clean_environment, cygnet_binary, running_up

FRAMES = sorted((EXAMPLES / "data" / "cygno").glob("*.png"))


def test_frames_of_the_example_injector_are_stored_by_both_pipelines(tmp_path):
    with running_up(EXAMPLES / "injector.yaml", data=tmp_path / "data") as up:
        for name in ("raw", "preprocessed"):
            up.until(lambda name=name: up.view(name).get("state") == "running", f"{name} listens")
        inject(up.data)
        for name in ("raw", "preprocessed"):
            up.until(lambda name=name: up.counts(name)["announced"] == len(FRAMES), f"{name} has heard all")
        assert up.interrupt() == 0, up.complaints
        runs = up.outcome["runs"]
        for name in ("raw", "preprocessed"):
            (line,) = runs[name]["ledger"]
            assert line["equation"] == "announced 7 = stored 7 + consumed 0 + dead 0 + in flight 0"
        events = cygnet.open(up.data, runs["raw"]["run"])
        for event, file in zip(events, FRAMES, strict=True):
            assert np.array_equal(event.image, np.asarray(Image.open(file)))
            assert event.attrs == {"filename": file.name, "temperature": 21.5}


def inject(data: Path) -> None:
    """Type what the first lines of the example say."""
    exports = f'eval "$({shlex.quote(cygnet_binary())} env -p raw --data {shlex.quote(str(data))})"'
    script = shlex.join([sys.executable, str(EXAMPLES / "injector.py")])
    done = subprocess.run(
        ["sh", "-c", f"{exports} && exec {script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
