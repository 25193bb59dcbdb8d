"""The example of the modulation says what it does, in a file that a pipeline can be made of."""

import subprocess
import sys
from pathlib import Path

from cygnet.spec.loader import load

EXAMPLE = Path(__file__).parents[3] / "examples" / "modulation"


def test_pipeline_of_the_example_is_five_periods_of_counts():
    [pipeline] = load(EXAMPLE / "pipeline.yaml")
    [source] = pipeline.spec.sources
    simulated = source.simulator
    assert simulated.events_per_run == 5 * simulated.modulation.period_seconds * simulated.rate_hz
    assert simulated.modulation.amplitude == simulated.nuclear_share
    assert [stage.kind for stage in pipeline.spec.preprocessor.stages] == ["crop"]


def test_the_example_says_how_it_is_used():
    done = subprocess.run(
        [sys.executable, EXAMPLE / "run.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert "--seeds" in done.stdout
    assert "three sigma" in done.stdout
