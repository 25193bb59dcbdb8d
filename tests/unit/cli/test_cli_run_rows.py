"""Runs of every pipeline that ever ran in a folder are found, each under its own name."""

import asyncio

import pytest

from cygnet.cli.access import places, stored_run
from cygnet.cli.run_rows import run_rows
from cygnet.local.errors import LocalError
from cygnet.local.folder import Place, claim
from cygnet.model.account import Begin, End
from cygnet.model.errors import NoSuchError
from cygnet.model.ledger import fold
from cygnet.storage.bucket import open_folder
from cygnet.storage.ledger_files import write_ledger


def place(bucket, prefix):
    return Place(
        namespace="local",
        bucket=bucket,
        prefix=prefix,
        spec="specs/lime.yaml",
        nats_url="nats://127.0.0.1:1",
        s3_endpoint="http://127.0.0.1:1",
        s3_access_key_id="cygnet",
        s3_secret_access_key="secret-key",
        s3_embedded=True,
    )


def store(data, at, run, pipeline=None):
    """Leave what a run leaves in its bucket: whole if `pipeline` is named, else before its end."""
    folder = data / "s3" / at.bucket / at.prefix / run / "manifest"
    folder.mkdir(parents=True)
    (folder / "lime-000000000-000000000.parquet").write_bytes(b"")
    if pipeline:
        begin = Begin(run=run, detectors=["lime"], time_ns=0, config={"pipeline": pipeline})
        account = fold(run, [begin, End(run=run, announced={"lime": 0}, time_ns=1)])
        asyncio.run(write_ledger(open_folder(data / "s3" / at.bucket), at.prefix, account))


def ran(data, **pipelines):
    with claim(data) as mine:
        mine.say(pipelines=pipelines, servers={})


@pytest.fixture
def data(tmp_path):
    first, second = place("one", "m"), place("two", "weird")
    ran(tmp_path, m=first)
    store(tmp_path, first, "20260101T000000-aaaa", "m")
    ran(tmp_path, weird=second)
    store(tmp_path, second, "20260102T000000-bbbb", "weird")
    return tmp_path


def listed(data, pipeline=None):
    return [
        (row["pipeline"], row["run"][-4:], row["state"]) for row in run_rows(data, places(data, pipeline))
    ]


def test_runs_of_a_pipeline_that_ran_before_are_listed_and_found(data):
    assert listed(data) == [("m", "aaaa", "complete"), ("weird", "bbbb", "complete")]
    assert listed(data, "m") == [("m", "aaaa", "complete")]
    assert stored_run(data, None, "20260101T000000-aaaa").prefix == "m"
    assert stored_run(data, "m", None).run.endswith("aaaa")


def test_the_newest_run_is_one_of_what_ran_last(data):
    assert stored_run(data, None, None).run.endswith("bbbb")


def test_a_pipeline_that_never_ran_is_refused_with_those_that_have(data):
    with pytest.raises(LocalError, match="accepted: weird, m"):
        places(data, "lime")


def test_a_run_that_nobody_has_written_down_is_found_where_it_lies(data):
    store(data, place("old", "ancient"), "20250101T000000-cccc", "ancient")
    assert stored_run(data, None, "20250101T000000-cccc").prefix == "ancient"
    with pytest.raises(NoSuchError, match="no stored event of run"):
        stored_run(data, None, "20250101T000000-dddd")


def test_a_run_under_a_shared_prefix_is_listed_once_and_under_its_own_name(tmp_path):
    shared = place("one", "frames")
    ran(tmp_path, m=shared)
    ran(tmp_path, other=shared)
    store(tmp_path, shared, "20260101T000000-aaaa", "m")
    store(tmp_path, shared, "20260102T000000-bbbb", "other")
    store(tmp_path, shared, "20260103T000000-cccc")
    assert listed(tmp_path) == [
        ("m", "aaaa", "complete"),
        ("other", "bbbb", "complete"),
        ("other or m", "cccc", "not complete"),
    ]
