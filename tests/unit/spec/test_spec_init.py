"""`cygnet init` and `cygnet schema` as somebody types them."""

import json
import re
import shutil
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from cygnet.cli.frame_folder import KINDS
from cygnet.cli.init import init
from cygnet.cli.schema import schema
from cygnet.local.command_line import as_typed
from cygnet.simulator.replay import CONTENT_TYPES
from cygnet.spec.loader import load
from cygnet.spec.schema import json_schema

app = typer.Typer()
app.command()(init)
app.command()(schema)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "frames").mkdir()
    for name, begins in (
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("b.PNG", b"\x89PNG\r\n\x1a\n"),
        ("c.jpg", b"\xff\xd8\xff\xe0"),
        ("d.tiff", b"II*\x00"),
        ("e.npy", b"\x93NUMPY\x01\x00"),
        ("notes.txt", b"shift"),
    ):
        (tmp_path / "frames" / name).write_bytes(begins)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_folder_of_frames_is_counted_and_a_valid_spec_written(here: Path) -> None:
    result = run("init", "lime", "frames")
    assert result.exit_code == 0
    assert "Wrote lime.yaml: replays 5 frames (2 PNG, 1 JPEG, 1 TIFF, 1 npy) from frames." in result.stdout
    assert "cygnet up lime.yaml" in result.stdout
    [pipeline] = load("lime.yaml")
    replay = pipeline.spec.sources[0].replay
    assert replay is not None
    assert replay.path == "frames"


def test_folder_is_written_as_seen_from_the_file(here: Path) -> None:
    (here / "pipelines").mkdir()
    assert run("init", "lime", str(here / "frames"), "-o", "pipelines/lime.yaml").exit_code == 0
    replay = load("pipelines/lime.yaml")[0].spec.sources[0].replay
    assert replay is not None
    assert replay.path == "../frames"


def test_folder_with_a_name_that_yaml_would_misread_is_replayed(here: Path) -> None:
    for name in ("no", "0899", "a: b #1", "тест", "q'\"\\"):
        (here / "frames").rename(here / "moved")
        (here / "moved").rename(here / name)
        assert run("init", "lime", name, "--force").exit_code == 0
        replay = load("lime.yaml")[0].spec.sources[0].replay
        assert replay is not None
        assert replay.path == name
        (here / name).rename(here / "frames")


def test_files_that_are_no_frames_are_listed_and_leave_the_others_their_spec(here: Path) -> None:
    (here / "frames" / "bad.png").write_text("text")
    (here / "frames" / ".hidden.png").write_text("what an editor left")
    result = run("init", "lime", "frames")
    assert result.exit_code == 0
    assert "replays 5 frames (2 PNG, 1 JPEG, 1 TIFF, 1 npy)" in result.stdout
    assert "to become dead letters: 1 file\n  bad.png is not a PNG file" in result.stdout
    assert ".hidden" not in result.stdout
    assert load("lime.yaml")


def test_what_is_suggested_next_can_be_typed_as_it_is_printed(here: Path) -> None:
    told = run("init", "lime", "frames").stdout
    [command] = re.findall(r"^  (\S+) up lime.yaml", told, re.MULTILINE)
    assert shutil.which(command)


def test_announcer_is_listened_to(here: Path) -> None:
    result = run("init", "lime", "--announcements", "daq/data/me")
    assert "listens to daq/data/me." in result.stdout
    announcements = load("lime.yaml")[0].spec.sources[0].announcements
    assert announcements is not None
    assert announcements.subjects == ["daq/data/me"]


def test_detector_is_simulated(here: Path) -> None:
    result = run("init", "lime", "--simulator")
    assert "Wrote lime.yaml: simulates a CYGNO detector." in result.stdout
    simulator = load("lime.yaml")[0].spec.sources[0].simulator
    assert simulator is not None
    assert (simulator.model, simulator.preset) == ("cygno", "sosc")


def test_existing_file_is_overwritten_only_by_force(here: Path) -> None:
    (here / "lime.yaml").write_text("mine")
    result = run("init", "lime", "frames")
    assert result.exit_code == 2
    assert "lime.yaml is there already; --force overwrites it" in result.stderr
    assert (here / "lime.yaml").read_text() == "mine"
    assert run("init", "lime", "frames", "--force").exit_code == 0
    assert load("lime.yaml")


def test_json_tells_what_was_written(here: Path) -> None:
    assert json.loads(run("init", "lime", "frames", "-o", "my lime.yaml", "--json").stdout) == {
        "file": "my lime.yaml",
        "name": "lime",
        "frames": {"PNG": 2, "JPEG": 1, "TIFF": 1, "npy": 1},
        "bad": {},
        "subject": None,
        "next": [f"{as_typed('cygnet')} up 'my lime.yaml'", f"{as_typed('cygnet')} chunks ls"],
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Lime!", "frames"], "NAME: 'Lime!' does not fit; accepted: 1 to 40 of a-z 0-9 -"),
        (["a/b", "frames"], "NAME: 'a/b' does not fit"),
        (["lime", "nowhere"], "FRAMES: nowhere is not there; accepted: a folder with PNG, JPEG, TIFF or npy"),
        (
            ["lime", "frames/a.png"],
            "FRAMES: frames/a.png is a file; accepted: the folder that the frames are in",
        ),
        (["lime", "empty"], "FRAMES: empty has no frames: there is no file in it"),
        (["lime", "texts"], "FRAMES: texts has no frames: files in it: 1, none of them an image"),
        (["lime", "wrong"], "FRAMES: wrong has no frames: x.png is not a PNG file, though its name says so"),
        (["lime"], "give a folder of frames to replay, --announcements SUBJECT to listen to, or --simulator"),
        (
            ["lime", "frames", "--announcements", "s"],
            "one of a folder of frames, --announcements SUBJECT and --simulator, not several",
        ),
        (
            ["lime", "frames", "--simulator"],
            "one of a folder of frames, --announcements SUBJECT and --simulator, not several",
        ),
        (
            ["lime", "--announcements", "daq >"],
            "--announcements: 'daq >' does not fit; accepted: names with .",
        ),
        (
            ["lime", "frames", "-o", "no/where.yaml"],
            "no/where.yaml cannot be written: No such file or directory",
        ),
    ],
)
def test_bad_usage_says_what_is_accepted_and_writes_nothing(here: Path, words: list[str], said: str) -> None:
    for folder, file in (("empty", None), ("texts", "a.txt"), ("wrong", "x.png")):
        (here / folder).mkdir()
        if file:
            (here / folder / file).write_text("text")
    result = run("init", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(here.glob("*.yaml")) == []


def test_init_counts_exactly_the_files_that_the_replay_reads() -> None:
    assert KINDS.keys() == CONTENT_TYPES.keys()


def test_schema_is_printed_as_json() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()
