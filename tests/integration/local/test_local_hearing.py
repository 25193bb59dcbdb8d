"""One pipeline announces, another of the same `up` listens: Ctrl-C ends both after the same event."""

import numpy as np

import cygnet as package
from fixtures.running_up import EXAMPLES, running_up


def test_ctrl_c_leaves_no_announced_event_unheard(tmp_path):
    text = (EXAMPLES / "sosc-2024.yaml").read_text()
    spec = tmp_path / "school.yaml"
    spec.write_text(text.replace("rateHz: 20", "rateHz: 80"))
    with running_up(spec, data=tmp_path / "data") as up:
        up.until(lambda: up.counts("preprocessed").get("stored", 0) >= 40, "both store")
        assert up.interrupt() == 0, up.complaints
        last = {
            name: package.open(tmp_path / "data", run["run"])[-1].time
            for name, run in up.outcome["runs"].items()
        }
        assert abs(last["raw"] - last["preprocessed"]) < np.timedelta64(1, "us")  # as announced: rounded
