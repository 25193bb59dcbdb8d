"""A result on its way is found again by its key alone: else nobody would ever clean it up."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.model.identity import FrameId
from cygnet.transport.reference import reference_folder, reference_key, referenced

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(
    prefix=st.sampled_from(["", "p", "results", "a/results/b"]),
    run=NAMES,
    detector=NAMES,
    event=st.integers(0, 2**63 - 1),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
def test_whose_result_an_object_is_can_be_told_from_its_key(
    prefix: str, run: str, detector: str, event: int, sha256: str
) -> None:
    identity = FrameId(run, detector, event)
    key = reference_key(prefix, identity, sha256)
    assert key.startswith(reference_folder(prefix, run) + "/")
    assert referenced(key, run) == identity


def test_what_is_no_result_is_nobodys() -> None:
    folder = reference_folder("p", "r")
    for name in ("cam", "cam/000000001", "cam/000000001-xyz", "cam/notes", "cam/1-0123456789abcdef"):
        assert referenced(f"{folder}/{name}", "r") is None
