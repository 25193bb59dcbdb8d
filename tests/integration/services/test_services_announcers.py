"""Foreign announcers through the services: what they say between two runs or before a kill is counted."""

import pytest

from cygnet.transport.runs import END_KEY, RUN_KEY
from fixtures.rig import frame, open_rig

SERVICES = ("simulator", "preprocessor", "aggregator", "uploader")


def announcer(subject, **more):
    return {"sources": [{"name": "cam", "announcements": {"subjects": [subject], **more}}]}


async def test_what_is_announced_between_two_endless_runs_is_in_the_second(nats, s3, tmp_path):
    spec = {**announcer("daq/endless", eventsPerRun=10), "runs": "endless"}
    async with open_rig(nats, s3, tmp_path, spec) as rig:
        await rig.values.put(RUN_KEY, {"run": "first", "events": None})
        source = await rig.start(*reversed(SERVICES))
        await rig.until(lambda: bool(source.log.of("run begins")))
        for number in range(35):  # no announcements: each is one dead letter with what was sent
            await rig.nc.publish("daq/endless", b"%d" % number)
        await rig.complete("first")

        async def are_three_runs_full():
            ended = source.log.of("run ended")
            return len(ended) == 3 and len(await rig.letters()) == 35

        await rig.until(are_three_runs_full)
        letters = await rig.letters()
        assert sorted(int(letter.body) for letter in letters) == list(range(35))
        assert len({letter.id.run for letter in letters}) == 4


@pytest.mark.parametrize("were_published", [True, False])
async def test_a_run_that_ends_owns_what_its_killed_source_had_begun(
    nats, s3, tmp_path, monkeypatch, were_published
):
    """INTAKE has lost what the bridge had reserved: in FRAMES or not, the numbers are the run's."""
    monkeypatch.setattr("cygnet.simulator.feeder._LAST_LOOK_SECONDS", 0.1)
    async with open_rig(nats, s3, tmp_path, announcer("daq/killed")) as rig:
        await rig.values.put(RUN_KEY, {"run": "killed", "events": None})
        await rig.values.put("base.killed.cam", {"run": "killed", "base": 1, "subject": "daq/killed"})
        await rig.values.put("cursor.killed.cam", {"next": 0, "reserved": 8})
        await rig.values.put(END_KEY, {"run": "killed"})
        if were_published:
            for event in range(8):
                await rig.publish(frame(event, run="killed"))
        await rig.start(*SERVICES)
        line = await rig.complete("killed")
        expected = (8, 8, 0) if were_published else (0, 0, 8)
        assert (line.announced, line.stored, line.dropped) == expected
