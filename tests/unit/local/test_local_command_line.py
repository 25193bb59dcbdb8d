"""The command line is quick, loads only what is asked for, and says no with a code that scripts can use."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cygnet.cli.listen import check_subject
from cygnet.cli.main import build
from cygnet.model.errors import BadInputError

HEAVY = ("nats", "boto3", "obstore", "numpy", "pyarrow", "numba", "aiohttp", "prometheus_client", "kopf")


def cygnet(*words, cwd=None):
    command = [sys.executable, "-m", "cygnet", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60)


def test_help_loads_no_nats_no_s3_and_no_numpy():
    program = (
        "import sys\n"
        "from cygnet.cli.main import run\n"
        "try:\n    run(['--help'])\n"
        f"except SystemExit:\n    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"


def test_help_takes_less_than_0_3_seconds_of_processor():
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert cygnet("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.3


def test_version_is_said_as_a_command_and_as_an_option():
    said = [cygnet(word).stdout for word in ("version", "--version")]
    assert said[0] == said[1] != ""


def helps(command, name="cygnet"):
    yield name, f"{command.help}{command.epilog or ''}"
    for word, each in getattr(command, "commands", {}).items():
        yield from helps(each, f"{name} {word}")


def test_every_command_and_every_group_has_help_with_an_example():
    texts = dict(helps(typer.main.get_command(build(None))))
    assert {"cygnet dead replay", "cygnet scaling explain", "cygnet version"} <= texts.keys()
    assert [name for name, text in texts.items() if "xample" not in text] == []


def test_help_names_arguments_and_defaults_as_people_write_them():
    assert "[FILE]..." in cygnet("up", "--help").stdout
    assert "(NAME.yaml)" not in cygnet("init", "--help").stdout


def test_an_unknown_command_or_option_is_usage():
    assert cygnet("upp").returncode == 2
    assert cygnet("up", "--event", "3").returncode == 2
    assert cygnet("service", "gardener", "--spec", "x.yaml").returncode == 2


def test_up_without_a_file_lists_the_pipelines_here_and_the_examples(tmp_path):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "lime.yaml").write_text("# Replays seven frames.\nkind: Pipeline\n")
    (tmp_path / "mine.yml").write_text("apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\n")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    done = cygnet("up", cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(r"cygnet up examples/lime.yaml +# Replays seven frames.", done.stderr)
    assert re.search(r"cygnet up mine.yml$", done.stderr, re.MULTILINE)
    assert "compose.yaml" not in done.stderr
    (tmp_path / "empty").mkdir()
    assert re.search(r"cygnet init NAME FRAMES", cygnet("up", cwd=tmp_path / "empty").stderr)


def test_a_bad_file_names_file_line_field_and_accepted(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: bad}\n"
        "spec:\n  sources: [{name: lime, replay: {path: frames}}]\n  aggregator: {chunkSize: many}\n"
    )
    done = cygnet("up", file)
    assert done.returncode == 2
    assert f"{file}:6" in done.stderr
    assert "chunkSize" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("folder", "said"),
    [("none", "is not there"), ("empty", "has no frame"), ("lime.yaml", "Not a directory")],
)
def test_a_replay_without_frames_is_refused_before_anything_starts(folder, said, tmp_path):
    (tmp_path / "empty").mkdir()
    file = tmp_path / "lime.yaml"
    file.write_text(
        "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: lime}\n"
        f"spec:\n  sources:\n    - name: lime\n      replay: {{path: {folder}}}\n"
    )
    done = cygnet("up", file, "--data", tmp_path / "data")
    assert done.returncode == 2
    assert f"{file}:7: spec.sources[0].replay.path: " in done.stderr
    assert said in done.stderr
    assert "accepted: a folder with .png" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_limit_without_a_run_is_usage(tmp_path):
    assert cygnet("up", tmp_path / "x.yaml", "--no-run", "--events", "3").returncode == 2


def test_what_is_wrong_with_a_file_is_json_for_programs(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: bad}\nspec: {sorces: []}\n"
    )
    done = cygnet("up", file, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 2
    (problem,) = document["problems"]
    assert (problem["field"], problem["line"], problem["file"]) == ("spec.sorces", 4, str(file))
    assert document["error"] in done.stderr


def test_an_error_is_json_for_programs_whatever_the_command(tmp_path):
    done = cygnet("status", "--data", tmp_path, "--json")
    assert "no `cygnet up` runs in" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("words", [("version",), ("schema",)])
def test_json_is_an_option_of_every_command(words):
    assert isinstance(json.loads(cygnet(*words, "--json").stdout), dict)


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("", "without spaces"),
        ("daq data", "without spaces"),
        (".a", "single dots"),
        ("a.", "single dots"),
        ("a..b", "single dots"),
        ("daq/*", "the slash is a letter like any other"),
        ("daq.x>", "'>' stands for whole words"),
        ("a.>.b", "as the last word only"),
    ],
)
def test_a_subject_that_no_server_takes_is_refused_with_what_is_accepted(subject, said):
    with pytest.raises(BadInputError, match="accepted: ") as caught:
        check_subject(subject)
    assert said in str(caught.value)


@pytest.mark.parametrize("subject", ["daq/data", "daq.*", "daq.>", ">", "*", "a.*.b"])
def test_a_subject_that_a_server_takes_is_listened_to(subject):
    check_subject(subject)


def test_two_pipelines_of_one_name_are_refused(tmp_path):
    spec = (
        "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {{name: lime, namespace: {}}}\n"
        "spec: {{sources: [{{name: lime, replay: {{path: frames}}}}]}}\n"
    )
    file = tmp_path / "two.yaml"
    file.write_text(spec.format("a") + "---\n" + spec.format("b"))
    done = cygnet("up", file)
    assert done.returncode == 2
    assert "lime" in done.stderr


@pytest.mark.parametrize(
    "words",
    [("env",), ("status",), ("params", "get"), ("dead", "ls"), ("listen", "daq/data"), ("runs", "end")],
)
def test_without_a_running_up_the_command_says_so(words, tmp_path):
    done = cygnet(*words, "--data", tmp_path / "none")
    assert done.returncode == 1
    assert "no `cygnet up` runs in" in done.stderr
    assert done.stdout == ""


def test_an_unwritable_data_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "0.png").write_bytes(b"")
    spec = Path(tmp_path / "lime.yaml")
    spec.write_text(
        "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: lime}\n"
        "spec: {sources: [{name: lime, replay: {path: frames}}]}\n"
    )
    done = cygnet("up", spec, "--data", tmp_path / "file" / "below")
    assert done.returncode == 1
    assert "choose another" in done.stderr
    assert "Traceback" not in done.stderr
