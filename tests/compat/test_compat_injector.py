"""The school's injector feeds two pipelines of one up: raw and preprocessed frames in two buckets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cygnet
from compat.injector import Injected, Injector
from compat.notebook import (
    arrays_of,
    crop_center,
    load_in_memory,
    nats_client,
    object_names,
    s3_client,
    shell,
    windowing,
)
from fixtures.running_up import EXAMPLES, RunningUp, running_up
from fixtures.running_up import cygnet as command

PIPELINES = ("raw", "preprocessed")
PREPROCESSED = "cygno-preprocessed"
FOLDER = "cygno-store/"
WITH_A_CLOCK = 50  # a chunk
CLOCK_STOPPED = 110  # two chunks and a part of one, all of one time
EVENTS = WITH_A_CLOCK + CLOCK_STOPPED
SOMEBODY_ELSES = b"not ours"


@dataclass(frozen=True, slots=True)
class Fed:
    """What was injected, and what both pipelines made of it."""

    frames: list[Injected]
    stopped_at: datetime
    names: list[str]
    """In the folder of preprocessed chunks, sorted, while the up still ran."""
    chunks: list[dict[str, np.ndarray]]
    taken_name: str
    data: Path
    ends: Mapping[str, Any]
    exit_code: int

    @property
    def times(self) -> np.ndarray:
        """UTC of each frame, datetime64[us] (N,)."""
        zone_free = [frame.time.astimezone(UTC).replace(tzinfo=None) for frame in self.frames]
        return np.array(zone_free, "M8[us]")


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    folder = tmp_path_factory.mktemp("injected")
    with running_up(EXAMPLES / "injector.yaml", data=folder / "data") as up:
        with shell(up.exports("preprocessed"), folder), s3_client() as s3, nats_client() as nats:
            for name in PIPELINES:
                up.until(lambda name=name: up.view(name).get("state") == "running", f"{name} listens")
            frames, stopped_at, taken_name = inject(nats, s3)
            for name in PIPELINES:
                up.until(lambda name=name: up.counts(name)["announced"] == EVENTS, f"{name} has heard all")
            end_run(up, "preprocessed")
            names = [each for each in object_names(s3, PREPROCESSED, FOLDER) if each != taken_name]
            assert s3.get_object(Bucket=PREPROCESSED, Key=taken_name)["Body"].read() == SOMEBODY_ELSES
            chunks = [load_in_memory(s3, PREPROCESSED, name) for name in names]
        code = up.interrupt()
        yield Fed(frames, stopped_at, names, chunks, taken_name, up.data, up.outcome, code)


def inject(nats: Any, s3: Any) -> tuple[list[Injected], datetime, str]:
    """Inject all frames; the clock stops where a chunk begins, at a time whose name somebody else has."""
    pictures = [np.asarray(Image.open(path)) for path in sorted((EXAMPLES / "data" / "cygno").glob("*.png"))]
    injector = Injector(nats, s3, pictures, seed=7)
    frames = [injector.inject() for _ in range(WITH_A_CLOCK)]
    stopped_at = frames[-1].time.replace(microsecond=0) + timedelta(seconds=1)
    utc = stopped_at.astimezone(UTC)
    taken_name = f"{FOLDER}data-chunk-{utc:%Y-%m-%dT%H:%M:%S.%f}.npz"
    s3.put_object(Bucket=PREPROCESSED, Key=taken_name, Body=SOMEBODY_ELSES)
    frames += [injector.inject(stopped_at) for _ in range(CLOCK_STOPPED)]
    return frames, stopped_at, taken_name


def end_run(up: RunningUp, pipeline: str) -> None:
    """End the run of one pipeline and return once its ledger closes."""
    answer = command("runs", "end", "--pipeline", pipeline, "--data", up.data)
    assert answer.returncode == 0, answer.stderr
    up.until(lambda: up.view(pipeline).get("state") == "complete", f"the run of {pipeline} is complete")


def test_ledgers_close_when_a_run_is_ended_by_command_or_by_ctrl_c(fed):
    assert fed.exit_code == 0
    assert fed.ends["closes"]
    for name in PIPELINES:
        (line,) = fed.ends["runs"][name]["ledger"]
        assert line["equation"] == f"announced {EVENTS} = stored {EVENTS} + consumed 0 + dead 0 + in flight 0"


def test_raw_pipeline_stores_what_the_jpegs_decode_to(fed):
    events = open_run(fed, "raw")
    assert events.events.tolist() == list(range(EVENTS))
    for position, frame in enumerate(fed.frames):
        assert np.array_equal(events[position].image, frame.image), position


def test_preprocessed_pipeline_stores_the_same_frames_cropped_and_windowed(fed):
    images = np.concatenate([chunk["image"] for chunk in fed.chunks])
    numbers = np.concatenate([chunk["event"] for chunk in fed.chunks])
    assert (images.dtype, images.shape) == (np.float32, (EVENTS, 128, 128))
    assert sorted(numbers) == list(range(EVENTS))
    for image, number in zip(images, numbers, strict=True):
        wanted = crop_center(windowing(fed.frames[number].image, 80, 120))
        assert np.array_equal(image, wanted), number


def test_times_are_stored_as_the_injector_wrote_them(fed):
    assert np.array_equal(open_run(fed, "raw").times, fed.times.astype("M8[ns]"))
    for chunk in fed.chunks:
        assert chunk["tstamp"].dtype == "M8[us]"
        assert np.array_equal(chunk["tstamp"], fed.times[chunk["event"]])


def test_chunks_of_a_clock_that_stands_still_overwrite_neither_each_other_nor_other_peoples(fed):
    stem = fed.taken_name.removesuffix(".npz")
    assert fed.names[1:] == [f"{stem}_{number}.npz" for number in (1, 2, 3)]
    assert [len(chunk["event"]) for chunk in fed.chunks] == [50, 50, 50, 10]


def test_notebook_that_loads_a_whole_folder_meets_nothing_but_chunks_in_time_order(fed):
    assert all(name.startswith(f"{FOLDER}data-chunk-") for name in fed.names)
    tstamps = np.concatenate([chunk["tstamp"] for chunk in fed.chunks])
    assert (np.diff(tstamps) >= np.timedelta64(0)).all()


def test_frames_of_the_two_pipelines_lie_in_two_buckets(fed):
    buckets = {path.name for path in (fed.data / "s3").iterdir()}
    assert buckets == {"cygno-daq", "cygno-raw", PREPROCESSED}
    raw = sorted((fed.data / "s3" / "cygno-raw" / "store").glob("*/injector/*.npz"))
    assert sum(len(arrays_of(path)["event"]) for path in raw) == EVENTS


def open_run(fed: Fed, pipeline: str) -> Any:
    return cygnet.open(fed.data, fed.ends["runs"][pipeline]["run"])
