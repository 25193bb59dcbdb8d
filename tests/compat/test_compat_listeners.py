"""Old listeners: notebooks that hear announcements by core NATS and read chunks with boto3 and numpy."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

import cygnet
from compat.notebook import (
    LOADS,
    crop_center,
    download_image,
    load_in_memory,
    nats_client,
    object_names,
    s3_client,
    shell,
    unpack_payload,
)
from fixtures.running_up import EXAMPLES, RunningUp, running_up
from fixtures.running_up import cygnet as command

SUBJECTS = ("daq/data", "daq/data/someone")
EVENTS = 40
CHUNK = 10
FRAMES = sorted((EXAMPLES / "data" / "cygno").glob("*.png"))
SPEC = f"""
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: listened}}
spec:
  runs: endless
  sources:
    - name: cygno
      replay: {{path: {EXAMPLES / "data" / "cygno"}, rateHz: 40, eventsPerRun: {EVENTS}}}
      mirrorSubjects: [{", ".join(SUBJECTS)}]
  preprocessor:
    stages: [crop: {{halfWindow: 64}}]
  aggregator:
    chunkSize: {CHUNK}
    maxAgeSeconds: 5
    keyTemplate: "{{prefix}}/data-chunk-{{last_time}}.npz"
  uploader: {{bucket: someone, prefix: cygno-store}}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    folder = tmp_path_factory.mktemp("listened")
    spec = folder / "listened.yaml"
    spec.write_text(SPEC)
    with running_up(spec, data=folder / "data") as running:
        yield running


@pytest.fixture(scope="module")
def exports(up: RunningUp) -> dict[str, str]:
    return up.exports()


@pytest.fixture
def as_a_notebook(exports: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    with shell(exports, tmp_path):
        yield exports


@pytest.fixture(scope="module")
def heard(
    exports: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """What two subscriptions heard of one run: the first of which both heard the first event."""
    runs: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {each: [] for each in SUBJECTS})

    def on_message(message: Any) -> None:
        announcement = json.loads(message.payload.decode("utf-8"))
        runs[announcement["run"]][message.subject].append(announcement)

    def whole() -> dict[str, list[dict[str, Any]]] | None:
        for by_subject in runs.values():
            ends = [(said[0]["event"], said[-1]["event"]) for said in by_subject.values() if said]
            if ends == [(0, EVENTS - 1)] * len(SUBJECTS):
                return by_subject
        return None

    with shell(exports, tmp_path_factory.mktemp("home")), nats_client() as client:
        for subject in SUBJECTS:
            client.subscribe(subject, callback=on_message)
        while (found := whole()) is None:
            client.wait(count=1)
    return found


@pytest.fixture(scope="module")
def run_stored(up: RunningUp, exports: dict[str, str], heard: dict[str, list[dict[str, Any]]]) -> str:
    """The run that was heard, once all of it is in the bucket."""
    run = str(heard[SUBJECTS[0]][0]["run"])

    def is_stored() -> bool:
        try:
            return len(cygnet.open(up.data, run)) == EVENTS
        except cygnet.model.errors.NoSuchError:
            return False

    up.until(is_stored, "the run that was heard is stored")
    return run


def test_no_event_is_missed_or_heard_twice_on_a_mirrored_subject(heard):
    for subject in SUBJECTS:
        assert [each["event"] for each in heard[subject]] == list(range(EVENTS))


def test_both_subjects_say_the_same(heard):
    assert heard[SUBJECTS[0]] == heard[SUBJECTS[1]]


def test_payload_of_a_mirrored_frame_unpacks_as_the_injectors_does(heard):
    for announcement in heard["daq/data"]:
        when, url = unpack_payload(json.dumps(announcement).encode("utf-8"))
        assert url.startswith("http://")
        moment = np.datetime64(when)
        assert not np.isnat(moment)
        assert abs(np.datetime64("now") - moment) < np.timedelta64(1, "D")
        assert isinstance(announcement["filename"], str)


def test_announced_times_never_go_back(heard):
    times = [np.datetime64(each["time"]) for each in heard["daq/data"]]
    assert times == sorted(times)


def test_presigned_url_alone_gives_the_very_frame_that_was_announced(heard):
    announced = heard["daq/data"][:14]
    for each in announced:
        _, url = unpack_payload(json.dumps(each).encode("utf-8"))
        image = download_image(url)
        assert (image.size, image.mode) == ((576, 576), "L")
        original = FRAMES[each["event"] % len(FRAMES)]
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(original)))
        digest = hashlib.md5(original.read_bytes(), usedforsecurity=False).hexdigest()
        assert each["filename"] == f"cygno-{digest}.png"


def test_presigned_url_opens_no_other_object(heard):
    first, second = heard["daq/data"][:2]
    stolen = first["url"].replace(first["key"], second["key"])
    assert stolen != first["url"]
    assert requests.get(stolen, timeout=30).status_code == 403


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.__name__)
def test_notebook_loads_a_chunk_and_finds_the_pixels_of_its_frames(as_a_notebook, run_stored, load):
    with s3_client() as s3:
        names = object_names(s3, as_a_notebook["CYGNET_BUCKET"], "cygno-store/data-chunk-")
        for name in names[: EVENTS // CHUNK]:
            chunk = load(s3, as_a_notebook["CYGNET_BUCKET"], name)
            assert chunk["image"].shape == (CHUNK, 128, 128)
            assert chunk["image"].dtype == np.uint8
            assert chunk["tstamp"].shape == (CHUNK,)
            assert chunk["tstamp"].dtype.kind == "M"
            for image, event in zip(chunk["image"], chunk["event"], strict=True):
                original = np.asarray(Image.open(FRAMES[event % len(FRAMES)]))
                assert np.array_equal(image, crop_center(original))


def test_sorted_names_are_in_time_order(as_a_notebook, run_stored):
    """Over several runs, since a notebook's folder holds them all."""
    with s3_client() as s3:
        names = object_names(s3, as_a_notebook["CYGNET_BUCKET"], "cygno-store/data-chunk-")
        assert len(names) >= EVENTS // CHUNK
        times = []
        for name in names:
            tstamp = load_in_memory(s3, as_a_notebook["CYGNET_BUCKET"], name)["tstamp"]
            last = name.removeprefix("cygno-store/data-chunk-").removesuffix(".npz").partition("_")[0]
            assert np.datetime64(last) == tstamp[-1].astype("M8[us]")
            times.append(tstamp)
    together = np.concatenate(times)
    assert (np.diff(together) >= np.timedelta64(0)).all()


def test_head_says_what_a_chunk_is_and_how_large(as_a_notebook, run_stored):
    with s3_client() as s3:
        bucket = as_a_notebook["CYGNET_BUCKET"]
        for name in object_names(s3, bucket, "cygno-store/data-chunk-")[:2]:
            head = s3.head_object(Bucket=bucket, Key=name)
            assert head["ContentLength"] > CHUNK * 128 * 128
            assert head["ContentType"] == "application/x-npz"


def test_dataset_opens_while_the_up_runs(up, run_stored):
    events = cygnet.open(up.data, run_stored, "cygno")
    assert events.events.tolist() == list(range(EVENTS))
    for position in (0, 8, EVENTS - 1):
        original = np.asarray(Image.open(FRAMES[position % len(FRAMES)]))
        assert np.array_equal(events[position].image, crop_center(original))


def test_dataset_opens_by_its_bucket_with_nothing_but_the_exports(as_a_notebook, run_stored):
    bucket, prefix = as_a_notebook["CYGNET_BUCKET"], as_a_notebook["CYGNET_PREFIX"]
    events = cygnet.open(f"s3://{bucket}/{prefix}", run_stored)
    originals = np.stack([crop_center(np.asarray(Image.open(path))) for path in FRAMES])
    assert np.array_equal(events.images(), originals[events.events % len(FRAMES)])


def test_mirrored_frame_does_not_come_back_as_a_new_one(up, run_stored):
    """The pipeline that announces on a literal subject takes nothing from there."""
    said: list[dict[str, Any]] = []

    def closes() -> bool:
        answer = command("ledger", run_stored, "--data", up.data, "--json")
        said.append(json.loads(answer.stdout))
        return answer.returncode == 0

    up.until(closes, "the ledger closes")
    (line,) = said[-1]["ledger"]
    assert (line["announced"], line["stored"], line["dead"]) == (EVENTS, EVENTS, 0)
