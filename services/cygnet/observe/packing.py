"""How many frames a message holds: as the workers say, before they do by what the source has issued."""

from cygnet.observe.load import Load
from cygnet.observe.reports import Handled


class Packing:
    """Learns the frames in a message of one pipeline."""

    def __init__(self, handled: Handled) -> None:
        self._handled = handled
        self._first: tuple[str, int, int] | None = None

    def frames_per_message(self, load: Load) -> float:
        """Return what the workers report; until they have, what the source put into a message in this run."""
        reported = self._handled.frames_per_message()
        if reported:
            return reported
        run, issued = load.request.run if load.request else "", sum(load.issued.values())
        if self._first is None or self._first[0] != run:
            self._first = (run, load.frames.last_seq, issued)
        _, first_seq, first_issued = self._first
        messages = load.frames.last_seq - first_seq
        return max(1.0, (issued - first_issued) / messages) if messages > 0 else 1.0
