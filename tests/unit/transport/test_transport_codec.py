"""Frames, announcements and results survive the way there and back, and hostile bytes cost one entry."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cygnet.model.errors import BadInputError
from cygnet.model.frame import ANNOUNCEMENT, Announcement, Frame
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.transport.codec import (
    PACK,
    BrokenFrame,
    announcement_frame,
    decode_announcement,
    decode_frames,
    decode_results,
    encode_frame,
    encode_frame_pack,
    encode_results,
    frame_message_id,
    pack_message_id,
    replay_message_id,
)
from cygnet.transport.wire import encode_headers, parse_headers

NAME = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
EVENT = st.integers(0, 2**53 - 1)
TIME = st.integers(0, 7_289_654_400_000_000_000)
DTYPES = ["|u1", "<u2", ">u2", "<i4", "<f4", "<f8", "|b1"]
ATTRS = st.dictionaries(
    st.text(max_size=10),
    st.one_of(st.integers(-(2**53), 2**53), st.text(max_size=20), st.booleans()),
    max_size=4,
)
IDS = st.builds(FrameId, NAME, NAME, EVENT)


@st.composite
def frames(draw: st.DrawFn, ids: st.SearchStrategy[FrameId] = IDS) -> Frame:
    kind = draw(st.sampled_from(["array", "packed", "image", "opaque"]))
    common: dict[str, Any] = {"id": draw(ids), "time_ns": draw(TIME), "attrs": draw(ATTRS)}
    if kind == "image":
        return Frame(body=draw(st.binary(max_size=64)), content_type="image/png", **common)
    if kind == "opaque":
        pieces = draw(st.lists(st.binary(max_size=16), max_size=3))
        return Frame(body=b"".join(pieces), type="STINS", parts=tuple(map(len, pieces)), **common)
    dtype = draw(st.sampled_from(DTYPES))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axes = ",".join("zyx"[-len(shape) :])
    size = int(np.dtype(dtype).itemsize * np.prod(shape))
    if kind == "packed":
        size, encoding = draw(st.integers(0, 32)), "zstd"
    else:
        encoding = "identity"
    return Frame(body=b"\x05" * size, dtype=dtype, shape=shape, axes=axes, encoding=encoding, **common)


def over_the_wire(headers: dict[str, str]) -> dict[str, str]:
    return parse_headers(encode_headers(headers))


def plain(frame: Frame | BrokenFrame) -> Frame:
    assert isinstance(frame, Frame), frame
    return Frame(**{**as_dict(frame), "body": bytes(frame.body)})


def as_dict(frame: Frame) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in Frame.__dataclass_fields__}


@given(frames())
def test_a_frame_survives_its_message(frame: Frame) -> None:
    headers, body = encode_frame(frame)
    (back,) = decode_frames(over_the_wire(headers), body)
    assert plain(back) == frame


@given(st.lists(frames(st.builds(FrameId, st.just("r"), st.just("cam"), EVENT)), min_size=1, max_size=8))
def test_frames_survive_a_pack(many: list[Frame]) -> None:
    headers, body = encode_frame_pack(many)
    assert headers["Content-Type"] == PACK
    back = decode_frames(over_the_wire(headers), body)
    assert [plain(frame) for frame in back] == many


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40)), st.binary(max_size=200))
def test_any_message_is_a_frame_or_broken_and_never_an_error(headers: dict[str, str], body: bytes) -> None:
    assert len(decode_frames(headers, body)) == 1


@given(
    frames(),
    st.sampled_from(
        ["Cygnet-Run", "Cygnet-Event", "Cygnet-Time", "Cygnet-Dtype", "Cygnet-Shape", "Cygnet-Axes",
         "Cygnet-Parts", "Cygnet-Attrs", "Content-Encoding", "Content-Type", "Cygnet-Type"]
    ),
    st.one_of(st.text(max_size=30), st.sampled_from(["-1", "1e9", "9" * 5000, "²", "0,0", ",", "[]", "NaN"])),
)  # fmt: skip
def test_any_header_may_be_nonsense(frame: Frame, name: str, value: str) -> None:
    headers, body = encode_frame(frame)
    (back,) = decode_frames({**headers, name: value}, body)
    assert back.body == body
    if isinstance(back, BrokenFrame):
        assert back.reason
        assert back.headers[name] == value


@given(st.data())
def test_any_byte_of_a_pack_may_be_wrong(data: st.DataObject) -> None:
    headers, body = encode_frame_pack([small(event) for event in range(5)])
    place = data.draw(st.integers(0, len(body) - 1))
    broken = body[:place] + bytes([data.draw(st.integers(0, 255))]) + body[place + 1 :]
    for frame in decode_frames(headers, broken):
        assert isinstance(frame, Frame | BrokenFrame)
    for frame in decode_frames(headers, body[:place]):
        assert isinstance(frame, Frame | BrokenFrame)


def small(event: int, **changes: Any) -> Frame:
    given: dict[str, Any] = {
        "id": FrameId("r", "cam", event), "time_ns": 5, "body": b"abcdef", "dtype": "|u1", "shape": (2, 3)
    }  # fmt: skip
    return Frame(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Cygnet-Run": None}, "missing-header"),
        ({"Cygnet-Event": None}, "missing-header"),
        ({"Cygnet-Time": None}, "missing-header"),
        ({"Cygnet-Detector": None}, "missing-header"),
        ({"Cygnet-Dtype": None, "Cygnet-Shape": None}, "missing-header"),
        ({"Cygnet-Dtype": None}, "bad-dtype"),
        ({"Cygnet-Run": "a/b"}, "bad-name"),
        ({"Cygnet-Event": "three"}, "wrong-type"),
        ({"Cygnet-Event": str(2**53)}, "bad-event"),
        ({"Cygnet-Time": "99999999999999999999"}, "bad-time"),
        ({"Cygnet-Dtype": "O"}, "bad-dtype"),
        ({"Cygnet-Dtype": "<u3"}, "bad-dtype"),
        ({"Cygnet-Shape": "2,x"}, "bad-shape"),
        ({"Cygnet-Shape": "0,3"}, "bad-shape"),
        ({"Cygnet-Shape": "99999999,99999999"}, "bad-shape"),
        ({"Cygnet-Shape": "6"}, "bad-axes"),
        ({"Cygnet-Shape": "2,4"}, "size-mismatch"),
        ({"Cygnet-Parts": "1,2"}, "bad-parts"),
        ({"Cygnet-Attrs": "[]"}, "bad-attrs"),
        ({"Cygnet-Attrs": "{"}, "bad-attrs"),
        ({"Cygnet-Attrs": json.dumps({"a": "x" * 5000})}, "attrs-too-large"),
        ({"Content-Encoding": "brotli"}, "unknown-encoding"),
        ({"Content-Type": "text/html"}, "unknown-content-type"),
        ({"Cygnet-Type": "a b"}, "bad-type"),
    ],
)
def test_a_bad_header_names_itself(changes: dict[str, str | None], reason: str) -> None:
    headers, body = encode_frame(small(7))
    changed = {name: value for name, value in {**headers, **changes}.items() if value is not None}
    (broken,) = decode_frames(changed, body)
    assert isinstance(broken, BrokenFrame)
    assert broken.reason == reason
    field = next(iter(changes)) if reason not in ("size-mismatch", "bad-axes") else ""
    assert field in broken.message
    if field not in ("Cygnet-Run", "Cygnet-Detector", "Cygnet-Event"):
        assert broken.id == FrameId("r", "cam", 7)


@pytest.mark.parametrize(
    ("place", "entry", "reason", "keeps_id"),
    [
        (1, [1, 5, 6, 99, 0, b"", []], "bad-range", True),
        (1, [1, 5, -6, 6, 0, b"", []], "bad-range", True),
        (1, [1, 5, 6, 5, 0, b"", []], "size-mismatch", True),
        (1, [1, 5, 6, 6, 9, b"", []], "bad-pack", True),
        (1, [1, -5, 6, 6, 0, b"", []], "bad-time", True),
        (1, [1, 5, 6, 6, 0, b"[]", []], "bad-attrs", True),
        (1, [1, "soon", 6, 6, 0], "bad-pack", True),
        (1, [-1, 5, 6, 6, 0, b"", []], "bad-event", False),
        (1, ["one", 5, 6, 6, 0], "bad-pack", False),
        (1, "nonsense", "bad-pack", False),
        (1, None, "bad-pack", False),
    ],
)
def test_one_bad_entry_never_spoils_the_others(
    place: int, entry: object, reason: str, keeps_id: bool
) -> None:
    headers, body = encode_frame_pack([small(event) for event in range(3)])
    del headers["Cygnet-Events"]
    size = int.from_bytes(body[:4], "little")
    forms, entries = msgspec.msgpack.decode(body[4 : 4 + size])
    entries[place] = entry
    index = msgspec.msgpack.encode([forms, entries])
    back = decode_frames(headers, len(index).to_bytes(4, "little") + index + body[4 + size :])
    assert [isinstance(frame, Frame) for frame in back] == [True, False, True]
    broken = back[1]
    assert isinstance(broken, BrokenFrame)
    assert broken.reason == reason
    assert broken.id == (FrameId("r", "cam", 1) if keeps_id else None)


@pytest.mark.parametrize("entry", [["one", 5, 6, 6, 0], "nonsense", None])
def test_an_entry_that_has_lost_its_number_is_known_by_the_header(entry: object) -> None:
    headers, body = encode_frame_pack([small(event) for event in (3, 4, 8)])
    size = int.from_bytes(body[:4], "little")
    forms, entries = msgspec.msgpack.decode(body[4 : 4 + size])
    entries[2] = entry
    index = msgspec.msgpack.encode([forms, entries])
    back = decode_frames(headers, len(index).to_bytes(4, "little") + index + body[4 + size :])
    assert [frame.id for frame in back] == [FrameId("r", "cam", event) for event in (3, 4, 8)]


def test_a_pack_that_cannot_be_read_still_says_whose_frames_it_held() -> None:
    headers, body = encode_frame_pack([small(event) for event in (3, 4, 8)])
    assert headers["Cygnet-Events"] == "r/3-4,8"
    back = decode_frames(headers, b"\xff" + body[1:])
    assert [frame.id for frame in back] == [FrameId("r", "cam", event) for event in (3, 4, 8)]
    assert [bytes(frame.body) for frame in back] == [b"\xff" + body[1:], b"", b""]
    for frame in back:
        assert isinstance(frame, BrokenFrame)
        again = decode_frames(frame.headers, frame.body)  # as a letter that is replayed comes again
        assert [each.id for each in again] == [frame.id]


@given(st.text(alphabet="r/0123456789-,;", max_size=40))
@example("r/0-99999999999")
@example("r/5-3")
@example("r/0-65535,0-65535")
def test_no_list_of_events_makes_a_pack_larger_than_packs_are(text: str) -> None:
    headers = {"Content-Type": PACK, "Cygnet-Run": "r", "Cygnet-Detector": "cam", "Cygnet-Events": text}
    assert 1 <= len(decode_frames(headers, b"")) <= 65_536


def test_a_pack_whose_count_is_wrong_is_broken_as_a_whole() -> None:
    headers, body = encode_frame_pack([small(0), small(1)])
    del headers["Cygnet-Events"]
    (broken,) = decode_frames({**headers, "Cygnet-Count": "3"}, body)
    assert isinstance(broken, BrokenFrame)
    assert broken.reason == "count-mismatch"
    assert broken.body == body


def test_a_pack_of_two_detectors_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        encode_frame_pack([small(0), small(1, id=FrameId("r", "other", 1))])


def test_attributes_above_the_limit_are_refused_where_they_are_made() -> None:
    with pytest.raises(BadInputError, match="accepted: up to 4096"):
        encode_frame(small(0, attrs={"a": "x" * 5000}))


def test_message_ids_tell_detectors_stages_and_packs_apart() -> None:
    one, two = FrameId("r", "a", 1), FrameId("r", "b", 1)
    assert frame_message_id(one, "frame") == "r/a/1/frame"
    assert frame_message_id(one, "frame") != frame_message_id(two, "frame")
    assert replay_message_id(one, 3) == "r/a/1/frame/replay-3"
    whole = [FrameId("r", "a", event) for event in (1, 2, 3)]
    gap = [FrameId("r", "a", event) for event in (1, 3)]
    assert pack_message_id(whole, "frame").startswith("r/a/1-3/")
    assert pack_message_id(whole, "frame") != pack_message_id(gap, "frame")
    mixed = [FrameId("r", "a", 1), FrameId("s", "a", 2), FrameId("r", "a", 3)]
    assert pack_message_id(whole, "frame") != pack_message_id(mixed, "frame")
    with pytest.raises(ValueError, match="at least one"):
        pack_message_id([], "frame")


CYGNO = {"url": "http://s3/frames/a.jpg?X-Amz=1", "time": "2024-11-27 14:27:36.570564", "filename": "a.jpg"}


def test_keys_of_a_foreign_announcement_that_we_do_not_know_are_kept_as_attributes() -> None:
    body = json.dumps({**CYGNO, "camera": {"deep": [1]}, "weather": None}).encode()
    assert decode_announcement(body) == Announcement(
        **CYGNO, attrs={"camera": {"deep": [1]}, "weather": None}
    )
    body = json.dumps({**CYGNO, "temperature": 20, "attrs": {"temperature": 21, "hv": 440}}).encode()
    assert decode_announcement(body).attrs == {"temperature": 21, "hv": 440}


def test_an_announcer_that_counts_its_runs_is_understood() -> None:
    assert decode_announcement(json.dumps({**CYGNO, "run": 7}).encode()).run == "7"


def test_what_is_accepted_is_known_for_every_key_of_an_announcement() -> None:
    for name in Announcement.__dataclass_fields__:
        with pytest.raises(BadInputError, match=f"^{name}: .*; accepted: ") as caught:
            decode_announcement(json.dumps({**CYGNO, name: True}).encode())
        assert caught.value.reason == "wrong-type"


def test_a_time_in_seconds_is_told_how_a_time_is_written() -> None:
    with pytest.raises(BadInputError, match=r"time: 1732717656\.57; accepted: .*YYYY-MM-DD hh:mm:ss"):
        decode_announcement(json.dumps({**CYGNO, "time": 1732717656.57}).encode())


@given(
    st.builds(
        Announcement,
        url=st.text(min_size=1, max_size=40), time=st.text(max_size=30), filename=st.text(max_size=20),
        run=st.none() | NAME, event=st.none() | EVENT, detector=st.none() | NAME, offset=st.none() | EVENT,
        size=st.none() | EVENT, shape=st.none() | st.just((3, 4)), attrs=st.none() | ATTRS,
        crc32c=st.none() | st.integers(0, 2**32 - 1),
    )
)  # fmt: skip
def test_an_announcement_survives_its_frame(announcement: Announcement) -> None:
    frame = announcement_frame(announcement, FrameId("r", "cam", 1), 5)
    assert frame.content_type == ANNOUNCEMENT
    (back,) = decode_frames(*encode_frame(frame))
    assert decode_announcement(back.body) == announcement


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not-json"),
        (b"hello", "not-json"),
        (b'{"url": "x"', "not-json"),
        (b'{"url": "\xff", "time": "t"}', "not-utf8"),
        (b"[1, 2]", "wrong-type"),
        (b"3", "wrong-type"),
        (b'{"time": "t", "filename": "f"}', "missing-key"),
        (b'{"url": "u", "filename": "f"}', "missing-key"),
        (b'{"url": 3, "time": "t", "filename": "f"}', "wrong-type"),
        (b'{"url": "u", "time": 12.5, "filename": "f"}', "wrong-type"),
        (b'{"url": "u", "time": "t", "filename": ["f"]}', "wrong-type"),
        (b'{"url": "u", "time": "t", "event": "one"}', "wrong-type"),
        (b'{"url": "u", "time": "t", "event": -1}', "bad-event"),
        (b'{"url": "u", "time": "t", "note": "' + b"n" * 5000 + b'"}', "attrs-too-large"),
        (b'{"url": "u", "time": "t", "run": "a b"}', "bad-name"),
        (b'{"url": "u", "time": "t", "offset": -1}', "bad-number"),
        (b'{"url": "u", "time": "t", "shape": [0]}', "bad-shape"),
        (b'{"url": "", "time": "t"}', "bad-url"),
        (b'{"url": "' + b"u" * 20_000 + b'", "time": "t"}', "bad-url"),
        (b" " * 70_000, "too-large"),
        (b"[" * 60_000, "not-json"),
        (b'{"a":' * 12_000, "not-json"),
    ],
)
def test_a_bad_announcement_says_what_is_wrong(body: bytes, reason: str) -> None:
    with pytest.raises(BadInputError) as caught:
        decode_announcement(body)
    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_are_an_announcement_or_bad_input(body: bytes) -> None:
    with pytest.raises(BadInputError):
        decode_announcement(body)


@st.composite
def results(draw: st.DrawFn) -> Result:
    arrays = {}
    for name in draw(st.lists(st.sampled_from(["image", "mask", "sums"]), unique=True, max_size=3)):
        dtype = draw(st.sampled_from([*DTYPES, "<M8[ns]"]))
        shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
        count = int(np.prod(shape, dtype=int))
        arrays[name] = np.arange(count).astype("<i8").astype(dtype).reshape(shape)
    return Result(
        id=FrameId(draw(NAME), "cam", draw(EVENT)),
        time_ns=draw(TIME),
        arrays=arrays,
        axes=dict.fromkeys(arrays, "y,x"),
        revision=draw(st.integers(0, 2**40)),
        provenance=draw(st.sampled_from(["", "ab" * 32])),
        attrs=draw(ATTRS),
    )


@given(st.lists(results(), min_size=1, max_size=6))
def test_results_survive_their_message_as_views(many: list[Result]) -> None:
    headers, body = encode_results(many)
    back = decode_results(over_the_wire(headers), body)
    assert len(back) == len(many)
    for have, want in zip(back, many, strict=True):
        assert (have.id, have.time_ns, have.revision, have.provenance, have.attrs, have.axes) == (
            want.id, want.time_ns, want.revision, want.provenance, want.attrs, want.axes
        )  # fmt: skip
        assert have.layout == want.layout
        for name, array in have.arrays.items():
            np.testing.assert_array_equal(array, want.arrays[name])
            assert array.nbytes == 0 or not array.flags.owndata
            assert not array.flags.writeable


def test_arrays_that_are_not_contiguous_are_written_as_they_read() -> None:
    image = np.arange(24, dtype="<u2").reshape(4, 6)[::2, ::3].T
    headers, body = encode_results([Result(id=FrameId("r", "cam", 0), time_ns=0, arrays={"image": image})])
    np.testing.assert_array_equal(decode_results(headers, body)[0].arrays["image"], image)


@given(st.data())
def test_hostile_results_are_bad_input(data: st.DataObject) -> None:
    image = np.zeros((2, 3), "<u2")
    many = [Result(id=FrameId("r", "cam", event), time_ns=5, arrays={"image": image}) for event in range(3)]
    headers, body = encode_results(many)
    place = data.draw(st.integers(0, len(body) - 1))
    for hostile in (body[:place], body[:place] + bytes([data.draw(st.integers(0, 255))]) + body[place + 1 :]):
        try:
            decode_results(headers, hostile)
        except BadInputError as error:
            assert error.reason  # noqa: PT017


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20)), st.binary(max_size=100))
def test_what_are_no_results_is_bad_input(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadInputError):
        decode_results(headers, body)


def test_every_key_of_an_announcement_is_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "announcement.md").read_text()
    keys = {
        key for row in re.findall(r"^\|([^|]*)\|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    assert keys == set(Announcement.__dataclass_fields__)
