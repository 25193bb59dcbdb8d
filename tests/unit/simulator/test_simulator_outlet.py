"""Frames become messages: each once, in order, within what the server takes; each PUT under its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.frame import ANNOUNCEMENT, Frame
from cygnet.model.identity import FrameId
from cygnet.simulator.outlet import Route, Store, info_line, pack, route
from cygnet.storage.port import Head
from cygnet.transport.codec import decode_frames

LIMIT = (1 << 20) - (64 << 10)  # of a server that nobody has told otherwise


def frame(event, size=10, **more):
    given = {"body": bytes(size), "dtype": "|u1", "shape": (size,), "axes": "x"}
    return Frame(id=FrameId("r", "cam", event), time_ns=1, **(given | more))


@given(
    st.lists(st.sampled_from([1, 100, 40_000, 65_535, 65_536, 300_000]), max_size=80),
    st.sampled_from([200_000, LIMIT, 8 << 20]),
)
def test_every_frame_travels_once_in_order_and_no_message_is_too_large(sizes, limit):
    frames = [frame(event, size) for event, size in enumerate(sizes) if size <= limit]
    messages = list(pack(frames, limit))
    arrived = [each for message in messages for each in decode_frames(message.headers, message.body)]
    assert [each.id for each in arrived] == [each.id for each in frames]
    assert [bytes(each.body) for each in arrived] == [bytes(each.body) for each in frames]
    assert sum(message.frames for message in messages) == len(frames)
    assert all(len(message.body) <= limit for message in messages)
    assert len({message.msg_id for message in messages}) == len(messages)


def test_small_frames_with_large_attributes_still_fit_a_message():
    frames = [frame(event, 10_000, attrs={"a": "x" * 4000}) for event in range(64)]
    assert all(len(message.body) <= LIMIT for message in pack(frames, LIMIT))


def test_a_large_frame_does_not_wait_for_small_ones_nor_they_for_it():
    sizes = [len(message.body) for message in pack([frame(0), frame(1, 100_000), frame(2)], LIMIT)]
    assert sizes == [10, 100_000, 10]


@pytest.mark.parametrize(
    ("mode", "size", "more", "expected"),
    [
        ("auto", 100, {}, Route.INLINE),
        ("auto", 101, {}, Route.REFERENCE),
        ("inline", 100, {}, Route.INLINE),
        ("inline", 101, {}, Route.TOO_LARGE),
        ("reference", 1, {}, Route.REFERENCE),
        ("reference", 50, {"content_type": ANNOUNCEMENT}, Route.INLINE),
        ("auto", 101, {"content_type": ANNOUNCEMENT}, Route.TOO_LARGE),
    ],
)
def test_a_frame_takes_the_way_that_can_carry_it(mode, size, more, expected):
    assert route(frame(0, size, **more), mode, 100) is expected


class Bucket:
    """Honours conditional PUTs, as S3 does and rclone does not."""

    def __init__(self):
        self.objects = {}
        self.puts = 0

    async def put(self, key, body, *, content_type, metadata=None, only_if_absent=False):
        if only_if_absent and key in self.objects:
            return False
        self.objects[key] = bytes(body)
        self.puts += 1
        return True

    async def head(self, key):
        return Head(len(self.objects[key]), "", "") if key in self.objects else None

    async def get(self, key):
        return self.objects[key]

    def sign_get(self, key, seconds):
        return f"http://s3/{key}?for={seconds}"


async def test_a_frame_put_again_after_a_crash_keeps_its_object():
    store = Store(bucket := Bucket(), "b", "p")
    first = await store.announce([frame(0, body=b"same")])
    again = await store.announce([frame(0, body=b"same")])
    assert first[0].key == again[0].key
    assert list(bucket.objects) == ["p/r/frames/cam/000000000.raw"]


async def test_another_frame_under_a_taken_key_takes_a_new_one_and_replaces_nothing():
    store = Store(bucket := Bucket(), "b", "")
    found = [(await store.announce([frame(0, body=body)]))[0] for body in (b"one", b"two", b"three")]
    assert [bucket.objects[each.key] for each in found] == [b"one", b"two", b"three"]
    assert len({each.key for each in found}) == 3


async def test_an_announcement_says_what_old_listeners_read_and_what_ours_need():
    store = Store(Bucket(), "b", "p")
    png = frame(7, body=b"\x89PNG", content_type="image/png", dtype="", shape=())
    told, array = await store.announce([png, frame(8, attrs={"a": 1})])
    assert (told.run, told.event, told.detector, told.bucket, told.size) == ("r", 7, "cam", "b", 4)
    assert told.filename.startswith("cam-")
    assert told.key.endswith("000000007.png")
    assert (told.dtype, told.shape, told.codec) == (None, None, None)
    assert (array.dtype, array.shape, array.codec, array.attrs) == ("|u1", (10,), "identity", {"a": 1})


async def test_frames_of_the_same_bytes_share_an_object_and_remain_events_of_their_own():
    store = Store(bucket := Bucket(), "cygno-daq", "p", by_content=True)
    jpeg = {"content_type": "image/jpeg", "dtype": "", "shape": ()}
    frames = [frame(event, body=body, **jpeg) for event, body in enumerate([b"a", b"a", b"b"])]
    told = await store.announce(frames)
    assert [each.event for each in told] == [0, 1, 2]
    name = "cam-0cc175b9c0f1b6a831c399e269772661.jpg"
    assert [(each.key, each.filename) for each in told[:2]] == [(name, name)] * 2
    assert told[2].key == told[2].filename != name
    assert {each.bucket for each in told} == {"cygno-daq"}
    (again,) = await store.announce([frame(7, body=b"a", **jpeg)])
    assert (again.key, again.event) == (name, 7)
    assert bucket.puts == 2, "an object that somebody may be reading was put again"


def test_line_of_text_names_the_frame_in_ascii():
    png = frame(7, body=b"\x89PNG", content_type="image/png", dtype="", shape=())
    assert info_line(png, None) == b"cam: run r, event 7: passed on"
