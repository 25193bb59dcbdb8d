"""The seven real frames, thirty times: identity is never content, and the pixels are the detector's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cygnet
from compat.notebook import arrays_of, crop_center
from fixtures.running_up import EXAMPLES, RunningUp, running_up
from fixtures.running_up import cygnet as command

EVENTS = 210
FRAMES = sorted((EXAMPLES / "data" / "cygno").glob("*.png"))


@dataclass(frozen=True, slots=True)
class Ended:
    """An up that ended by itself, and what it left."""

    up: RunningUp
    exit_code: int
    crops: np.ndarray


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    with running_up(EXAMPLES / "cygno-frames.yaml", data=tmp_path_factory.mktemp("frames") / "data") as up:
        code = up.wait()
        crops = np.stack([crop_center(np.asarray(Image.open(path))) for path in FRAMES])
        yield Ended(up, code, crops)


def test_repeated_content_is_stored_as_often_as_it_was_announced(ended):
    assert ended.exit_code == 0, ended.up.complaints
    (run,) = ended.up.outcome["runs"].values()
    (line,) = run["ledger"]
    assert line["equation"] == "announced 210 = stored 210 + consumed 0 + dead 0 + in flight 0"
    assert run["closes"]
    assert ended.up.outcome["closes"]


def test_every_event_opens_afterwards_with_the_pixels_of_its_frame(ended):
    events = cygnet.open(ended.up.data)
    assert events.events.tolist() == list(range(EVENTS))
    assert (np.diff(events.times) >= np.timedelta64(0)).all()
    for event in events:
        assert np.array_equal(event.image, ended.crops[event.event % len(FRAMES)]), event
        assert event.attrs["file"] == FRAMES[event.event % len(FRAMES)].name
        assert not event.image.flags.writeable
    assert np.array_equal(events.images(), ended.crops[np.arange(EVENTS) % len(FRAMES)])
    assert events.at(209).event == 209


def test_numpy_alone_reads_every_pixel_in_the_order_of_the_names(ended):
    chunks = [arrays_of(path) for path in chunk_files(ended.up.data)]
    assert [len(chunk["image"]) for chunk in chunks] == [50, 50, 50, 50, 10]
    numbers = np.concatenate([chunk["event"] for chunk in chunks])
    images = np.concatenate([chunk["image"] for chunk in chunks])
    times = np.concatenate([chunk["tstamp"] for chunk in chunks])
    assert numbers.tolist() == list(range(EVENTS))
    assert (images.dtype, images.shape) == (np.uint8, (EVENTS, 128, 128))
    assert np.array_equal(images, ended.crops[numbers % len(FRAMES)])
    assert (np.diff(times) >= np.timedelta64(0)).all()


def test_up_without_a_terminal_says_where_it_listens_and_who_has_the_usual_ports(ended):
    servers = json.loads((ended.up.data / "up.json").read_text())["servers"]
    said = ended.up.complaints.splitlines()
    assert f"NATS: nats://{servers['nats']}" in said
    assert any(line.startswith(f"bucket: http://{servers['s3']} ") for line in said)
    for server, usual in (("nats", "127.0.0.1:4222"), ("s3", "127.0.0.1:9000")):
        moved = f"{server} listens on {servers[server]}: {usual} is taken by another program"
        assert (moved in said) == (servers[server] != usual)


def test_env_of_an_up_that_has_ended_says_so_and_exports_nothing(ended):
    answer = command("env", "--data", ended.up.data)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "no `cygnet up` runs in" in answer.stderr


def test_env_where_nothing_ever_ran_says_so_and_exports_nothing(tmp_path):
    answer = command("env", "--data", tmp_path / "nothing")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "no `cygnet up` runs in" in answer.stderr
    assert not (tmp_path / "nothing").exists()


def chunk_files(data: Path) -> list[Path]:
    return sorted((data / "s3" / "cygno" / "frames").glob("*/cygno/*.npz"))
