from types import SimpleNamespace

import pytest

from cygnet.aggregator.books import Books
from cygnet.model.account import Begin, Dead, End
from cygnet.model.ledger import fold
from cygnet.runtime.metrics import REGISTRY
from cygnet.transport.errors import NatsOutageError


class Values:
    def __init__(self, cursors):
        self.cursors = cursors
        self.is_away = False

    async def get(self, key):
        if self.is_away:
            raise NatsOutageError("away")
        return SimpleNamespace(data={"next": self.cursors[key]}) if key in self.cursors else None


@pytest.fixture
def books():
    values = Values({})
    books = Books(values)
    yield books, values
    books.close()


def events(run, fate, detector="lime"):
    labels = {"run": run, "detector": detector, "fate": fate}
    return REGISTRY.get_sample_value("cygnet_ledger_events", labels)


def begin(run):
    return Begin(run=run, detectors=["lime"], time_ns=0)


def dead(run, first, last):
    return Dead(run=run, detector="lime", events=[(first, last)], reason="undecodable")


def complete(run):
    return fold(run, [begin(run), dead(run, 0, 9), End(run=run, announced={"lime": 10}, time_ns=0)])


async def test_a_run_that_goes_on_shows_what_its_source_has_announced(books):
    books, values = books
    values.cursors["cursor.a.lime"] = 50
    await books.show_all([fold("a", [begin("a"), dead("a", 0, 4)])])
    assert (events("a", "announced"), events("a", "dead"), events("a", "in_flight")) == (50, 5, 45)
    assert REGISTRY.get_sample_value("cygnet_ledger_run_ended", {"run": "a"}) == 0


async def test_an_outage_leaves_the_last_word_standing(books):
    books, values = books
    account = fold("a", [begin("a"), dead("a", 0, 4)])
    await books.show_all([account])
    values.is_away = True
    account.add(dead("a", 5, 9))
    await books.show_all([account])
    assert events("a", "dead") == 5


def test_runs_that_were_complete_long_ago_are_no_series(books):
    books, _ = books
    for run in ("a", "b", "c", "d", "b"):
        books.complete(complete(run))
    assert events("a", "dead") is None
    assert [events(run, "in_flight") for run in ("b", "c", "d")] == [0, 0, 0]
    assert REGISTRY.get_sample_value("cygnet_ledger_run_ended", {"run": "b"}) == 1
    books.complete(complete("e"))
    assert (events("b", "dead"), events("c", "dead")) == (10, None)


def test_an_aggregator_that_is_overtaken_keeps_no_books(books):
    books, _ = books
    books.complete(complete("a"))
    books.close()
    assert events("a", "dead") is None
