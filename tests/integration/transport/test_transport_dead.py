"""Dead letters on a real server: kept with reason and original, replayed once, dropped, never lost."""

from typing import Any

import numpy as np
import pytest

from cygnet.model.account import Dead
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.model.frame import ANNOUNCEMENT, Frame
from cygnet.model.identity import FrameId
from cygnet.transport.account import read_account
from cygnet.transport.client import Client
from cygnet.transport.codec import BrokenFrame, decode_frames, encode_frame, encode_frame_pack
from cygnet.transport.connection import inline_limit
from cygnet.transport.dead import DeadBody, bury, drop, get_dead, list_dead, list_gone, replay
from cygnet.transport.errors import MessageTooLargeError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.stored import stored_message
from cygnet.transport.streams import stream_state

WHY: Any = {
    "reason": "not-an-image",
    "message": "body: b'<html>'; accepted: PNG",
    "stage": "decode",
    "deliveries": 1,
}
BODY = np.arange(6, dtype="<u2").tobytes()


def frame(event: int = 3, detector: str = "cam") -> Frame:
    return Frame(
        id=FrameId("r", detector, event), time_ns=5, body=BODY, dtype="<u2", shape=(2, 3), attrs={"a": 1}
    )


@pytest.fixture
def window(nc: Client) -> PublishWindow:
    return PublishWindow(nc)


async def test_a_dead_frame_is_kept_whole_and_written_into_the_account(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    steps: list[str] = []
    ack = await bury(window, pipeline, frame(), **WHY, between=lambda: steps.append("dead"))
    assert steps == ["dead"]
    (letter,) = await list_dead(nc, pipeline)
    assert (letter.sequence, letter.id, letter.reason, letter.stage, letter.deliveries, letter.size) == (
        ack.sequence, FrameId("r", "cam", 3), "not-an-image", "decode", 1, len(BODY)
    )  # fmt: skip
    assert letter.message == WHY["message"]
    assert letter.time_ns > 0
    whole = await get_dead(nc, pipeline, letter.sequence)
    assert whole.body == BODY
    assert whole.headers == encode_frame(frame())[0]
    ((_, record),) = await read_account(nc, pipeline, "r")
    assert isinstance(record, Dead)
    assert (record.events, record.reason) == ([(3, 3)], "not-an-image")


async def test_burying_twice_for_one_input_is_one_letter(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    for _ in range(2):
        await bury(window, pipeline, frame(), **WHY, sequence=17)
    await bury(window, pipeline, frame(), **WHY, sequence=18)
    assert len(await list_dead(nc, pipeline)) == 2
    assert len(await read_account(nc, pipeline)) == 2


async def test_a_replayed_letter_is_stored_again_though_its_old_id_is_remembered(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    headers, body = encode_frame(frame())
    await window.publish(pipeline.frame_subject("cam"), body, headers, msg_id="r/cam/3/frame")
    for turn in (2, 3):
        letter = await bury(window, pipeline, frame(), **WHY)
        ack = await replay(window, pipeline, letter.sequence)
        assert (ack.sequence, ack.duplicate) == (turn, False)
        message = await stored_message(nc, pipeline.frames, ack.sequence)
        assert message is not None
        assert decode_frames(message.headers, message.data) == [frame()]
        assert "Cygnet-Reason" not in message.headers
    assert await list_dead(nc, pipeline) == []


async def test_a_replay_cut_off_before_the_removal_makes_one_frame(
    nc: Client, pipeline: Names, window: PublishWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await bury(window, pipeline, frame(), **WHY)

    async def cut_off(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("cygnet.transport.dead.drop", cut_off)
        with pytest.raises(ConnectionError):
            await replay(window, pipeline, letter.sequence)
    assert (await replay(window, pipeline, letter.sequence)).duplicate
    assert (await stream_state(nc, pipeline.frames)).messages == 1


async def test_letters_are_listed_by_run_and_detector_and_dropped_one_by_one(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    for event, detector in ((1, "cam"), (2, "cam"), (1, "other")):
        await bury(window, pipeline, frame(event, detector), **WHY)
    assert len(await list_dead(nc, pipeline)) == 3
    first, second = await list_dead(nc, pipeline, "r", "cam")
    assert await list_dead(nc, pipeline, "never") == []
    await drop(nc, pipeline, first.sequence)
    await drop(nc, pipeline, first.sequence)
    assert await list_dead(nc, pipeline, detector="cam") == [second]
    with pytest.raises(NoSuchError, match=f"dead letter {first.sequence}"):
        await get_dead(nc, pipeline, first.sequence)
    with pytest.raises(NoSuchError):
        await replay(window, pipeline, first.sequence)


async def test_a_broken_entry_of_a_pack_is_a_letter_of_its_own_event(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    headers, body = encode_frame_pack([frame(1), frame(2)])
    broken = decode_frames(headers, body[:-1])[1]
    assert isinstance(broken, BrokenFrame)
    await bury(
        window, pipeline, broken, reason=broken.reason, message=broken.message, stage="read", deliveries=2
    )
    (letter,) = await list_dead(nc, pipeline)
    assert (letter.id, letter.reason) == (FrameId("r", "cam", 2), "bad-range")


async def test_what_has_no_identity_is_kept_without_a_record_and_cannot_be_replayed(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    hostile = {
        "Nats-Expected-Stream": "nope",
        "Cygnet-Reason": "mine",
        "é": "x",
        "Big": "y" * 60_000,
        "A": "b",
    }
    (broken,) = decode_frames(hostile, b"junk")
    assert isinstance(broken, BrokenFrame)
    ack = await bury(window, pipeline, broken, **WHY)
    letter = await get_dead(nc, pipeline, ack.sequence)
    assert (letter.id, letter.reason, letter.headers, letter.body) == (
        None,
        "not-an-image",
        {"A": "b"},
        b"junk",
    )
    assert await read_account(nc, pipeline) == []
    with pytest.raises(BadInputError, match="no identity"):
        await replay(window, pipeline, ack.sequence)


async def test_a_letter_whose_body_lies_elsewhere_tells_its_size_and_is_replayed_with_it_only(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    body = DeadBody(key="p/r/dead/cam/000000003-7", size=len(BODY), sha256="0f")
    ack = await bury(window, pipeline, frame(), **WHY, elsewhere=body)
    (letter,) = await list_dead(nc, pipeline)
    assert (letter.elsewhere, letter.size, letter.headers) == (body, len(BODY), encode_frame(frame())[0])
    assert (await get_dead(nc, pipeline, ack.sequence)).body == b""
    with pytest.raises(ValueError, match="its body lies at p/r/dead"):
        await replay(window, pipeline, ack.sequence)
    again = await replay(window, pipeline, ack.sequence, BODY)
    message = await stored_message(nc, pipeline.frames, again.sequence)
    assert message is not None
    assert message.data == BODY
    assert await list_dead(nc, pipeline) == []


async def test_a_body_that_no_message_carries_is_refused_and_not_cut(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    broken = BrokenFrame(id=FrameId("r", "cam", 1), reason="x", message="y", body=bytes(inline_limit(nc) + 1))
    with pytest.raises(MessageTooLargeError):
        await bury(window, pipeline, broken, **WHY)
    assert await read_account(nc, pipeline) == []


async def test_a_letter_that_newer_ones_drive_out_leaves_its_reason_and_its_file_name(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    room = (await stream_state(nc, pipeline.dead)).max_bytes
    body = bytes(room // 8)
    letters = []
    for event in range(11):
        each = Frame(
            id=FrameId("r", "cam", event), time_ns=5, body=body, dtype="|u1", attrs={"file": f"{event}.png"}
        )
        letters.append((await bury(window, pipeline, each, **WHY)).sequence)
        if event == 1:
            await drop(nc, pipeline, letters[1])  # by hand: nobody wonders where that one is
    there = {letter.sequence for letter in await list_dead(nc, pipeline)}
    gone = await list_gone(nc, pipeline)
    assert gone
    assert [letter.sequence for letter in gone] == sorted(set(letters) - there - {letters[1]})
    first = gone[0]
    assert (first.id, first.reason, first.message, first.file, first.is_gone) == (
        FrameId("r", "cam", 0), WHY["reason"], WHY["message"], "0.png", True
    )  # fmt: skip
    assert first.time_ns > 0
    with pytest.raises(NoSuchError, match="newer ones needed its room"):
        await get_dead(nc, pipeline, first.sequence)


async def test_a_letter_says_which_file_was_announced(
    nc: Client, pipeline: Names, window: PublishWindow
) -> None:
    body = b'{"url": "http://host/a.png", "time": "2024-11-27 14:27:36", "filename": "a.png"}'
    pointer = Frame(id=FrameId("r", "cam", 1), time_ns=5, body=body, content_type=ANNOUNCEMENT)
    await bury(window, pipeline, pointer, **WHY)
    (letter,) = await list_dead(nc, pipeline)
    assert letter.file == "a.png"
