"""Both years' notebooks' cells against both years' example specs, as they are."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests

from compat.notebook import crop_center, load_through_a_file, pynats, unpack_payload
from compat.school import SCHOOLS, Student, download, download_image, gallery, md5, windowing
from compat.school_day import Day, listening, school_day

GALLERIES = os.environ.get("COMPAT_GALLERIES")  # a folder in which they are to be kept
NAME = re.compile(r"cygno-[0-9a-f]{32}\.jpg")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")


@pytest.fixture(scope="module", params=SCHOOLS, ids=repr)
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with school_day(request.param, tmp_path_factory.mktemp("school")) as day:
        yield day


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
        with pytest.raises((pynats.NATSError, OSError)):
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
    stack = np.stack(crops)
    assert stack.shape == (10, 128, 128)
    middle, rim = stack[:, 54:74, 54:74].mean(), stack[:, :20].mean()
    assert 0.3 < rim < 0.7
    assert middle > rim + 0.01  # of all: a helium recoil of 1 keV may drown in the noise


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
