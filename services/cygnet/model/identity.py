"""Who a frame is: (run, detector, event), never its content."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from cygnet.model.errors import BadInputError

NAME_PATTERN = r"[A-Za-z0-9_-]{1,64}"
MAX_EVENT = 2**53 - 1  # the largest whole number that JSON carries exactly
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """The identity of one frame: `event` counts 0, 1, 2 … in its run, for each detector."""

    run: str
    detector: str
    event: int

    def __str__(self) -> str:
        return f"{self.run}/{self.detector}/{self.event}"


def check_name(value: str, field: str) -> str:
    """Return `value` if it is a legal run or detector name, else raise BadInputError."""
    if not _NAME.fullmatch(value):
        raise BadInputError(
            f"{field}: {value!r} is not a name; accepted: 1 to 64 of A-Z a-z 0-9 _ -", reason="bad-name"
        )
    return value


def check_event(value: int, field: str = "event") -> int:
    """Return `value` if it is a legal event number, else raise BadInputError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_EVENT:
        raise BadInputError(
            f"{field}: {value!r} is not an event number; accepted: 0 to {MAX_EVENT}", reason="bad-event"
        )
    return value


def new_run_id(now: datetime | None = None) -> str:
    """Return a fresh run id `YYYYMMDDThhmmss-xxxx`; ids sort by their time of creation (UTC)."""
    moment = now or datetime.now(UTC)
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
