"""What became of one frame in a preprocessor: a result, nothing on purpose, or a dead letter."""

from dataclasses import dataclass

from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.model.result import Result
from cygnet.transport.codec import BrokenFrame


@dataclass(frozen=True, slots=True)
class Done:
    """The frame became a result."""

    result: Result


@dataclass(frozen=True, slots=True)
class Consumed:
    """The frame is finished without a stored array."""

    id: FrameId
    reason: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The frame cannot be processed, however often it is tried."""

    frame: Frame | BrokenFrame
    reason: str
    message: str
    stage: str


Outcome = Done | Consumed | GivenUp


def give_up(frame: Frame | BrokenFrame, error: Exception, stage: str) -> GivenUp:
    """Return the dead letter of a frame that failed with `error`."""
    reason = str(getattr(error, "reason", "processing-failed"))
    text = str(error) or type(error).__name__
    if not hasattr(error, "reason"):
        text = f"{type(error).__name__}: {text}"
    return GivenUp(frame, reason, text, stage)
