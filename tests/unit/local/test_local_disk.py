"""A disk is full until there is room for what its servers need, and not a moment longer."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.local.conductor import held
from cygnet.local.disk import LOW_BYTES, Fullness, mebibytes, needed_bytes, reserved_bytes
from cygnet.local.plan import Slot
from cygnet.spec.loader import loads

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  sources:
    - name: lime
      announcements: {{subjects: [daq/data], intakeBytes: {intake}}}
  aggregator: {{maxBytes: 1048576}}
  streams: {{framesBytes: 2097152, resultsBytes: 2097152, chunksBytes: 2097152, deadBytes: 2097152}}
"""
MIB = 1 << 20


def test_two_pipelines_that_listen_to_one_announcer_share_its_stream():
    pipelines = [
        loads(SPEC.format(name=name, intake=intake * MIB))[0] for name, intake in (("a", 4), ("b", 16))
    ]
    assert reserved_bytes(pipelines) == 2 * 8 * MIB + 16 * MIB


def test_what_the_streams_hold_already_is_not_needed_again():
    assert needed_bytes(100 * MIB, 60 * MIB) - needed_bytes(100 * MIB, 100 * MIB) == 40 * MIB
    assert needed_bytes(100 * MIB, 500 * MIB) == needed_bytes(0, 0) > LOW_BYTES


def test_a_disk_that_was_full_has_room_only_with_all_that_is_needed():
    disk = Fullness()
    assert not disk.look(free=LOW_BYTES, needed=10 * LOW_BYTES)
    assert not disk.is_full
    assert not disk.look(free=LOW_BYTES - 1, needed=10 * LOW_BYTES)
    assert disk.is_full
    assert not disk.look(free=9 * LOW_BYTES, needed=10 * LOW_BYTES)
    assert disk.is_full
    assert disk.look(free=10 * LOW_BYTES, needed=10 * LOW_BYTES)
    assert not disk.is_full


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4))))
def test_there_is_room_again_once_for_each_time_that_it_was_full(looks):
    disk, ends, begins = Fullness(), 0, 0
    for free, needed in looks:
        was_full = disk.is_full
        ends += disk.look(free * LOW_BYTES, needed * LOW_BYTES)
        begins += disk.is_full and not was_full
    assert ends == begins - disk.is_full


def test_a_size_is_never_said_to_be_smaller_than_it_is():
    assert mebibytes(1) == "1 MiB"
    assert mebibytes(MIB + 1) == "2 MiB"


def test_one_reason_that_holds_many_is_said_once():
    problems = {
        Slot("lime", "uploader", 0): {"s3": "away"},
        Slot("lime", "preprocessor", 0): {"s3": "away"},
        Slot("lime", "preprocessor", 1): {"s3": "away"},
        Slot("lime", "aggregator", 0): {"service": "starting"},
    }
    assert held(problems) == "preprocessor, uploader held: away"
    assert held({Slot("lime", "uploader", 0): {}}) == ""
