"""Ten events that show both recoils: chosen by truth, by a classifier, or simply the first."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cygnet.analysis import SchoolChunks, decide, measure
from cygnet.analysis._classifier import groups_of
from cygnet.cli import gallery
from cygnet.cli.analyse_options import load_classifier
from cygnet.cli.event_figure import Picture, save_gallery
from cygnet.storage.dataset import Dataset

_OF_EACH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One event of a gallery."""

    position: int
    event: int
    time: str
    title: str
    recoil: str | None

    def document(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"event": self.event, "time": self.time, "recoil": self.recoil}


def choose_ten(stored: Dataset | SchoolChunks, classifier: Path | None) -> list[Shown]:
    """Return up to five events of each recoil, nuclear ones first; the first ten where nothing tells them.

    A classifier is asked only where there is no truth; of those that it decides, the first of each kind.
    """
    if isinstance(stored, Dataset):
        chosen = gallery.choose(stored)
        if classifier is None or any(each.truth for each in chosen):
            return [
                _shown(
                    stored,
                    _position(stored, each.view.event),
                    each.truth.recoil if each.truth else None,
                    gallery.caption(each),
                )
                for each in chosen
            ]
    if classifier is None:
        return [_shown(stored, position, None, "") for position in range(min(2 * _OF_EACH, len(stored)))]
    groups = groups_of(decide(measure(stored), load_classifier(classifier)))
    return [
        _shown(stored, int(position), recoil, "")
        for recoil in ("nuclear", "electronic")
        for position in np.flatnonzero(groups[recoil])[:_OF_EACH]
    ]


def draw_ten(stored: Dataset | SchoolChunks, ten: list[Shown], title: str, path: Path) -> None:
    """Draw the chosen events into a file."""
    pictures = [
        Picture(stored.images(each.position, each.position + 1)[0], each.title, each.recoil) for each in ten
    ]
    save_gallery(pictures, path, title)


def _position(stored: Dataset, event: int) -> int:
    return int(np.searchsorted(stored.events, event))


def _shown(stored: Dataset | SchoolChunks, position: int, recoil: str | None, title: str) -> Shown:
    event = int(stored.events[position]) if isinstance(stored, Dataset) else position
    told = f"event {event}" + (f": {recoil} candidate" if recoil else "")
    return Shown(
        position=position, event=event, time=str(stored.times[position]), title=title or told, recoil=recoil
    )
