"""The program of `helm test`, with the services as processes in the place of the cluster."""

import runpy

import pytest
from charts.reference import CHART

from fixtures.rig import environment, write_spec
from fixtures.service_process import ServiceProcess

SERVICES = ("simulator", "preprocessor", "aggregator", "uploader")


@pytest.fixture
def one_frame(nats, s3, tmp_path, monkeypatch):
    """The program; `spec` changes the Pipeline on its way to the services."""
    started = []
    settings = {"TEST_NAMESPACE": "lab", "TEST_BUCKET": "helm-test", "TEST_SECONDS": "60"}
    for name, value in {**environment(nats, s3), **settings}.items():
        monkeypatch.setenv(name, value)
    program = runpy.run_path(str(CHART / "tests" / "one_frame.py"), run_name="one_frame")
    spec = {}

    def ask(method, name="", body=None):
        if method == "POST":
            path = write_spec(tmp_path, {**body["spec"], **spec}, body["metadata"]["name"])
            started.extend(ServiceProcess(each, path, environment(nats, s3), tmp_path) for each in SERVICES)
        return {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Why"}]}}

    program["main"].__globals__["ask"] = ask
    yield program["main"], spec
    for service in started:
        service.kill()


def test_it_finds_the_pixels_that_were_sent_and_leaves_nothing(one_frame, s3, capsys):
    main, _ = one_frame
    main()
    assert "576 x 576 pixels, each as it was sent" in capsys.readouterr().out
    assert not [path for path in (s3.folder / "helm-test").rglob("*") if path.is_file()]


def test_it_says_that_other_pixels_are_stored_than_were_sent(one_frame):
    main, spec = one_frame
    simulator = {"model": "cygno", "seed": 1 << 40, "eventsPerRun": 1}
    spec["sources"] = [{"name": "camera", "simulator": simulator}]
    with pytest.raises(SystemExit, match="the pixels differ"):
        main()


def test_it_gives_up_with_the_words_of_the_pipeline(one_frame):
    main, _ = one_frame
    main.__globals__.update(SECONDS=0.1)
    with pytest.raises(SystemExit, match="Ready=False Why"):
        main()
