"""Parameters change while a run is on: at one event, never back, and a bad document changes nothing."""

import asyncio
import hashlib
import json

import numpy as np
import pytest
import urllib3

from cygnet.transport.streams import stream_state
from fixtures.rig import frame, open_rig

DOWNSTREAM = ("preprocessor", "aggregator", "uploader")
IMAGE = np.arange(24, dtype="u1").reshape(4, 6)
SPEC = {"preprocessor": {"stages": [{"window": {"min": 0, "max": 10}}]}, "aggregator": {"chunkSize": 25}}


async def publish(rig, first, last):
    for event in range(first, last):
        await rig.publish(frame(event, IMAGE))


async def test_rows_name_the_parameters_that_made_them_and_never_older_ones_again(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, SPEC, DOWNSTREAM) as rig:
        await rig.begin("r")
        await publish(rig, 0, 40)
        last, revisions = 40, [0]
        for top in (20, 30):
            revisions.append(await rig.values.put("params", {"window": {"min": 0, "max": top}}))
            seen = len(revisions)

            async def is_used(revision=revisions[-1]):
                nonlocal last
                await publish(rig, last, last + 5)  # until the worker has looked
                last += 5
                return any(row["revision"] == revision for row in rig.rows("r"))

            await rig.until(is_used)
            assert len(revisions) == seen
        await rig.end("r", cam=last)
        await rig.complete("r")
        rows = rig.rows("r")
        assert [row["event"] for row in rows] == list(range(last))
        found = [row["revision"] for row in rows]
        assert found == sorted(found), "it goes back"
        assert list(dict.fromkeys(found)) == revisions
        assert len({(row["revision"], row["provenance"]) for row in rows}) == 3
        tops = {0: 10, revisions[1]: 20, revisions[2]: 30}
        for view in rig.dataset("r"):
            top = tops[view.row.revision]
            assert view.provenance["parameters"] == {"window": {"min": 0.0, "max": float(top)}}
            assert view.provenance["revision"] == view.row.revision
            assert np.allclose(view.image, np.clip(IMAGE / top, 0, 1), atol=1e-6)


async def test_what_was_done_to_an_event_can_be_read_as_soon_as_the_event_can(nats, s3, tmp_path):
    spec = SPEC | {"aggregator": {"chunkSize": 10}}
    async with open_rig(nats, s3, tmp_path, spec, DOWNSTREAM) as rig:
        await rig.begin("r")
        await publish(rig, 0, 10)
        await rig.until(lambda: bool(rig.rows("r")))
        view = (await asyncio.to_thread(rig.dataset, "r"))[-1]
        document = await asyncio.to_thread(lambda: view.provenance)
        assert document["parameters"] == {"window": {"min": 0.0, "max": 10.0}}
        await rig.end("r", cam=10)
        await rig.complete("r")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"window": {"min": "three", "max": 4}}, "three"),
        ({"window": {"min": 9, "max": 4}}, "below max"),
        ({"window": {"min": 1}}, "max"),
        ({"window": {"min": 1, "max": True}}, "True"),
        ({"window": None}, "None"),
        ([1, 2], "[1, 2]"),
        ("three", "three"),
        (None, "None"),
        (7, "7"),
    ],
)
async def test_a_bad_document_changes_nothing_and_is_named_in_the_log(nats, s3, tmp_path, document, says):
    async with open_rig(nats, s3, tmp_path, SPEC) as rig:
        good = await rig.values.put("params", {"window": {"min": 0, "max": 5}})
        worker = await rig.start("preprocessor")
        await rig.start("aggregator", "uploader")
        await rig.begin("r")
        last = 0

        async def is_named():
            nonlocal last
            await publish(rig, last, last + 2)
            last += 2
            return bool(worker.log.of("parameters refused"))

        await publish(rig, 0, 2)
        last = 2
        await rig.until(lambda: _has_results(rig))
        bad = await rig.values.put("params", document)
        await rig.until(is_named)
        await rig.end("r", cam=last)
        assert (await rig.complete("r")).stored == last
        assert {row["revision"] for row in rig.rows("r")} == {good}
        [line] = worker.log.of("parameters refused")
        assert line["revision"] == bad
        assert says in line["error"]
        assert "accepted" in line["error"]


async def test_a_document_that_is_bad_from_the_start_leaves_the_specs_window(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, SPEC) as rig:
        await rig.values.put("params", {"window": {"min": 5, "max": 5}})
        await rig.start(*DOWNSTREAM)
        await rig.begin("r")
        await publish(rig, 0, 3)
        await rig.end("r", cam=3)
        await rig.complete("r")
        assert {row["revision"] for row in rig.rows("r")} == {0}
        assert rig.dataset("r")[0].provenance["parameters"] == {"window": {"min": 0.0, "max": 10.0}}


async def test_a_worker_that_starts_while_a_bad_document_is_there_uses_what_was_used_before(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path, SPEC) as rig:
        good = await rig.values.put("params", {"window": {"min": 0, "max": 5}})
        worker = await rig.start("preprocessor")
        await rig.start("aggregator", "uploader")
        await rig.begin("r")
        await publish(rig, 0, 3)
        await rig.until(lambda: _has_results(rig))
        await rig.stop(worker)
        await rig.values.put("params", "nonsense")
        await rig.start("preprocessor")
        await publish(rig, 3, 6)
        await rig.end("r", cam=6)
        assert (await rig.complete("r")).stored == 6
        assert {row["revision"] for row in rig.rows("r")} == {good}


async def test_a_chunk_says_of_itself_what_was_done_and_not_what_the_spec_says(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, SPEC) as rig:
        revision = await rig.values.put("params", {"window": {"min": 2, "max": 6}})
        await rig.start(*DOWNSTREAM)
        await rig.begin("r")
        await publish(rig, 0, 5)
        await rig.end("r", cam=5)
        await rig.complete("r")
        key = rig.rows("r")[0]["object"]
        with np.load(rig.folder / key) as chunk:
            meta = json.loads(str(chunk["meta"]))
        [part] = meta["provenance"]
        done = meta["processing"][part["id"]]
        assert done == rig.dataset("r")[0].provenance
        assert done["stages"] == [
            {"window": {"min": 2, "max": 6, "output": "fraction", "legacyUnderflow": False}}
        ]
        assert (done["scale"], done["revision"]) == ({"offset": 2, "factor": 4}, revision)
        assert meta["schema"] == 1
        assert meta["arrays"] == {"image": {"dtype": "<f4", "shape": [4, 6], "axes": "y,x"}}
        url = rig.context.bucket.sign_get(key)
        answer = await asyncio.to_thread(urllib3.request, "GET", url)
        assert answer.headers["x-amz-meta-cygnet-events"] == "5"
        assert answer.headers["x-amz-meta-cygnet-sha256"] == hashlib.sha256(answer.data).hexdigest()


async def _has_results(rig):
    return (await stream_state(rig.nc, rig.names.results)).last_seq > 0
