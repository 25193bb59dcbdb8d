"""Which run an `up` works on: the unfinished one, with the limit of now, else a new one."""

import pytest

from cygnet.local.conductor import goes_on
from cygnet.local.control import ask_for_run
from cygnet.transport.runs import RUN_KEY
from cygnet.transport.values import ConflictError, Value


class FakeValues:
    def __init__(self, **documents):
        self.documents = {key.replace("_", "."): (1, data) for key, data in documents.items()}
        self.rivals = []

    async def get(self, key):
        found = self.documents.get(key)
        return Value(*found, b"") if found else None

    async def keys(self, prefix):
        return [key for key in self.documents if key.startswith(prefix)]

    async def create(self, key, data):
        await self.update(key, data, 0)

    async def update(self, key, data, revision):
        if self.rivals:
            self.documents[key] = (revision + 1, self.rivals.pop())
        now, _ = self.documents.get(key, (0, None))
        if now != revision:
            raise ConflictError(key)
        self.documents[key] = (now + 1, data)

    @property
    def request(self):
        return self.documents[RUN_KEY][1]


def unfinished(limit=None, state="running", **cursors):
    return FakeValues(
        control_run={"run": "old", "events": limit},
        run_old={"state": state},
        **{f"cursor_old_{name}": document for name, document in cursors.items()},
    )


async def test_a_limit_given_to_an_unfinished_run_is_not_ignored():
    values = unfinished(lime={"next": 5, "reserved": 8})
    asked = await ask_for_run(values, 210)
    assert (asked.request.run, asked.request.events, asked.goes_on) == ("old", 210, True)
    assert values.request == {"run": "old", "events": 210}
    assert goes_on(asked, 210).endswith("it ends after 210 events")


async def test_a_limit_never_leaves_events_in_the_stream_that_the_run_does_not_own():
    asked = await ask_for_run(unfinished(lime={"next": 5, "reserved": 300}, orca={"next": 400}), 210)
    assert asked.request.events == 400
    assert goes_on(asked, 210).endswith(
        "it has issued 400 events already, and ends there instead of after 210"
    )


async def test_without_a_limit_an_unfinished_run_keeps_its_own():
    values = unfinished(limit=77)
    asked = await ask_for_run(values, None)
    assert asked.request.events == 77
    assert "it ends after 77 events" in goes_on(asked, None)
    assert "ends" not in goes_on(await ask_for_run(unfinished(), None), None)


async def test_a_run_whose_source_is_done_is_finished_as_it_is_and_that_is_said():
    asked = await ask_for_run(unfinished(limit=5, state="ended"), 210)
    assert asked.request.events == 5
    assert "--events 210 changes nothing" in goes_on(asked, 210)


@pytest.mark.parametrize("state", ["complete", "removed"])
async def test_a_run_that_is_over_is_followed_by_a_new_one(state):
    values = unfinished(state=state)
    asked = await ask_for_run(values, 3)
    assert asked.request.run != "old"
    assert (values.request["events"], asked.goes_on) == (3, False)


async def test_who_asks_at_the_same_time_gets_the_same_run():
    values = unfinished(state="complete")
    values.documents["run.theirs"] = (1, {"state": "running"})
    values.rivals.append({"run": "theirs", "events": None})
    asked = await ask_for_run(values, None)
    assert (asked.request.run, asked.goes_on) == ("theirs", True)
