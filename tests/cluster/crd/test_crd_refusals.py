"""Wrong manifests: what `kubectl apply` says, and that `cygnet up` says the same of the same field."""

import re

import pytest

from cluster.api_server import ApiServer
from cygnet.spec.loader import loads
from cygnet.spec.problems import Problem, SpecError
from hostile.manifests import BY_OPERATOR, MANIFESTS, Category, WrongManifest
from hostile.spec_texts import BROKEN_RULES

DOORS = {"server-side": True, "strict": False}


def problem_of(text: str) -> Problem:
    """Return what the loader, and so `cygnet up`, says."""
    with pytest.raises(SpecError) as caught:
        loads(text, "pipeline.yaml")
    [problem] = caught.value.problems
    return problem


def words_for_both(problem: Problem, category: Category) -> str:
    """Return those of the loader's words that the API server must say as well."""
    if category is Category.WORDS:
        return f"accepted: {problem.accepted}"
    if category is Category.RULE:
        return problem.message.split("does not fit: ")[-1].split("; given: ")[0]
    return ""


def refusal(server: ApiServer, text: str, door: str) -> str:
    """Return what the API server says, items of lists by a number."""
    answer = server.try_apply(text, server_side=DOORS[door])
    assert not answer.is_ok, answer.output
    return re.sub(r'\[\w+="[^"]*"\]', "[0]", answer.errors)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_a_wrong_manifest_is_refused_for_its_field_in_words_that_help(
    api_server: ApiServer, manifest: WrongManifest, door: str
) -> None:
    errors = refusal(api_server, manifest.text, door)
    assert manifest.cluster_field in errors
    on_cluster, in_loader = manifest.category.value
    assert re.search(on_cluster, errors)
    problem = problem_of(manifest.text)
    assert problem.field == manifest.field
    assert re.search(in_loader, str(problem))
    assert words_for_both(problem, manifest.category) in errors


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_nothing_else_is_said_to_be_wrong(api_server: ApiServer, manifest: WrongManifest) -> None:
    errors = refusal(api_server, manifest.text, "strict")
    blamed = {field.lstrip(".") for field in re.findall(r"[\[ ](\.?(?:spec|metadata)[^: ]*): ", errors)}
    assert {field for field in blamed if not field.startswith(manifest.cluster_field)} == set()
    assert "evaluating rule" not in errors


@pytest.mark.parametrize("case", [c for c in BROKEN_RULES if c.name in BY_OPERATOR], ids=lambda c: c.name)
def test_what_no_api_server_finds_is_left_to_the_models(api_server: ApiServer, case: object) -> None:
    text = case.text  # type: ignore[attr-defined]
    api_server.must("apply", "--dry-run=server", "--server-side", "--filename", "-", text=text)
    assert problem_of(text).field == "spec.aggregator.keyTemplate"


def test_a_misspelt_field_is_dropped_in_silence_only_where_validation_is_switched_off(
    api_server: ApiServer, namespace: str
) -> None:
    [manifest] = [each for each in MANIFESTS if each.name == "misspelt-field"]
    said = api_server.must(
        "create", "--validate=false", "--namespace", namespace, "--filename", "-", text=manifest.text
    )
    assert "created" in said
    assert api_server.get("pl", "lime", "--namespace", namespace)["spec"]["aggregator"]["chunkSize"] == 200


def test_there_are_at_least_forty_of_them() -> None:
    assert len({manifest.name for manifest in MANIFESTS}) == len(MANIFESTS) >= 40
