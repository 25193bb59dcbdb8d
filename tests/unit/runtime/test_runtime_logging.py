"""Every line on stderr is one JSON object, whoever wrote it."""

import io
import json
import logging
import subprocess
import sys

import pytest

from cygnet.runtime.logging import configure


@pytest.fixture
def lines():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log = configure("aggregator", "pod-1", "info", stream)
    yield log, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_carries_time_service_and_identity_of_the_frame(lines):
    log, written = lines
    log.info("frame is dead", run="r1", detector="lime", _event=7, reason="truncated")
    (line,) = written()
    assert line["message"] == "frame is dead"
    assert line["event"] == 7
    assert (line["service"], line["instance"], line["level"]) == ("aggregator", "pod-1", "info")
    assert line["time"].endswith("Z")
    assert list(line)[:3] == ["time", "level", "service"]


def test_a_library_writes_json_too(lines):
    _, written = lines
    logging.getLogger("somelib").warning("odd %s", "thing")
    (line,) = written()
    assert line["message"] == "odd thing"
    assert line["service"] == "aggregator"


def test_a_warning_and_the_last_traceback_are_json_lines_too():
    program = (
        "import warnings\n"
        "from cygnet.runtime.logging import configure\n"
        "configure('uploader', 'pod-2')\n"
        "warnings.warn('old call', UserWarning)\n"
        "raise RuntimeError('nobody caught me')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    warning, error = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert "old call" in warning["message"]
    assert error["level"] == "critical"
    assert "nobody caught me" in error["exception"]


def test_a_traceback_stays_on_its_line(lines):
    log, written = lines
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        log.exception("loop died")
    (line,) = written()
    assert "RuntimeError: two\nlines" in line["exception"]


def test_debug_is_silent_unless_asked_for(lines):
    log, written = lines
    log.debug("fine detail")
    assert written() == []
