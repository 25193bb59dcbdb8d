"""Both years' notebooks against both years' example specs, from the first message to the last chunk."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests
from pynats.exceptions import NATSError

import cygnet
from compat.notebook import arrays_of, crop_center, load_through_a_file, object_names, shell, unpack_payload
from compat.notebook import windowing as window_float32
from compat.school import (
    SCHOOLS,
    School,
    Student,
    download,
    download_image,
    gallery,
    hosts,
    listening,
    md5,
    windowing,
)
from fixtures.running_up import RunningUp, running_up
from fixtures.running_up import cygnet as command

ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "10"))
COUNT = int(os.environ.get("COMPAT_COUNT", "20"))
GALLERIES = os.environ.get("COMPAT_GALLERIES")
PIPELINES = ("raw", "preprocessed")
NAME = re.compile(r"cygno-[0-9a-f]{32}\.jpg")
pytestmark = pytest.mark.timeout(600 + ROUNDS * COUNT)
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")


@dataclass(frozen=True, slots=True)
class Day:
    """A running stack and the shell of the student who sits before it."""

    school: School
    up: RunningUp
    home: Path

    def listen(self, callback: Any, subject: str = "") -> Any:
        return listening(self.school.nats_server, subject or self.school.subject, callback)

    def hear(self, count: int, subject: str = "") -> list[Any]:
        """Return what a client hears that waits for `count` messages."""
        heard: list[Any] = []
        with self.listen(heard.append, subject) as client:
            client.wait(count=count)
        return heard


@pytest.fixture(scope="module", params=SCHOOLS, ids=repr)
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    school: School = request.param
    folder = tmp_path_factory.mktemp(f"school-{school.year}")
    with running_up(school.spec, data=folder / "data") as up:
        exports = up.exports("raw", "--user", school.user)
        for name in PIPELINES:
            up.until(lambda name=name: up.view(name).get("state") == "running", f"{name} runs")
        known, here = urlsplit(school.nats_server), urlsplit(exports["NATS_URL"])
        lines = {(known.hostname, known.port): (here.hostname, here.port)}
        with shell(exports, folder), hosts(lines):
            yield Day(school, up, folder)


@pytest.fixture(scope="module")
def last_loop(day: Day) -> Student:
    """The student of the last cell: so many rounds of so many images, each round a chunk."""
    student = Student(day.school)
    with day.listen(student.preprocessed(COUNT)) as client:
        for _ in range(ROUNDS):
            client.wait(count=COUNT)
    return student


def test_message_is_what_the_injector_sent(day):
    for message in day.hear(3):
        document = json.loads(message.payload.decode("utf-8"))
        url = urlsplit(document["url"])
        assert NAME.fullmatch(document["filename"])
        assert TIME.fullmatch(document["time"])
        assert url.path == f"/cygno-daq/{document['filename']}"
        assert parse_qs(url.query)["X-Amz-Expires"] == ["3600"]
        assert md5(download(document["url"], verify=False)) == NAME.fullmatch(document["filename"])[0][6:38]


def test_every_user_has_a_subject_and_all_hear_the_same(day):
    subjects = ["daq/data", "daq/data/USER", "daq/data/student"] if day.school.year == 2023 else ["daq/data"]
    heard: dict[str, list[bytes]] = {subject: [] for subject in subjects}

    def callback(message: Any) -> None:
        heard[message.subject].append(message.payload)

    with day.listen(callback, subjects[0]) as client:
        for subject in subjects[1:]:
            client.subscribe(subject, callback=callback)
        client.wait(count=4 * len(subjects))
    together = set(heard["daq/data"])
    for subject in subjects:
        assert len(heard[subject]) >= 3
        assert len(together & set(heard[subject])) >= 3


def test_text_about_each_frame_is_ascii_and_names_it(day):
    for message in day.hear(2, "daq/info"):
        text = message.payload.decode("ascii")
        assert NAME.search(text), text


def test_nobody_listens_without_a_password_where_there_is_one(day):
    without = day.school.nats_server.replace("sosc:sosc2023@", "")
    heard: list[Any] = []

    def attempt() -> None:
        with listening(without, "daq/data", heard.append) as client:
            client.wait(count=1)

    if without == day.school.nats_server:
        attempt()
        assert len(heard) == 1
    else:
        with pytest.raises((NATSError, OSError)):
            attempt()
        assert heard == []


@pytest.mark.parametrize("how", [{}, {"verify": False}], ids=["verified", "unverified"])
def test_image_downloads_with_nothing_but_its_url(day, how):
    (message,) = day.hear(1)
    _, url = unpack_payload(message.payload)
    body = download(url, **how)
    assert body.startswith(b"\xff\xd8\xff")
    image = download_image(url)
    assert (image.size, image.mode) == ((576, 576), "L")
    assert 95 < np.asarray(image).mean() < 105


def test_certificate_of_the_school_is_nobody_elses(day, monkeypatch):
    """A program that was not told to trust it refuses it, and http has none."""
    _, url = unpack_payload(day.hear(1)[0].payload)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if day.school.year == 2023:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=30)
    else:
        assert url.startswith("http://")


@pytest.mark.parametrize("count", [1, 3, 5, 10, 15])
def test_wait_ends_after_so_many_images(day, count):
    assert len(day.hear(count)) == count


def test_ten_images_make_a_gallery_in_which_spots_are_seen(day, tmp_path):
    crops = []
    for message in day.hear(10):
        image = np.asarray(download_image(unpack_payload(message.payload)[1]))
        crops.append(crop_center(windowing(image, 80.0, 120.0)))
    path = Path(GALLERIES or tmp_path) / f"gallery-{day.school.year}.png"
    gallery(crops, path)
    assert path.stat().st_size > 10_000
    for crop in crops:
        assert crop.shape == (128, 128)
        middle, rim = crop[54:74, 54:74].mean(), crop[:20].mean()
        assert 0.3 < rim < 0.7
        assert middle > rim


def test_bucket_of_the_user_lists_before_anything_is_uploaded(day):
    listed = Student(day.school).check_latest_uploads()
    assert ("README.txt", "text/plain; charset=utf-8") in [(key, kind) for key, kind, _ in listed]


def test_three_raw_images_are_uploaded_and_listed(day):
    student = Student(day.school)
    with day.listen(student.raw(3)) as client:
        client.wait(count=3)
    (name,) = student.uploaded
    assert student.list_of_images == []
    listed = {key: (kind, size) for key, kind, size in student.check_latest_uploads()}
    assert listed[name][1] > 3 * 576 * 576
    with student.s3() as s3:
        chunk = load_through_a_file(s3.meta.client, day.school.bucket, name)
    assert (chunk["image"].shape, chunk["image"].dtype) == ((3, 576, 576), np.uint8)
    assert chunk["tstamp"].dtype == np.dtype("M8[us]")


def test_last_loop_uploads_a_chunk_each_round(day, last_loop):
    assert len(last_loop.uploaded) == ROUNDS
    assert last_loop.list_of_images == []
    sizes = {key: size for key, _, size in last_loop.check_latest_uploads()}
    for name in last_loop.uploaded:
        assert sizes[name] > COUNT * 128 * 128 * 8
    with last_loop.s3() as s3:
        client, bucket = s3.meta.client, day.school.bucket
        names = object_names(client, bucket, "cygno-store-preprocess-day3-bis/")
        assert names == last_loop.uploaded  # by name is by time
        chunk = load_through_a_file(client, bucket, names[-1])
    assert (chunk["image"].shape, chunk["image"].dtype) == ((COUNT, 128, 128), np.float64)
    assert (np.diff(chunk["tstamp"]) > np.timedelta64(0)).all()


def test_cygnet_stored_what_the_notebook_saw_and_its_ledgers_close(day, last_loop):
    """The last test of a year: it ends the up."""
    with last_loop.s3() as s3:
        seen = [load_through_a_file(s3.meta.client, day.school.bucket, last_loop.uploaded[-1])]
    assert day.up.interrupt() == 0, day.up.complaints
    assert day.up.outcome["closes"]
    for name in PIPELINES:
        (line,) = day.up.outcome["runs"][name]["ledger"]
        assert (line["dead"], line["in_flight"], line["consumed"]) == (0, 0, 0)
        assert line["announced"] == line["stored"] >= ROUNDS * COUNT
        answer = command("dead", "ls", "--pipeline", name, "--data", day.up.data, "--json")
        assert answer.returncode != 0 or json.loads(answer.stdout) in ([], {"dead": []}), answer.stdout
    compare(day, "raw", seen[0], lambda image: crop_center(window_float32(image, 80, 120)))
    stored = 40 if day.school.year == 2023 else 30
    compare(day, "preprocessed", seen[0], lambda image: np.clip(image * stored / 40, 0, 1))
    chunks = sorted((day.up.data / "s3" / "cygno-preprocessed" / "cygno-store-preprocess").iterdir())
    assert all(re.fullmatch(r"data-chunk-[0-9T:.-]{26}(_\d+)?\.npz", path.name) for path in chunks)
    assert arrays_of(chunks[0])["image"].shape[1:] == (128, 128)


def compare(day: Day, pipeline: str, seen: dict[str, np.ndarray], as_seen: Any) -> None:
    """Every image that the notebook stored is what Cygnet stored under its time, but for rounding."""
    events = cygnet.open(day.up.data, day.up.outcome["runs"][pipeline]["run"])
    times = events.times.astype("M8[ns]")
    for image, when in zip(seen["image"], seen["tstamp"], strict=True):
        local = datetime.fromisoformat(str(when)).astimezone(UTC).replace(tzinfo=None)
        place = int(np.abs(times - np.datetime64(local, "ns")).argmin())
        assert abs(times[place] - np.datetime64(local, "ns")) <= np.timedelta64(1, "us")
        stored = as_seen(events[place].image)
        levels = stored < 1  # where both windows have not clipped
        assert np.allclose(image[levels], stored[levels], atol=1e-6), place
