"""One `cygnet up` in a folder; a killed one leaves nothing that stands in the way of the next."""

import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from cygnet.local.errors import FolderHeldError, LocalError, NotRunningError
from cygnet.local.folder import Place, claim, is_held, left_behind, running
from cygnet.local.keys import own_keys

PLACE = Place(
    namespace="local",
    bucket="cygnet",
    prefix="lime",
    spec="specs/lime.yaml",
    nats_url="nats://127.0.0.1:4222",
    s3_endpoint="http://127.0.0.1:9000",
    s3_access_key_id="cygnet",
    s3_secret_access_key="secret-key",
)
HOLDER = """
import sys, pathlib
from cygnet.local.folder import claim
with claim(pathlib.Path(sys.argv[1])) as mine:
    mine.say(pipelines={}, servers={})
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_one_is_told_who_holds_the_folder(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        assert is_held(tmp_path)
        with pytest.raises(FolderHeldError, match=rf"process {holder.pid}, since 20"), claim(tmp_path):
            pass
        holder.stdin.close()


def test_a_killed_one_is_taken_over_at_once(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        holder.stdout.readline()
        holder.kill()
        holder.wait()
        with claim(tmp_path) as mine:
            assert mine.killed_before
            assert mine.before.pid == holder.pid


def test_what_runs_can_be_read_while_it_runs_and_only_by_its_owner(tmp_path):
    with claim(tmp_path) as mine:
        mine.say(pipelines={"lime": PLACE}, servers={})
        name, place = running(tmp_path).place(None)
        assert (name, place) == ("lime", PLACE)
        assert stat.S_IMODE((tmp_path / "up.json").stat().st_mode) == 0o600
        with pytest.raises(LocalError, match="accepted: lime"):
            running(tmp_path).place("lima")
    with pytest.raises(NotRunningError, match="no `cygnet up` runs"):
        running(tmp_path)
    assert left_behind(tmp_path).pipelines == {"lime": PLACE}
    with claim(tmp_path) as again:
        assert not again.killed_before


def test_a_start_that_failed_does_not_forget_what_was_left_behind(tmp_path):
    with claim(tmp_path) as mine:
        mine.say(pipelines={"lime": PLACE}, servers={"nats": "127.0.0.1:4222"})
    with claim(tmp_path) as failing:
        assert failing.before is not None
        with pytest.raises(NotRunningError, match="only starting"):
            running(tmp_path)
    assert left_behind(tmp_path).servers == {"nats": "127.0.0.1:4222"}


def test_a_pipeline_that_ran_before_is_not_forgotten_and_neither_is_the_place_that_it_had(tmp_path):
    moved, other = replace(PLACE, bucket="moved"), replace(PLACE, prefix="other")
    for pipelines in ({"lime": PLACE}, {"other": other}, {"lime": moved}, {"lime": moved}):
        with claim(tmp_path) as mine:
            mine.say(pipelines=pipelines, servers={})
    assert left_behind(tmp_path).known() == [("lime", moved), ("other", other), ("lime", PLACE)]


def test_a_record_that_is_no_record_does_not_stop_the_next_start(tmp_path):
    (tmp_path / "up.json").write_text("{")
    with claim(tmp_path) as mine:
        assert mine.before is None


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="choose another folder with --data"), claim(tmp_path / "file"):
        pass


def test_a_secret_does_not_show_in_a_traceback():
    assert "secret-key" not in repr(PLACE)


def test_keys_are_made_once_and_kept_private(tmp_path):
    keys = own_keys(tmp_path)
    assert own_keys(tmp_path) == keys
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert keys.s3_secret_access_key not in repr(keys)
