"""The hook before an uninstall: a release stays while Pipelines live on what would go with it."""

import pytest

from cygnet_operator.settings import IMAGE_VARIABLES, Settings
from cygnet_operator.uninstalling import CRD_GOES, OWN_NATS, refusal

URL = "nats://cygnet-nats.daq.svc:4222"
BOTH = {OWN_NATS: "true", CRD_GOES: "true"}


@pytest.fixture
def settings(tmp_path):
    env = {
        "CYGNET_INSTALLATION": "daq/cygnet",
        "NATS_URL": URL,
        "CYGNET_NATS_CREDENTIALS": str(tmp_path / "none"),
        "CYGNET_S3_CREDENTIALS": str(tmp_path / "none"),
    }
    return Settings.from_environment(env | dict.fromkeys(IMAGE_VARIABLES.values(), "image:1"))


def pipeline(name, **spec):
    return {"metadata": {"namespace": "lab", "name": name}, "spec": spec}


def test_a_release_without_pipelines_may_go(settings):
    assert refusal([], settings, BOTH) == ""


def test_pipelines_on_its_own_nats_hold_it_and_are_named(settings):
    said = refusal([pipeline("b"), pipeline("a", nats={"url": URL})], settings, {OWN_NATS: "true"})
    assert "2 Pipelines: lab/a, lab/b" in said
    assert "helm upgrade cygnet CHART --namespace daq --reuse-values --set uninstall.force=true" in said


def test_pipelines_on_another_nats_do_not_hold_it(settings):
    elsewhere = pipeline("a", nats={"url": "nats://other:4222"})
    assert refusal([elsewhere], settings, {OWN_NATS: "true", CRD_GOES: "false"}) == ""
    assert refusal([pipeline("a")], settings, {OWN_NATS: "false", CRD_GOES: "false"}) == ""


def test_a_crd_that_goes_along_holds_it_for_every_pipeline(settings):
    elsewhere = pipeline("a", nats={"url": "nats://other:4222"})
    said = refusal([elsewhere], settings, {OWN_NATS: "true", CRD_GOES: "true"})
    assert "crds.keep=false" in said
    assert "1 Pipeline: lab/a" in said


def test_of_many_pipelines_some_are_named(settings):
    said = refusal([pipeline(f"p{number:02}") for number in range(12)], settings, {OWN_NATS: "true"})
    assert "12 Pipelines" in said
    assert "lab/p09 and 2 more" in said
