"""Why a subject is silent: whose it is decides what to look at."""

from types import SimpleNamespace

import pytest

from cygnet.cli.silence import advice
from cygnet.spec.loader import loads

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: lime}}
spec:
  sources: [{{name: lime, {source}}}]
"""


@pytest.fixture
def link():
    def make(source):
        [pipeline] = loads(SPEC.format(source=source))
        return SimpleNamespace(name="lime", spec=lambda: pipeline)

    return make


BRIDGE = "announcements: {subjects: [daq/data]}"
REPLAY = "replay: {path: frames}, mirrorSubjects: [daq/data]"


def test_a_bridge_waits_for_somebody_else_s_announcer(link):
    (said,) = advice(link(BRIDGE), "daq/data")
    assert "somebody else's announcer" in said


def test_a_source_s_own_subject_carries_what_it_stores(link):
    assert "announces there only frames that it stores" in advice(link(REPLAY), "daq/data")[0]


def test_a_dot_for_a_slash_is_found(link):
    assert "did you mean 'daq/data'?" in advice(link(BRIDGE), "daq.data")[0]


def test_another_subject_is_told_where_the_pipeline_announces_or_waits(link):
    assert advice(link(REPLAY), "x") == ["this pipeline announces on: daq/data"]
    assert "it waits on: daq/data" in advice(link(BRIDGE), "x")[0]
    assert "mirrorSubjects: [x]" in advice(link("replay: {path: frames}"), "x")[0]
