"""Tells uploaders of a committed chunk: the commit record itself, on the work queue of notices."""

import msgspec

from cygnet.model.account import Commit
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow


async def send_notice(window: PublishWindow, names: Names, commit: Commit, *, occasion: str) -> None:
    """Publish the notice of a commit. `occasion` tells a repetition from the first one (`epoch-7`)."""
    msg_id = f"{commit.run}/{commit.detector}/{commit.chunk}/{commit.attempt}/{occasion}"
    await window.publish(names.notice_subject(commit.detector), msgspec.json.encode(commit), msg_id=msg_id)


def read_notice(body: bytes) -> Commit:
    """Return the commit of a notice; raise msgspec.ValidationError for anything else."""
    return msgspec.json.decode(body, type=Commit)
