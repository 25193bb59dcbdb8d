"""Event n is file n modulo their number, whatever was asked for before: a run goes on where it was left."""

import numpy as np
import pytest

from cygnet.model.errors import BadInputError
from cygnet.simulator.replay import Replay
from cygnet.spec.sources import ReplaySource
from hostile.arrays import DAMAGED


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.full((2, 3), number, "u2"))
    (tmp_path / "notes.txt").write_text("no frame")
    return tmp_path


async def source(folder, **spec):
    replay = Replay("cam", ReplaySource(path=".", **spec), folder)
    await replay.open("r", 0, None)
    return replay


async def test_the_same_event_is_the_same_frame_wherever_one_begins(folder):
    replay = await source(folder)
    first = await replay.take(0, 7)
    again = await (await source(folder)).take(4, 3)
    assert [bytes(each.body) for each in again.frames] == [bytes(each.body) for each in first.frames[4:]]
    assert [each.id.event for each in again.frames] == [4, 5, 6]
    assert (first.next_event, again.next_event, first.exhausted) == (7, 7, False)


async def test_a_folder_played_once_ends_and_says_so(folder):
    replay = await source(folder, loop=False)
    batch = await replay.take(1, 64)
    assert ([each.id.event for each in batch.frames], batch.next_event, batch.exhausted) == ([1, 2], 3, True)
    after = await replay.take(3, 64)
    assert (list(after.frames), after.next_event, after.exhausted) == ([], 3, True)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", ">f8", "?", "<f2", "<c8", "M8[ns]"])
@pytest.mark.parametrize("order", ["C", "F"])
async def test_an_array_of_any_type_and_order_is_read_as_it_is(tmp_path, dtype, order):
    array = np.array(np.arange(6).reshape(2, 3), dtype, order=order)
    np.save(tmp_path / "0.npy", array)
    [frame] = (await (await source(tmp_path)).take(0, 1)).frames
    assert np.array_equal(np.frombuffer(frame.body, frame.dtype).reshape(frame.shape), array)


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
async def test_a_file_that_is_no_array_is_passed_on_and_ends_nothing(tmp_path, content):
    (tmp_path / "0.npy").write_bytes(content)
    [frame] = (await (await source(tmp_path)).take(0, 1)).frames
    assert (frame.body, frame.content_type) == (content, "application/x-npy")


async def test_a_file_that_is_gone_in_mid_run_keeps_its_number(folder):
    replay = await source(folder)
    (folder / "1.npy").unlink()
    batch = await replay.take(0, 3)
    assert [each.id.event for each in batch.frames] == [0, 1, 2]
    assert len(batch.frames[1].body) == 0


@pytest.mark.parametrize(("path", "wrong"), [("nowhere", "is not there"), (".", "has no frame")])
def test_a_folder_that_is_none_or_has_no_frame_is_named(tmp_path, path, wrong):
    with pytest.raises(BadInputError, match=rf"replay.path: .*{wrong}; accepted: a folder with .png"):
        Replay("cam", ReplaySource(path=path), tmp_path)
