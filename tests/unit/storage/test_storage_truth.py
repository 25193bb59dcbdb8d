"""Truth is joined by event number, whatever segments it lies in, and never guessed where there is none."""

import numpy as np
import pytest

from cygnet.model.truth import Truth
from cygnet.storage import keys
from cygnet.storage.bucket import open_folder
from cygnet.storage.errors import CorruptedError
from cygnet.storage.truth import TruthReader, truth_to_parquet


def truth(event):
    return Truth(
        event=event,
        time_ns=10**18 + event,
        recoil=("nuclear", "electronic")[event % 2],
        energy_kev=1 + event / 7,
        direction=(0.6, -0.8, 0.0),
        position_mm=(event / 10, -event / 10),
        z_mm=250.5,
    )


@pytest.fixture
def write(tmp_path):
    def write_one(detector, first, last, events=None):
        file = tmp_path / keys.truth_key("p", "r", detector, first, last)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(
            truth_to_parquet([truth(e) for e in events or range(first, last + 1)], {"seed": "1"})
        )
        return file

    return write_one


@pytest.fixture
def reader(tmp_path):
    return TruthReader(open_folder(tmp_path).reader, "p", "r", "cam")


def test_truth_comes_back_as_it_was_written(write, reader):
    write("cam", 0, 9)
    assert [reader.at(event) for event in range(10)] == [truth(event) for event in range(10)]


def test_truth_says_how_its_detector_was_simulated(write, reader):
    assert reader.about() == {}
    reader.forget()
    write("cam-2", 0, 9)
    assert reader.about() == {}
    reader.forget()
    write("cam", 0, 9)
    assert reader.about() == {"seed": "1"}


def test_events_without_truth_have_none(write, reader):
    assert reader.at(0) is None
    reader.forget()
    write("cam", 0, 9)
    write("cam-2", 10, 19)
    assert reader.at(10) is None
    assert reader.table([3, 10, 4]).column("event").to_pylist() == [3, 4]


def test_rows_come_in_the_order_of_the_question_across_segments(write, reader):
    for first in (0, 10, 20):
        write("cam", first, first + 9)
    events = np.random.default_rng(1).permutation(30)
    assert reader.table(events).column("event").to_pylist() == events.tolist()


def test_segments_that_overlap_give_each_event_once(write, reader):
    write("cam", 0, 9)
    write("cam", 0, 4)
    assert reader.table(range(10)).column("event").to_pylist() == list(range(10))


def test_the_same_truth_makes_the_same_bytes(write):
    assert write("cam", 0, 9).read_bytes() == write("cam", 0, 9).read_bytes()


def test_a_segment_that_lies_about_its_events_is_not_believed(write, reader):
    write("cam", 0, 9, events=range(1, 11))
    with pytest.raises(CorruptedError, match="does not hold the events that its name says"):
        reader.at(3)


def test_a_file_that_is_no_table_is_named(write, reader):
    write("cam", 0, 9).write_bytes(b"nothing of the kind")
    with pytest.raises(CorruptedError, match=r"cam-000000000-000000009.parquet holds no truth"):
        reader.at(3)
