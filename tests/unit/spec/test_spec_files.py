"""Files that cannot be read, files together, and texts from anywhere."""

import os
from pathlib import Path

import pytest

from cygnet.spec.loader import LARGEST, load, load_files, loads
from cygnet.spec.problems import SpecError
from hostile.spec_texts import HEAD, SOURCES

VALID = HEAD + SOURCES
EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def refused(path: Path | str) -> str:
    with pytest.raises(SpecError) as caught:
        load(path)
    assert len(caught.value.problems) == 1
    return str(caught.value)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid_and_its_first_line_says_what_it_is(path: Path) -> None:
    assert load(path)
    assert path.read_text().startswith("# ")


def test_several_documents_of_a_file_come_in_its_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "two.yaml", f"---\n{VALID}---\n# nothing\n---\n{VALID.replace('name: lime}', 'name: b}')}"
    )
    assert [pipeline.metadata.name for pipeline in load(path)] == ["lime", "b"]
    assert [pipeline.metadata.name for pipeline in load(str(path))] == ["lime", "b"]


def test_byte_order_mark_and_dos_line_ends_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "dos.yaml", b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert load(path)[0].metadata.name == "lime"


def test_missing_file_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "lime.yaml", VALID)
    assert refused(tmp_path / "line.yaml") == (
        f"{tmp_path}/line.yaml: no such file; did you mean {tmp_path}/lime.yaml?"
        " accepted: a YAML file with Pipelines"
    )
    assert "no such file; accepted" in refused(tmp_path / "nowhere" / "lime.yaml")


def test_folder_is_refused(tmp_path: Path) -> None:
    assert "this is a folder" in refused(tmp_path)


def test_path_through_a_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "lime.yaml", VALID)
    assert "cannot be read: Not a directory" in refused(tmp_path / "lime.yaml" / "x")


def test_zero_byte_in_the_path_is_refused() -> None:
    assert "cannot be read" in refused("lime\0.yaml")


def test_endless_file_is_not_read_to_its_end() -> None:
    assert "too large; accepted: at most 1048576 bytes (1 MiB)" in refused("/dev/zero")


def test_named_pipe_is_read(tmp_path: Path) -> None:
    read, write_end = os.pipe()
    os.write(write_end, VALID.encode())
    os.close(write_end)
    assert load(f"/dev/fd/{read}")[0].metadata.name == "lime"
    os.close(read)


def test_file_of_one_byte_too_many_is_refused(tmp_path: Path) -> None:
    padding = LARGEST - len(VALID.encode()) - 1
    assert load(write(tmp_path / "full.yaml", f"{VALID}#{'x' * padding}"))
    assert "too large" in refused(write(tmp_path / "large.yaml", f"{VALID}#{'x' * (padding + 1)}"))


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    path = write(tmp_path / "latin.yaml", b"a: b\nc: \xfc\n")
    assert f"{path}:2: byte 0xfc is not UTF-8; accepted: a text file in UTF-8" in refused(path)
    assert "byte 0xff is not UTF-8" in refused(write(tmp_path / "utf16.yaml", VALID.encode("utf-16")))


def test_same_name_in_two_files_is_refused_with_both_places(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.yaml", VALID), write(tmp_path / "b.yaml", f"# again\n{VALID}")
    with pytest.raises(SpecError, match="already described") as caught:
        load_files([first, second])
    assert str(caught.value).startswith(
        f"{second}:4: metadata.name: local/lime is already described in {first}:3;"
        " accepted: another name or namespace"
    )
    elsewhere = VALID.replace("{name: lime}", "{name: lime, namespace: beam}")
    apart = write(second, f"{elsewhere}\n  uploader: {{prefix: beam}}\n")
    assert [path for path, _ in load_files([first, apart])] == [first, apart]


def test_two_pipelines_in_one_place_of_a_bucket_are_refused(tmp_path: Path) -> None:
    other = VALID.replace("{name: lime}", "{name: lemon}")
    first = write(tmp_path / "a.yaml", VALID)
    second = write(tmp_path / "b.yaml", f"{other}\n  uploader: {{prefix: lime}}\n")
    with pytest.raises(
        SpecError, match=r"spec\.uploader\.prefix: cygnet/lime is claimed by lime; accepted: another"
    ):
        load_files([first, second])


def test_one_file_given_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", VALID)
    with pytest.raises(SpecError, match="already described"):
        load_files([path, path])


def test_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    first = write(tmp_path / "a.yaml", f"{VALID}  store: 7\n")
    with pytest.raises(SpecError) as caught:
        load_files([first, tmp_path / "b.yaml"])
    assert [Path(problem.file).name for problem in caught.value.problems] == ["a.yaml", "b.yaml"]


def test_kubernetes_own_metadata_and_status_are_left_alone() -> None:
    extra = "{name: lime, uid: 0-1, creationTimestamp: 2026-01-01T00:00:00Z, generation: 3, finalizers: [x]}"
    [pipeline] = loads(VALID.replace("{name: lime}", extra) + "status: {replicas: 2, conditions: []}\n")
    assert pipeline.metadata.model_extra is not None
    assert pipeline.metadata.model_extra["creationTimestamp"] == "2026-01-01T00:00:00Z"
