"""`cygnet scaling simulate` as a user meets it: table, drawing, JSON, figure, and what it refuses."""

import io
import json
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cygnet.cli import scaling_terminal
from cygnet.cli.scaling import app
from cygnet.scaling.simulator import POLICIES, simulate
from cygnet.scaling.traces import TRACES


def run(*arguments):
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["simulate", *arguments])


def test_table_shows_ours_beside_the_rivals():
    result = run("--trace", "constant")
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if line.startswith("│")]
    assert [row.split("│")[2].strip() for row in rows] == ["Cygnet", "Numaflow", "KEDA + HPA, lag 240"]


def test_json_has_the_figures_and_every_change():
    result = run("--trace", "step", "--policy", "cygnet", "--json")
    document = json.loads(result.stdout)
    (ours,) = document["results"]
    assert ours["changes"] == len(ours["steps"])
    assert ours["steps"][0]["from"] == 1
    assert (document["pod_hz"], document["pod_start_seconds"], document["max_pods"]) == (12, 20, 30)


def test_drawing_fits_a_hundred_columns_and_shows_units():
    console = Console(width=100, record=True, file=io.StringIO())
    scaling_terminal.draw(console, [simulate(TRACES["beam"](), POLICIES[name]()) for name in POLICIES])
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("load, frames/s")
    assert any(line.rstrip().endswith("60 min") for line in lines)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot_writes_a_figure(tmp_path, suffix):
    figure = tmp_path / f"scaling.{suffix}"
    result = run("--trace", "constant", "--policy", "cygnet", "--plot", str(figure))
    assert result.exit_code == 0
    assert figure.stat().st_size > 1000


def test_plot_without_matplotlib_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("--trace", "constant", "--policy", "cygnet", "--plot", str(tmp_path / "scaling.png"))
    assert result.exit_code == 2
    assert result.stderr == "--plot needs matplotlib: pip install 'cygnet[analysis]'\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [("scaling.bmp", "accepted: .png, .svg, .pdf"), ("no/such/folder/a.png", "No such file or directory")],
)
def test_plot_into_a_file_that_cannot_be_is_refused(tmp_path, name, said):
    result = run("--trace", "constant", "--policy", "cygnet", "--plot", str(tmp_path / name))
    assert result.exit_code == 2
    assert said in result.stderr


def test_unknown_trace_names_the_accepted_ones():
    result = run("--trace", "sinus")
    assert result.exit_code == 2
    assert "noisy" in result.stderr
