"""What is known of runs: nothing that is appended while it reads is lost, and no run is forgotten."""

import asyncio

import pytest

from cygnet.model.account import Begin, Dead, End
from cygnet.model.ledger import total
from cygnet.observe import accounts as module
from cygnet.observe.accounts import Accounts
from cygnet.transport.errors import NatsOutageError


def begin(run):
    return Begin(run=run, detectors=["cam"], time_ns=0)


def dead(run, event=0):
    return Dead(run=run, detector="cam", events=[(event, event)], reason="not-found")


class Feed:
    """Stands in for the follower: gives what it is fed."""

    def __init__(self):
        self.records = []

    async def next(self, timeout):
        await asyncio.sleep(0)
        taken, self.records = self.records, []
        return list(enumerate(taken))

    async def stop(self):
        return


@pytest.fixture
async def followed():
    accounts = Accounts(None, None, None)
    accounts._follower = feed = Feed()
    following = asyncio.create_task(accounts.follow())
    yield accounts, feed
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def taken(feed):
    while feed.records:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_frame_that_dies_while_the_account_is_read_is_shown_as_dead(followed, monkeypatch):
    accounts, feed = followed

    async def read(nc, names, run):
        feed.records.append(dead("new"))  # behind what this reading will give
        await taken(feed)
        return [(1, begin("new"))]

    monkeypatch.setattr(module, "read_account", read)
    await accounts.turn_to("new")
    line = total(accounts.lines({"cam": 1}), "new")
    assert (line.announced, line.dead, line.in_flight) == (1, 1, 0)


async def test_an_account_that_was_half_read_is_read_again(followed, monkeypatch):
    accounts, _ = followed
    answers = [NatsOutageError("away"), [(1, begin("new")), (2, dead("new"))]]

    async def read(nc, names, run):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(module, "read_account", read)
    with pytest.raises(NatsOutageError):
        await accounts.turn_to("new")
    await accounts.turn_to("new")
    assert total(accounts.lines({"cam": 1}), "new").dead == 1


async def test_runs_that_pile_up_are_counted_until_they_are_complete(followed, monkeypatch):
    accounts, feed = followed

    async def read(nc, names, run):
        return []

    monkeypatch.setattr(module, "read_account", read)
    runs = ["a", "b", "c"]
    for run in runs:
        feed.records += [begin(run), End(run=run, announced={"cam": 2}, time_ns=1)]
        await taken(feed)
        await accounts.turn_to(run)
    assert [(line.run, line.in_flight) for line in accounts.behind()] == [("a", 2), ("b", 2)]
    feed.records += [dead("a", 0), dead("a", 1)]
    await taken(feed)
    assert [line.run for line in accounts.behind()] == ["b"]
    assert "a" not in accounts._accounts
