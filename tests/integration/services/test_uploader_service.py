"""An uploader stores each committed chunk once, replaces nobody's object, and is loud about what is lost."""

import hashlib

import pytest

from cygnet.model.account import Commit
from cygnet.runtime.metrics import UPLOADS_FAILED
from cygnet.transport.notices import send_notice
from cygnet.transport.slices import publish_slices, read_slices
from cygnet.transport.streams import purge_subject, stream_state
from cygnet.uploader import main
from fixtures.rig import frame, open_rig


async def commit_one(rig, events=10):
    """Let one chunk be committed, with no uploader there; return its commit record."""
    await rig.start("preprocessor", "aggregator")
    await rig.begin("r")
    for event in range(events):
        await rig.publish(frame(event))
    await rig.end("r", cam=events)

    async def is_committed():
        return bool((await rig.account("r")).detector("cam").commits)

    await rig.until(is_committed)
    [record] = (await rig.account("r")).detector("cam").commits.values()
    return record


async def test_a_notice_that_comes_twice_stores_once_and_leaves_nothing(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path) as rig:
        await commit_one(rig)
        notices = await stream_state(rig.nc, rig.names.notices)
        assert notices.messages == 1
        [aggregator] = [service for service in rig.running if service.name == "aggregator"]
        await rig.kill(aggregator)
        await rig.start("aggregator")  # sends the notice again
        await rig.until(lambda: _holds(rig, rig.names.notices, 2))
        await rig.start("uploader")
        assert (await rig.complete("r")).stored == 10
        await rig.until(lambda: _holds(rig, rig.names.notices, 0))
        assert await _holds(rig, rig.names.chunks, 0)
        assert len({row["object"] for row in rig.rows("r")}) == 1


async def test_an_uploader_that_died_after_its_manifest_is_followed_by_one_that_only_records(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path) as rig:
        record = await commit_one(rig)
        bucket = rig.context.bucket
        for key, slices in ((record.key, record.slices), (record.manifest_key, record.manifest_slices)):
            body = await read_slices(rig.nc, rig.names, slices)
            await bucket.put(key, body, content_type="application/octet-stream")
        await _purge(rig, record)
        await rig.start("uploader")
        assert (await rig.complete("r")).stored == 10


async def test_slices_that_are_gone_without_a_manifest_are_an_alarm_and_block_no_other_chunk(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path) as rig:
        record = await commit_one(rig)
        await _purge(rig, record)
        uploader = await rig.start("uploader")
        await rig.until(lambda: bool(uploader.log.of("chunk cannot be stored")))
        [line] = uploader.log.of("chunk cannot be stored")
        assert (line["level"], "no manifest" in line["error"]) == ("critical", True)
        await rig.begin("next")
        await rig.publish(frame(0, run="next"))
        await rig.end("next", cam=1)
        assert (await rig.complete("next")).stored == 1
        assert (await rig.ledger("r")).in_flight == 10, "nobody says that it was stored"


@pytest.mark.parametrize(
    ("key", "reason", "said"),
    [
        ("x" * 1100, "refused", "chunk cannot be stored"),  # above what S3 takes at all
        ("x" * 300, "away", "chunk put off"),  # a server of files answers that it has trouble, for ever
    ],
)
async def test_two_chunks_that_the_bucket_never_takes_stop_no_other_and_no_uploader(
    nats, s3, tmp_path, monkeypatch, key, reason, said
):
    monkeypatch.setattr(main, "_PATIENCE_SECONDS", 0.5)
    before = _failed(reason)
    async with open_rig(nats, s3, tmp_path, services=("uploader",)) as rig:
        uploader = rig.running[0]
        for number in range(main._UPLOADS_AT_ONCE):
            await _notice(rig, f"{key}{number}")
        await rig.until(lambda: len(uploader.log.of(said)) == main._UPLOADS_AT_ONCE)
        await commit_one(rig)
        assert (await rig.complete("r")).stored == 10
        assert _failed(reason) == before + main._UPLOADS_AT_ONCE
        assert await _holds(rig, rig.names.notices, main._UPLOADS_AT_ONCE), "they are not forgotten"


async def _notice(rig, key):
    """Send the notice of a chunk that is to lie under `key`."""
    body = b"the bytes of a chunk"
    subject = rig.names.chunk_subject("odd", "cam", "000000000-000000000", key[-8:])
    slices = await publish_slices(rig.context.window, rig.nc, subject, key, memoryview(body), "object")
    sha256 = hashlib.sha256(body).hexdigest()
    commit = Commit(
        run="odd", detector="cam", chunk="000000000-000000000", attempt=key[-8:], epoch=1, key=key,
        content_type="application/x-npz", size=len(body), sha256=sha256, events=[(0, 0)], slices=slices,
        manifest_key="m", manifest_size=len(body), manifest_sha256=sha256, manifest_slices=slices,
    )  # fmt: skip
    await send_notice(rig.context.window, rig.names, commit, occasion="committed")


def _failed(reason):
    return UPLOADS_FAILED.labels(reason)._value.get()


@pytest.mark.parametrize("body", [b"not a notice", b"{}", b"\xff", b"[]"])
async def test_what_is_no_notice_is_logged_and_blocks_no_chunk(nats, s3, tmp_path, body):
    async with open_rig(nats, s3, tmp_path, services=("uploader",)) as rig:
        uploader = rig.running[0]
        await rig.context.window.publish(rig.names.notice_subject("cam"), body)
        await rig.until(lambda: bool(uploader.log.of("not a notice")))
        await commit_one(rig)
        assert (await rig.complete("r")).stored == 10


async def _holds(rig, stream, messages):
    return (await stream_state(rig.nc, stream)).messages == messages


async def _purge(rig, record):
    subject = rig.names.chunk_subject(record.run, record.detector, record.chunk, record.attempt)
    await purge_subject(rig.nc, rig.names.chunks, subject)
