"""What a person reads in the terminal, word for word."""

import pytest

from cygnet.spec.loader import loads
from cygnet.spec.problems import SpecError
from cygnet.spec.suggest import closest
from hostile.spec_texts import HEAD, SOURCES


def said(below: str, *, head: str = HEAD + SOURCES) -> str:
    with pytest.raises(SpecError) as caught:
        loads(head + below, "lime.yaml")
    return str(caught.value)


def test_wrong_type_is_one_line_and_the_place_underlined() -> None:
    assert said("  preprocessor:\n    stages:\n      - crop: {}\n      - window: {min: 80, max: '20'}\n") == (
        "lime.yaml:11: spec.preprocessor.stages[1].window.max: '20' is a string; accepted: a number from"
        " -1000000000000000 to 1000000000000000; write it without quotes\n"
        "  11 |       - window: {min: 80, max: '20'}\n"
        "     |                                ^^^^"
    )


def test_unknown_field_says_what_was_meant_and_what_there_is() -> None:
    assert said("  aggregator:\n    chunkSise: 20\n") == (
        "lime.yaml:9: spec.aggregator.chunkSise: unknown field 'chunkSise'; did you mean 'chunkSize'?"
        " accepted: chunkSize, maxAgeSeconds, maxBytes, format, keyTemplate\n"
        "  9 |     chunkSise: 20\n"
        "    |     ^^^^^^^^^"
    )


def test_missing_field_points_at_its_parent_and_says_what_it_is_for() -> None:
    assert said("", head=HEAD + "  sources:\n    - name: lime\n      replay: {loop: false}\n") == (
        "lime.yaml:7: spec.sources[0].replay.path: missing (folder with the frames; relative to the spec"
        " file); accepted: 1 to 1000 characters without line breaks\n"
        "  7 |       replay: {loop: false}\n"
        "    |       ^^^^^^"
    )


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ("  runs: 1", "1 is a whole number; accepted: once or endless"),
        (
            "  lifecycle: paused",
            "'paused' is not known; did you mean 'Paused'? accepted: Running, Paused or Drained",
        ),
        ("  streams: {replicas: 2}", "2 is not among these; accepted: 1, 3 or 5"),
        ("  streams: {replicas: true}", "true is a boolean; accepted: 1, 3 or 5"),
        ("  store: 'yes'", "'yes' is a string; accepted: true or false"),
        ("  nats:", "spec.nats: is empty; accepted: a mapping with the fields url, secretName"),
        ("  uploader: {bucket: 700}", "; write it in quotes: '700'"),
        ("  uploader: {bucket: Cygno}", "'Cygno' does not fit; accepted: 3 to 63 of a-z 0-9 . -"),
        ("  streams: {deadBytes: 5}", "5 is too small; accepted: a whole number from 1048576 (1 MiB) to"),
        ("  deadLetters: {maxAgeHours: 0}", "0 is too small; accepted: a number above 0, at most 8760"),
        (
            "  aggregator: {maxAgeSeconds: .inf}",
            ".inf is not a finite number; accepted: a number from 0.1 to 86400",
        ),
        (
            "  preprocessor: {scaling: [1, 2]}",
            "scaling: is a list of 2 items; accepted: a mapping with the fields mode,",
        ),
        (
            "  keyTemplate: x",
            "unknown field 'keyTemplate'; it belongs in spec.aggregator; accepted: lifecycle,",
        ),
        (
            "  preprocessor: {stages: [{crop: {}}" + ", {crop: {}}" * 16 + "]}",
            "stages: has 17 items, too many; accepted: a list of at most 16 items",
        ),
        (
            "  aggregator: {keyTemplate: ''}",
            "'' has 0 characters, too few; accepted: a string of 1 to 500 characters",
        ),
        (
            "  local: {nats: {users: [{user: cygnet, password: x}]}}",
            "users[0].user: 'cygnet' does not fit: Cygnet itself comes by this name; accepted: another one",
        ),
        (
            "  local: {nats: {users: [{user: a, password: x}, {user: a, password: y}]}}",
            "users[1].user: 'a' does not fit: an earlier user has this name; accepted: another one",
        ),
        (
            "  local: {s3: {users: [{accessKeyId: cygnet, secretAccessKey: not-a-secret}]}}",
            "spec.local.s3.users[0].accessKeyId: 'cygnet' does not fit: Cygnet itself comes by this name",
        ),
        ("  spec: {}", "it belongs in the top of the document"),
        ("  minReplicas: 3", "it belongs in spec.preprocessor.scaling"),
        ("  metadata: {}", "it belongs in the top of the document"),
        ("  aggregator: {chunk_size: 3}", "unknown field 'chunk_size'; did you mean 'chunkSize'?"),
    ],
)
def test_words(below: str, words: str) -> None:
    assert words in said(below)


def test_yes_is_a_boolean_as_on_a_cluster() -> None:
    assert loads(f"{HEAD}{SOURCES}  store: no\n")[0].spec.store is False
    assert "no, read as false, is a boolean" in said(
        "", head=HEAD + SOURCES.replace("name: lime", "name: no")
    )
    assert "y, read as true, is a boolean" in said("", head=HEAD + SOURCES.replace("name: lime", "name: y"))
    assert loads(f"{HEAD}{SOURCES.replace('name: lime', 'name: yy')}")[0].spec.sources[0].name == "yy"


def test_a_number_may_have_an_exponent_and_underscores_as_on_a_cluster() -> None:
    spec = loads(f"{HEAD}{SOURCES}  aggregator: {{chunkSize: 1_000, maxAgeSeconds: 1e3}}\n")[0].spec
    assert (spec.aggregator.chunk_size, spec.aggregator.max_age_seconds) == (1000, 1000.0)


def test_all_problems_of_a_file_are_told_in_the_order_of_its_lines() -> None:
    text = f"{HEAD}{SOURCES}  store: 7\n  runs: never\n---\n{HEAD.replace('lime', 'Lime')}{SOURCES}---\nfoo\n"
    with pytest.raises(SpecError) as caught:
        loads(text, "lime.yaml")
    assert [(problem.line, problem.field) for problem in caught.value.problems] == [
        (8, "spec.store"),
        (9, "spec.runs"),
        (13, "metadata.name"),
        (19, ""),
    ]


def test_a_long_line_is_shown_around_the_place() -> None:
    *_, line, caret = said(f"  uploader: {{prefix: {'a' * 90}, {' ' * 200}bucket: NO}}\n").split("\n")
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("NO")


def test_a_flood_of_problems_is_cut() -> None:
    fields = ", ".join(f"x{number}: 1" for number in range(5000))
    with pytest.raises(SpecError) as caught:
        loads(f"{HEAD}{SOURCES}  nats: {{{fields}}}\n")
    assert len(caught.value.problems) == 101
    assert "4900 problems more than are listed here" in str(caught.value)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("chunk-size", "chunkSize"),
        ("CHUNKSIZE", "chunkSize"),
        ("chunk", "chunkSize"),
        ("", None),
        ("zzz", None),
    ],
)
def test_closest_ignores_case_and_separators(word: str, meant: str | None) -> None:
    assert closest(word, ["format", "chunkSize"]) == meant


def test_closest_does_not_compare_very_long_words() -> None:
    assert closest("chunkSize" * 100_000, ["chunkSize"]) is None


def test_a_problem_is_told_to_programs_without_the_excerpt() -> None:
    with pytest.raises(SpecError) as caught:
        loads(f"{HEAD}{SOURCES}  store: 7\n", "lime.yaml")
    assert caught.value.problems[0].as_dict() == {
        "file": "lime.yaml",
        "line": 8,
        "column": 10,
        "field": "spec.store",
        "value": 7,
        "message": "7 is a whole number",
        "accepted": "true or false",
    }


def test_quotes_are_not_suggested_where_they_would_not_help() -> None:
    words = said("  local: {nats: {listen: 4222}}\n")
    assert "accepted: host:port, with a port from 0 to 65535" in words
    assert "quotes" not in words
