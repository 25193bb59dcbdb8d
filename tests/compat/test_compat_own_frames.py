"""What the README says about one's own frames works letter by letter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from fixtures.running_up import EXAMPLES, clean_environment, running_up

README = (EXAMPLES.parent / "README.md").read_text()
_SECTION = README[README.index("## Your own frames") :].partition("\n## ")[0]
COMMANDS = re.findall(r"^\$ (.*?)(?:\s+#.*)?$", _SECTION, re.MULTILINE)
AFTERWARDS = ".venv/bin/cygnet up mydetector.yaml --no-run"
MOVE = ".venv/bin/cygnet params set min=85 max=130"


def test_the_commands_for_ones_own_frames_work_as_they_are_written(tmp_path):
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    shutil.copytree(EXAMPLES / "data" / "cygno", tmp_path / "home" / "frames")
    (tmp_path / "home" / "frames" / "bad.png").write_text("no image")
    init, up_command, env, *looks, afterwards = COMMANDS
    assert afterwards == AFTERWARDS
    assert f"`{MOVE}`" in _SECTION

    assert "bad.png is not a PNG file" in typed(tmp_path, init)
    written = tmp_path / "mydetector.yaml"
    written.write_text(re.sub(r"# (stages:|  - window:)", r"\1", written.read_text()))
    assert up_command == ".venv/bin/cygnet up mydetector.yaml"
    with running_up(written, data=tmp_path / "cygnet-data") as up:
        up.until(lambda: up.counts("mydetector").get("dead", 0) > 0, "the bad file is given up")
        assert "mydetector" in typed(tmp_path, f'{env} && echo "$CYGNET_PREFIX"')
        suggested, dead = (typed(tmp_path, command) for command in looks)
        assert "params set min=" in suggested
        assert re.search(r"bad\.png +not-an-image", dead)
        assert '{"window": {"min": 85.0, "max": 130.0}}' in typed(tmp_path, MOVE)
        assert up.interrupt() == 0, up.complaints


def typed(folder: Path, command: str) -> str:
    """Type a command in the folder and return what it prints."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment() | {"HOME": str(folder / "home")},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
