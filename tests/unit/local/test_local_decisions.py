"""Decisions about scaling can be explained afterwards: kept short, on disk, whatever the disk does."""

import json

import pytest

from cygnet.cli.scaling_explained import explain
from cygnet.local import decisions as module
from cygnet.local.decisions import MOST, Decisions, on_one_machine, read
from cygnet.local.errors import LocalError
from cygnet.local.folder import Place, claim
from cygnet.model.errors import NoSuchError
from cygnet.scaling import Action, Decision, Memory, Reason


def decision(second, current=1, desired=1, reason=Reason.WITHIN_TOLERANCE):
    return Decision(
        time=1000.0 + second,
        current=current,
        desired=desired,
        action=Action.HOLD if current == desired else Action.UP,
        reason=reason,
        message=f"1 pod, demand {second}",
        inputs={"demand_pods": second, "mu_hz": None},
        conditions=(),
        dry_run=False,
        memory=Memory(),
    )


@pytest.fixture
def up(tmp_path):
    """A data folder in which a pipeline `lime` ran, with three decisions about it."""
    place = Place(
        namespace="local",
        bucket="b",
        prefix="p",
        spec="s",
        nats_url="n",
        s3_endpoint="e",
        s3_access_key_id="k",
        s3_secret_access_key="x",
    )
    with claim(tmp_path) as mine:
        mine.say(pipelines={"lime": place}, servers={})
    kept = Decisions(tmp_path, "lime")
    for each in (decision(0), decision(5), decision(10, 1, 2, Reason.DEMAND_ABOVE_CAPACITY)):
        kept.add(each)
    return tmp_path


def test_holds_for_one_reason_are_one_decision_with_the_last_numbers(up):
    hold, step = read(up, "lime")
    assert (hold.time, hold.until, hold.inputs["demand_pods"]) == (1000.0, 1010.0, 5)
    assert (step.current, step.desired, step.reason) == (1, 2, "DemandAboveCapacity")


def test_an_explanation_names_change_reason_and_numbers(up, capsys):
    explain(up, None, json_output=False)
    said = capsys.readouterr().out
    assert "1 → 2" in said
    assert "DemandAboveCapacity" in said
    assert "1 worker, demand 10" in said
    assert "demand_pods" in said
    assert "mu_hz" not in said, "what is not known is no number"
    explain(up, "lime", json_output=True)
    assert len(json.loads(capsys.readouterr().out)["lime"]) == 2


def test_decisions_of_a_long_run_do_not_grow_without_bound_and_survive_the_next_up(up):
    kept = Decisions(up, "lime")
    for number in range(2 * MOST):
        kept.add(decision(20 + number, 1, 2))
    assert len(read(up, "lime")) == MOST
    Decisions(up, "lime").add(decision(1000))
    assert read(up, "lime")[-2].desired == 2


def test_a_full_disk_costs_the_record_and_not_the_scaling(up, monkeypatch):
    def full(*_):
        raise LocalError("the disk is full")

    monkeypatch.setattr(module, "write_private", full)
    Decisions(up, "lime").add(decision(50))
    assert len(read(up, "lime")) == 2


def test_nothing_to_explain_is_said(tmp_path):
    with pytest.raises(NoSuchError, match="no decision about scaling"):
        explain(tmp_path, None, json_output=False)


def test_what_is_a_pod_on_a_cluster_is_a_worker_on_one_machine():
    assert on_one_machine("1 pod, minReplicas is 2; no pod is ready") == (
        "1 worker, minReplicas is 2; no worker is ready"
    )
    assert on_one_machine("0 of 1 pods are ready") == "0 of 1 workers are ready"
