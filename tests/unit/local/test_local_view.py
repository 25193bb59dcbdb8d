"""What is shown: rates that a hiccup does not spoil, a table that fits, news that are counted."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from cygnet.local.table import News, Scene, add_news, render
from cygnet.local.view import Counts, View
from cygnet.observe.rate import Rate, lag


def test_rate_is_over_the_last_seconds_only():
    rate = Rate()
    for second in range(11):
        assert rate.add(float(second), 100 * second) == pytest.approx(100.0 if second else 0.0)
    for second in range(11, 20):
        last = rate.add(float(second), 1000)
    assert last == 0.0


def test_rate_begins_anew_when_a_count_falls_back():
    rate = Rate()
    rate.add(0.0, 1000)
    rate.add(1.0, 1100)
    assert rate.add(2.0, 5) == 0.0
    assert rate.add(3.0, 25) == pytest.approx(20.0)


def test_lag_of_a_backlog_that_does_not_move_is_not_zero():
    assert lag(0, 0.0) == 0.0
    assert lag(100, 50.0) == 2.0
    assert lag(100, 0.0) is None


VIEW = View(
    pipeline="a-rather-long-name-of-a-pipeline",
    time=1000.0,
    run="20261121T101010-ab12",
    state="running",
    events_wanted=2_000_000,
    counts=Counts(
        announced=1_999_999,
        stored=1_234_567,
        consumed=12_345,
        dead=17,
        in_flight=765_415,
        chunks_committed=6001,
        chunks_stored=6000,
        dropped=5,
    ),
    rate_hz=12345.6,
    lag_seconds=61.9,
    ready=1,
    replicas=20,
    restarts=3,
    decision="1 → 2: DemandAboveCapacity, " + "x" * 200,
    held_seconds=3.0,
)


def drawn(scene, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render(scene, 1000.0, width))
    return console.file.getvalue().splitlines()


def test_the_table_fits_into_100_columns_with_its_headings_whole():
    lines = drawn(Scene(views=[VIEW], header=[("data", "d" * 300)], news=[News(990.0, "n" * 300)]))
    assert all(len(line) <= 100 for line in lines)
    heading = next(line for line in lines if line.startswith("pipeline"))
    for word in ("frames/s", "lag", "workers", "announced", "stored", "consumed", "dead", "in flight"):
        assert word in heading
    numbers = lines[lines.index(heading) + 1]
    for number in ("12346", "1/20", "1999999", "1234567", "12345", "17", "765415", "6000/6001"):
        assert number in numbers
    assert any("20261121T101010-ab12" in line and "61 %" in line for line in lines)


@pytest.mark.parametrize("consumed", [0, 12_345])
def test_80_columns_show_every_heading_every_number_and_the_restarts(consumed):
    counts = Counts(
        announced=1_999_999,
        stored=1_234_567,
        consumed=consumed,
        dead=17,
        chunks_committed=617,
        chunks_stored=616,
    )
    view = replace(VIEW, pipeline="cygno-lime-01", counts=counts)
    lines = drawn(Scene(views=[view], header=[]), width=80)
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "pipeline " in text
    for word in ("frames/s", "workers", "announced", "stored", "dead", "flight", "chunks", "3 restarts"):
        assert word in text
    for number in ("12346", "61.9 s", "1/20", "1999999", "1234567", "17", "616/617"):
        assert number in text
    numbers = next(line for line in lines if "1234567" in line)
    assert "…" not in numbers[8:], "only a name may be cut, which stands below in full"
    assert any(line.startswith("cygno-lime-01 20261121") for line in lines)


def test_a_run_that_was_ended_early_is_done_with_what_was_announced():
    counts = Counts(announced=520, stored=520)
    view = replace(VIEW, state="complete", counts=counts, events_wanted=2000)
    assert "100 %" in "\n".join(drawn(Scene(views=[view], header=[])))
    running = replace(view, state="running")
    assert "26 %" in "\n".join(drawn(Scene(views=[running], header=[])))


def test_stalled_and_old_numbers_are_said_to_be_so():
    view = View(pipeline="lime", time=0.0, lag_seconds=None, ready=1, trouble="no news from NATS: away")
    text = "\n".join(drawn(Scene(views=[view], header=[])))
    assert "stalled" in text
    assert "no news from NATS" in text


def test_a_pipeline_whose_first_worker_comes_up_does_not_look_broken():
    counts = Counts(announced=40, in_flight=40)
    starting = View(pipeline="lime", time=0.0, state="running", lag_seconds=None, replicas=1, counts=counts)
    text = "\n".join(drawn(Scene(views=[starting], header=[])))
    assert "stalled" not in text
    assert "start…" in text
    died = replace(starting, counts=replace(counts, in_flight=30, stored=10))
    assert "stalled" in "\n".join(drawn(Scene(views=[died], header=[])))


def test_a_run_without_an_end_has_no_bar_that_looks_full():
    view = View(
        pipeline="lime", time=0.0, run="r", state="running", counts=Counts(announced=9), held_seconds=22
    )
    text = "\n".join(drawn(Scene(views=[view], header=[])))
    assert "━" not in text
    assert "until it is ended" in text
    assert "source waited 22 s for workers" in text


def test_what_stands_in_the_way_is_told_to_its_end():
    trouble = "uploader held: " + "S3 denies with 403 and says so at length, " * 8 + "check the keys"
    lines = drawn(Scene(views=[View(pipeline="lime", time=0.0, trouble=trouble)], header=[]), width=80)
    assert "check the keys" in " ".join(lines)


def test_the_same_news_again_are_counted_not_repeated():
    news = []
    for second in range(50):
        news = add_news(news, float(second), "simulator died")
    assert news == [News(49.0, "simulator died", 50)]
    lines = drawn(Scene(views=[], header=[], news=[News(998.0, "simulator died", 50)]))
    assert "! 2 s ago ×50: simulator died" in "\n".join(lines)


def test_news_of_a_long_run_do_not_grow_without_bound():
    news = []
    for number in range(1000):
        news = add_news(news, float(number), str(number))
    assert len(news) <= 101


def test_a_view_is_plain_json():
    assert VIEW.to_document()["counts"]["stored"] == 1_234_567


def test_runs_that_pile_up_behind_the_newest_are_said():
    scene = Scene(views=[replace(VIEW, runs_behind=43)], header=[])
    out = io.StringIO()
    Console(file=out, width=140).print(render(scene, 1000.0, 140))
    assert "43 earlier runs not complete" in out.getvalue()
