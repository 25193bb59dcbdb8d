"""A takeover fences every place where an old owner may commit, and tells orphans from what is decided."""

from cygnet.aggregator.takeover import (
    SliceSubject,
    orphans,
    parse_slice_subject,
    places_to_fence,
    unsent_notices,
)
from cygnet.model.account import Begin, Commit, Stored
from cygnet.model.ledger import fold


def commit(chunk, attempt, time_ns=0, run="r", detector="cam"):
    return Commit(
        run=run, detector=detector, chunk=chunk, attempt=attempt, epoch=1, key=chunk, content_type="", size=1,
        sha256="", events=[(int(chunk), int(chunk))], slices=[1], manifest_key=chunk, manifest_size=1,
        manifest_sha256="", manifest_slices=[2], time_ns=time_ns,
    )  # fmt: skip


def stored(chunk, attempt):
    return Stored(
        run="r", detector="cam", chunk=chunk, attempt=attempt, key=chunk, manifest_key=chunk, size=1,
        events=[(int(chunk), int(chunk))],
    )  # fmt: skip


BEGIN = Begin(run="r", detectors=["cam", "top"], time_ns=0)


def test_every_detector_is_fenced_also_one_of_which_only_slices_are_seen():
    slices = [SliceSubject("r", "new", "0", "a"), SliceSubject("other", "cam", "0", "a")]
    places = places_to_fence([fold("r", [BEGIN])], slices)
    assert places == {("r", "cam"), ("r", "top"), ("r", "new"), ("other", "cam")}
    assert places_to_fence([], []) == set()


def test_only_slices_of_attempts_that_were_not_committed_are_orphans():
    account = fold("r", [BEGIN, commit("0", "won")])
    slices = [SliceSubject("r", "cam", "0", attempt) for attempt in ("won", "lost")]
    slices.append(SliceSubject("r", "top", "0", "won"))
    assert orphans([account], slices) == [slices[1], slices[2]]


def test_slices_of_a_stored_chunk_are_not_orphans_since_its_uploader_may_still_read_them():
    account = fold("r", [BEGIN, commit("0", "won"), stored("0", "won")])
    assert orphans([account], [SliceSubject("r", "cam", "0", "won")]) == []


def test_notices_are_sent_again_for_what_is_committed_and_not_stored_oldest_first():
    records = [BEGIN, commit("2", "c", 30), commit("0", "a", 10), commit("1", "b", 20), stored("0", "a")]
    assert [each.chunk for each in unsent_notices([fold("r", records)])] == ["1", "2"]


def test_a_subject_is_read_back_as_it_was_written_and_others_are_left_alone():
    subject = "cygnet.local.p.chunks.r.cam.000-009.abc"
    assert parse_slice_subject(subject) == SliceSubject("r", "cam", "000-009", "abc")
    for other in (
        "",
        "chunks",
        "cygnet.local.p.notices.cam",
        "a.b.c.d.e.f",
        "cygnet.local.p.account.r.cam.x.y",
    ):
        assert parse_slice_subject(other) is None
