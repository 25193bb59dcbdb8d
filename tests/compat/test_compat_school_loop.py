"""The notebooks' last cell: so many rounds of so many images, a chunk each; then Cygnet's own account of it.

10 rounds of 20 here, 100 of 200 with `make compat`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import cygnet
from compat.notebook import arrays_of, crop_center, load_through_a_file, object_names, windowing
from compat.school import SCHOOLS, School, Student
from compat.school_day import PIPELINES, school_day
from fixtures.running_up import RunningUp
from fixtures.running_up import cygnet as command

ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "10"))
COUNT = int(os.environ.get("COMPAT_COUNT", "20"))
GALLERIES = os.environ.get("COMPAT_GALLERIES")  # a folder in which they are to be kept
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "cygno-school.md"
FOLDER = "cygno-store-preprocess-day3-bis/"
pytestmark = pytest.mark.timeout(600 + ROUNDS * COUNT)


@dataclass(frozen=True, slots=True)
class Ended:
    """A day that has ended by Ctrl-C, and what the student's bucket held."""

    school: School
    up: RunningUp
    exit_code: int
    uploaded: list[str]
    left: int
    names: list[str]
    sizes: dict[str, int]
    last: dict[str, np.ndarray]


@pytest.fixture(scope="module", params=SCHOOLS, ids=repr)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    school: School = request.param
    with school_day(school, tmp_path_factory.mktemp("loop")) as day:
        student = Student(school)
        with day.listen(student.preprocessed(COUNT)) as client:
            for _ in range(ROUNDS):
                client.wait(count=COUNT)
        sizes = {key: size for key, _, size in student.check_latest_uploads()}
        with student.s3() as s3:
            names = object_names(s3.meta.client, school.bucket, FOLDER)
            last = load_through_a_file(s3.meta.client, school.bucket, names[-1])
        left = len(student.list_of_images)
        yield Ended(school, day.up, day.up.interrupt(), student.uploaded, left, names, sizes, last)


def test_each_round_uploads_a_chunk_and_leaves_nothing(ended):
    assert len(ended.uploaded) == ROUNDS
    assert ended.left == 0
    for name in ended.uploaded:
        assert ended.sizes[name] > COUNT * 128 * 128 * 8


def test_names_sort_by_time(ended):
    assert ended.names == ended.uploaded
    assert (np.diff(ended.last["tstamp"]) > np.timedelta64(0)).all()
    assert (ended.last["image"].shape, ended.last["image"].dtype) == ((COUNT, 128, 128), np.float64)


def test_both_ledgers_close_and_nothing_is_dead(ended):
    assert ended.exit_code == 0, ended.up.complaints
    assert ended.up.outcome["closes"]
    for name in PIPELINES:
        (line,) = ended.up.outcome["runs"][name]["ledger"]
        print(ended.school.year, name, line["equation"])
        assert line["announced"] == line["stored"] >= ROUNDS * COUNT
        assert (line["consumed"], line["dead"], line["in_flight"]) == (0, 0, 0)
        run = ended.up.outcome["runs"][name]["run"]
        answer = command("ledger", run, "--pipeline", name, "--data", ended.up.data, "--json")
        (found,) = json.loads(answer.stdout)["ledger"]
        assert [found[each] for each in ("stored", "dead")] == [line["announced"], 0]


def test_raw_pipeline_stored_the_pixels_that_the_notebook_saw(ended):
    compare(ended, "raw", lambda image: crop_center(windowing(image, 80, 120)))


def test_preprocessed_pipeline_stored_what_the_notebook_computed(ended):
    spread = {2023: 40, 2024: 30}[ended.school.year]  # of the spec's window, which begins at 80 too
    compare(ended, "preprocessed", lambda image: image * (spread / 40))


def test_chunks_of_both_pipelines_lie_in_two_buckets_under_the_notebooks_names(ended):
    folders = {"cygno-raw/cygno-store": (576, 576), "cygno-preprocessed/cygno-store-preprocess": (128, 128)}
    for folder, shape in folders.items():
        chunks = sorted((ended.up.data / "s3" / folder).iterdir())
        assert chunks
        assert all(re.fullmatch(r"data-chunk-[-0-9T:.]{26}(_\d+)?\.npz", path.name) for path in chunks)
        assert arrays_of(chunks[0])["image"].shape[1:] == shape


def test_frames_lie_under_the_md5_of_their_bytes(ended):
    frames = [path.name for path in (ended.up.data / "s3" / "cygno-daq").iterdir()]
    assert len(frames) >= ROUNDS * COUNT
    assert all(re.fullmatch(r"cygno-[0-9a-f]{32}\.jpg", name) for name in frames)


def test_python_of_the_tutorial_runs_as_it_is_written(ended, tmp_path):
    (tmp_path / "cygnet-data").symlink_to(ended.up.data)
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block],
            cwd=tmp_path,
            env={**os.environ, "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert len(blocks) == 2
    assert "(20, 128, 128) float32" in done.stdout
    for name in ("gallery", "histogram"):
        picture = Path(GALLERIES or tmp_path) / f"tutorial-{name}-{ended.school.year}.png"
        shutil.copyfile(tmp_path / f"{name}.png", picture)
        assert picture.stat().st_size > 10_000


def compare(ended: Ended, pipeline: str, as_seen: Callable[[np.ndarray], np.ndarray]) -> None:
    """Check the student's last chunk against what was stored under the same times."""
    events = cygnet.open(ended.up.data, ended.up.outcome["runs"][pipeline]["run"])
    for image, when in zip(ended.last["image"], ended.last["tstamp"], strict=True):
        utc = np.datetime64(datetime.fromisoformat(str(when)).astimezone(UTC).replace(tzinfo=None), "ns")
        apart = np.abs(events.times - utc)
        assert apart.min() <= np.timedelta64(1, "us")
        stored = events[int(apart.argmin())].image
        unclipped = stored < (1 if stored.dtype.kind == "f" else np.inf)
        seen = as_seen(stored)
        if seen.shape == unclipped.shape:
            image, seen = image[unclipped], seen[unclipped]
        assert np.allclose(image, seen, atol=1e-6)
