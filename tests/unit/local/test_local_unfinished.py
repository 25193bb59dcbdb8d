"""An unfinished run goes on only as what it began as: else one ledger would speak of two buckets."""

from dataclasses import replace

import pytest

from cygnet.local.folder import Place
from cygnet.local.unfinished import differences, moved
from cygnet.model.account import Begin
from cygnet.spec.loader import loads

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: lime}
spec:
  sources:
    - {name: lime, replay: {path: /data/good}}
    - {name: sosc, simulator: {model: cygno, seed: 1}}
  uploader: {bucket: one}
"""
HERE = Place(
    namespace="local",
    bucket="one",
    prefix="lime",
    spec="specs/lime.yaml",
    nats_url="nats://127.0.0.1:4222",
    s3_endpoint="http://127.0.0.1:9000",
    s3_access_key_id="cygnet",
    s3_secret_access_key="secret-key",
    s3_embedded=True,
)


def pipeline(*changes):
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    [found] = loads(text)
    return found


def begun():
    spec = pipeline().spec
    sources = [source.model_dump(mode="json", exclude_none=True) for source in spec.sources]
    return Begin(
        run="r",
        detectors=["lime", "sosc"],
        time_ns=0,
        bucket="one",
        prefix="lime",
        config={"sources": sources},
    )


def test_the_same_spec_goes_on():
    assert differences(begun(), pipeline(), is_running=True) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("/data/good", "/data/bad"), "sources.lime.replay.path was '/data/good' and is '/data/bad'"),
        (("seed: 1", "seed: 2"), "sources.sosc.simulator.seed was 1 and is 2"),
        (("model: cygno", "model: cygno, rateHz: 5"), "sources.sosc.simulator.rateHz was absent and is 5.0"),
        (("bucket: one", "bucket: two"), "uploader.bucket was 'one' and is 'two'"),
        (("bucket: one", "bucket: one, prefix: p"), "uploader.prefix was 'lime' and is 'p'"),
        (("spec:", "spec:\n  store: false"), "store was True and is False"),
    ],
)
def test_a_run_is_not_split_over_two_sources_or_two_places(change, said):
    assert differences(begun(), pipeline(change), is_running=True) == [said]


def test_another_detector_is_another_run():
    assert differences(begun(), pipeline(("name: sosc", "name: other")), is_running=True)


@pytest.mark.parametrize(
    "change", [("/data/good", "/data/good, rateHz: 7, loop: false"), ("seed: 1", "seed: 1, eventsPerRun: 9")]
)
def test_how_fast_and_how_many_may_change_in_mid_run(change):
    assert differences(begun(), pipeline(change), is_running=True) == []


def test_a_run_whose_source_is_done_may_have_lost_it_but_not_its_bucket():
    changes = [("/data/good", "/data/bad"), ("bucket: one", "bucket: two")]
    assert differences(begun(), pipeline(changes[0]), is_running=False) == []
    assert len(differences(begun(), pipeline(*changes), is_running=False)) == 1


def test_the_embedded_server_is_the_same_whatever_its_port():
    assert moved(HERE, replace(HERE, s3_endpoint="http://127.0.0.1:40001")) == []
    assert moved(None, HERE) == []


def test_another_endpoint_is_another_place_for_the_same_bucket():
    other = replace(HERE, s3_endpoint="https://s3.example.org", s3_embedded=False)
    assert moved(HERE, other) == ["S3 endpoint was 'cygnet-data' and is 'https://s3.example.org'"]
    assert len(moved(other, replace(other, s3_endpoint="https://other.example.org"))) == 1
