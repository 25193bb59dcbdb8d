"""What `up` says at its end, and in a log: what is true of the ledger, and what to do next."""

import json
from pathlib import Path

import pytest

from cygnet.cli.lines import JsonLines, PlainLines
from cygnet.cli.up_end import say_how_it_ended
from cygnet.local.conductor import Task
from cygnet.local.folder import Place
from cygnet.local.places import Given
from cygnet.local.table import Scene
from cygnet.local.up import Outcome, RunEnd, Wish
from cygnet.local.view import View
from cygnet.model.ledger import Ledger
from cygnet.spec.loader import loads

PLACE = Place(
    namespace="local",
    bucket="b",
    prefix="p",
    spec="s",
    nats_url="n",
    s3_endpoint="http://s3.lab:9000",
    s3_access_key_id="k",
    s3_secret_access_key="x",
)
(PIPELINE,) = loads("""
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: lime}
spec: {sources: [{name: lime, replay: {path: frames}}]}
""")


def line(run="now", **numbers):
    counts = {"announced": 10, "stored": 10, "consumed": 0, "dead": 0, "in_flight": 0, "ended": True}
    return Ledger(run=run, detector="lime", **counts | numbers)


@pytest.fixture
def ended(tmp_path, capsys):
    """Return a function that lets an `up` end with ledgers and returns what it says."""

    def end(*lines, json_output=False, stopped_early=False):
        *before, last = lines
        run = RunEnd("now", [last], [RunEnd(each.run, [each]) for each in before])
        outcome = Outcome(
            runs={"lime": run}, places={"lime": PLACE}, troubles={}, stopped_early=stopped_early
        )
        wish = Wish(pipelines=[(Path("lime.yaml"), PIPELINE)], folder=tmp_path, task=Task(), given=Given())
        say_how_it_ended(outcome, wish, json_output=json_output)
        return outcome, capsys.readouterr().out

    return end


def test_nothing_lost_is_not_said_of_a_run_whose_source_dropped_frames(ended):
    _, said = ended(line(dropped=3))
    assert "the ledger closes; 3 events dropped at the source" in said
    assert "nothing lost" not in said
    assert "nothing lost" in ended(line())[1]


def test_dead_letters_of_an_ended_run_are_said_to_be_within_reach(ended, tmp_path):
    _, said = ended(line(stored=8, dead=2, dead_reasons={"truncated": 2}))
    assert "dead: 2 × truncated" in said
    assert f"up lime.yaml --no-run --data {tmp_path}" in said
    assert "dead replay --all" in said
    assert "--no-run" not in ended(line())[1]


def test_why_frames_were_consumed_is_said_too(ended):
    assert (
        "consumed: 10 × not-saved"
        in ended(line(stored=0, consumed=10, consumed_reasons={"not-saved": 10}))[1]
    )


def test_what_is_stored_in_a_foreign_s3_is_said_with_how_to_look_at_it(ended):
    _, said = ended(line())
    assert "stored in s3://b/p/now at http://s3.lab:9000" in said
    assert "cygnet.open('s3://b/p', 'now', endpoint='http://s3.lab:9000')" in said
    assert "chunks ls" in said


def test_where_nothing_is_stored_yet_nothing_is_said_to_be(ended, tmp_path):
    (tmp_path / "s3" / "b").mkdir(parents=True)
    _, said = ended(line(stored=0, in_flight=10), stopped_early=True)
    assert "stored in" not in said


def test_every_run_of_an_endless_up_has_to_close_not_only_the_last(ended):
    outcome, said = ended(line("first", stored=9, in_flight=1), line())
    assert not outcome.closes
    assert "run first" in said
    assert "the ledger does not close" in said
    assert ended(line("first"), line())[0].closes
    _, text = ended(line("first"), line(), json_output=True)
    assert json.loads(text)["runs"]["lime"]["earlier"][0]["run"] == "first"


def test_a_run_that_was_stopped_goes_on_with_the_next_up(ended):
    assert "the next `cygnet up` with this folder goes on" in ended(line(in_flight=1), stopped_early=True)[1]


def test_a_log_has_words_only_and_a_program_json_only(capsys):
    views = [View(pipeline="lime", time=float(second), state="running") for second in range(25)]
    views.append(View(pipeline="lime", time=25.0, state="complete"))
    for kind in (PlainLines(), JsonLines()):
        for view in views:
            kind.show(Scene(views=[view], header=[("NATS", "nats://here")]))
        out, err = capsys.readouterr()
        assert "NATS: nats://here" in err
        lines = out.splitlines()
        if isinstance(kind, JsonLines):
            assert [json.loads(each)["pipeline"] for each in lines] == ["lime"] * 26
        else:
            assert len(lines) == 4, "every ten seconds, and when the state changes"
            assert lines[-1].startswith("lime no run yet complete: 0.0 frames/s")
