"""Who is accepted: the loader's words for a bad spec, and who holds a place in a bucket."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cygnet.spec.pipeline import Pipeline
from cygnet_operator.admission import Claim, Refusal, check_place, place, read
from unit.operator.pipelines import SETTINGS, document, pipeline

PLACE = ("http://s3.cygnet:9000", "cygnet", "lime")


def claim(name: str, created: str, *, is_held: bool = False) -> Claim:
    return Claim(key=("lab", name), uid=name, created=created, is_held=is_held, place=PLACE)


def test_a_good_object_of_the_api_server_is_a_pipeline() -> None:
    found = read(document(preprocessor={"scaling": {"minReplicas": 2}}))
    assert isinstance(found, Pipeline)
    assert found.metadata.namespace == "lab"


def test_a_rule_that_no_schema_tells_is_refused_in_the_loaders_words() -> None:
    found = read(document(aggregator={"maxBytes": 64 << 20}))
    assert isinstance(found, Refusal)
    assert found.reason == "SpecInvalid"
    assert "aggregator.maxBytes" in found.message
    assert "must not exceed half of streams.chunksBytes" in found.message


def test_every_problem_of_a_spec_is_told() -> None:
    found = read(document(aggregator={"chunkSize": 0}, uploader={"bucket": "NO"}))
    assert isinstance(found, Refusal)
    assert len(found.message.splitlines()) == 2


def test_the_younger_of_two_claims_waits_and_says_for_whom() -> None:
    old, young = claim("old", "2026-01-01T00:00:00Z"), claim("young", "2026-01-02T00:00:00Z")
    assert check_place(old, [young]) is None
    refusal = check_place(young, [old])
    assert refusal is not None
    assert refusal.reason == "PrefixClaimed"
    assert "cygnet/lime is claimed by lab/old" in refusal.message


def test_an_older_pipeline_that_moves_in_takes_no_place_from_who_is_there() -> None:
    there = claim("young", "2026-01-02T00:00:00Z", is_held=True)
    moving = claim("old", "2026-01-01T00:00:00Z")
    assert check_place(there, [moving]) is None
    assert check_place(moving, [there]) is not None


def test_other_endpoints_and_prefixes_are_other_places() -> None:
    own = place(pipeline(), SETTINGS)
    assert own == PLACE
    assert place(pipeline(storage={"endpoint": "http://other:9000"}), SETTINGS) != own
    assert place(pipeline(uploader={"prefix": "x"}), SETTINGS) != own
    assert place(pipeline(storage={"endpoint": "http://s3.cygnet:9000"}), SETTINGS) == own


CLAIMS = st.lists(
    st.builds(lambda n, day, held: claim(f"p{n}", f"2026-01-0{day}", is_held=held),
              st.integers(0, 9), st.integers(1, 3), st.booleans()),
    min_size=1, max_size=6, unique_by=lambda each: each.uid,
)  # fmt: skip


@given(CLAIMS)
def test_exactly_one_of_all_claims_to_a_place_is_accepted(claims: list[Claim]) -> None:
    accepted = [each for each in claims if check_place(each, claims) is None]
    assert len(accepted) == 1
    settled = [replace(each, is_held=each in accepted) for each in claims]
    assert [each.uid for each in settled if check_place(each, settled) is None] == [accepted[0].uid]
