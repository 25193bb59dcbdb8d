"""A command that is suggested works as it is printed: from this shell, on the same folder and pipeline."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cygnet.cli import chunks, params, runs
from cygnet.cli.analyse_options import load_classifier
from cygnet.local import command_line, header, up
from cygnet.local.command_line import command
from cygnet.local.data_folder import DEFAULT_FOLDER
from cygnet.local.errors import LocalError
from cygnet.local.exporter import TARGETS
from cygnet.model.errors import NoSuchError

DATA = Path("other data")
LIME = "--data 'other data' --pipeline lime"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """Let the path lead to no cygnet, so that its name alone would not be found."""
    monkeypatch.setattr(command_line, "as_typed", lambda program: f".venv/bin/{program}")
    monkeypatch.setattr("cygnet.cli.analyse_options.as_typed", lambda program: f".venv/bin/{program}")


class Values(dict):
    """The values of a pipeline, without NATS."""

    async def get(self, key):
        return super().get(key)


@pytest.fixture
def link():
    state = SimpleNamespace(data={"state": "running"})
    return SimpleNamespace(name="lime", values=Values({"run.on": state}), place=SimpleNamespace(prefix="p"))


def test_a_command_names_folder_and_pipeline_only_where_they_are_needed():
    assert command("runs ls", DEFAULT_FOLDER) == ".venv/bin/cygnet runs ls"
    assert command("runs ls", DATA, "lime") == f".venv/bin/cygnet runs ls {LIME}"


def test_who_ends_a_run_is_told_how_to_watch_it(monkeypatch):
    monkeypatch.setattr(runs, "with_link", lambda data, pipeline, action: "r1")
    done = CliRunner().invoke(runs.app, ["end", "--data", str(DATA), "--pipeline", "lime"])
    assert f"watch it with: .venv/bin/cygnet ledger r1 {LIME}" in done.output


def test_a_run_that_is_not_there_comes_with_how_to_list_those_that_are(link):
    with pytest.raises(NoSuchError, match=f"`.venv/bin/cygnet runs ls {LIME}` lists them"):
        asyncio.run(runs._end(link, "nope", DATA))


def test_a_run_that_is_on_comes_with_how_to_end_it(link, monkeypatch):
    monkeypatch.setattr(runs, "bucket_of", lambda place, data: SimpleNamespace(reader=None))
    with pytest.raises(LocalError, match=f"`.venv/bin/cygnet runs end on {LIME}`"):
        asyncio.run(runs._check_removable(link, "on", DATA))


def test_a_chunk_that_is_not_there_comes_with_how_to_list_those_that_are(monkeypatch):
    monkeypatch.setattr(chunks, "stored_run", lambda *_: SimpleNamespace(run="r1"))
    monkeypatch.setattr(chunks, "chunks_of", lambda place: [])
    with pytest.raises(NoSuchError, match=f"`.venv/bin/cygnet chunks ls r1 {LIME}` lists them"):
        chunks.get("none.npz", pipeline="lime", data=DATA)


def test_a_suggested_window_is_set_where_it_was_asked_for(monkeypatch):
    found = SimpleNamespace(frames=1, pixels=1, dtype="uint16", least=0, most=9, min=2, max=8)
    monkeypatch.setattr("cygnet.cli.window_suggestion.suggest", lambda folder: found)
    words = ["suggest-window", "frames", "--data", str(DATA), "--pipeline", "lime"]
    done = CliRunner().invoke(params.app, words)
    assert f".venv/bin/cygnet params set min=2 max=8 {LIME}" in done.output


def test_a_window_that_is_kept_comes_with_how_to_undo_it():
    said = up._kept(3, {"min": 1, "max": 2}, {"min": 80.0, "max": 120.0}, DATA, "lime")
    assert said.endswith(f".venv/bin/cygnet params set min=80 max=120 {LIME}")


def test_metrics_name_the_file_that_leads_to_those_of_every_service():
    name, said = header.metrics("127.0.0.1:9090", DATA)
    assert name == "metrics"
    assert said.startswith("http://127.0.0.1:9090/metrics ")
    assert said.endswith(f"of every service: {DATA / TARGETS}")


def test_a_missing_classifier_comes_with_what_makes_one(tmp_path):
    with pytest.raises(NoSuchError, match=r"`\.venv/bin/cygnet analyse train --out .*/none\.json` makes one"):
        load_classifier(tmp_path / "none.json")
