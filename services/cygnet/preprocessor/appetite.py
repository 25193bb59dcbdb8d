"""How much a worker takes at once: a quarter of a second of work, in frames, pulled in messages."""

from dataclasses import dataclass

from cygnet.transport.codec import MAX_FRAMES
from cygnet.transport.streams import PREPROCESSOR_BATCH

BATCHES_AT_ONCE = 3  # one fetches, one is in the kernels, one is being published
_BATCH_SECONDS = 0.25
_FIRST_FRAMES = 4
_THREADS = 2
_WEIGHT = 0.3


@dataclass(slots=True)
class Appetite:
    """What one worker has learned of its frames; before it has, it takes one message and a few frames."""

    seconds_per_frame: float | None = None
    frames_per_message: float = 1.0

    def learn_time(self, frames: int, seconds: float) -> None:
        """So many frames took so long together. What is twice as fast as was thought is believed at once.

        The first few frames pay for a whole turn, and what was held by an outage says nothing of frames.
        """
        seen = seconds / frames
        known = self.seconds_per_frame
        if known is None or seen < known / 2:
            self.seconds_per_frame = seen
        else:
            self.seconds_per_frame = known + _WEIGHT * (seen - known)

    def learn_packing(self, frames: int, messages: int) -> None:
        """So many frames came in so many messages."""
        self.frames_per_message += _WEIGHT * (frames / messages - self.frames_per_message)

    @property
    def frames(self) -> int:
        """How many frames to process and publish together."""
        if self.seconds_per_frame is None:
            return _FIRST_FRAMES
        most = PREPROCESSOR_BATCH * MAX_FRAMES
        if self.seconds_per_frame * most <= _BATCH_SECONDS:
            return most
        return max(1, int(_BATCH_SECONDS / self.seconds_per_frame))

    @property
    def messages(self) -> int:
        """How many messages to pull: those frames in whole packs, so that none waits here for its turn."""
        if self.seconds_per_frame is None:
            return 1
        return max(1, min(PREPROCESSOR_BATCH, int(self.frames / max(1.0, self.frames_per_message))))

    def portion(self, left: int) -> int:
        """Return how many of the frames that are left in a batch make a turn: a slow pack is seen to move."""
        return left if left < 2 * self.frames else self.frames

    def takes_more(self, batches: int, frames: int) -> bool:
        """Whether another batch may begin beside those that hold so many frames.

        Two frames keep both kernel threads busy; more only while all of it is soon done, since another
        worker might be idle.
        """
        if batches == 0:
            return True
        if self.seconds_per_frame is None or batches >= BATCHES_AT_ONCE:
            return False
        return frames < _THREADS or frames * self.seconds_per_frame < BATCHES_AT_ONCE * _BATCH_SECONDS
