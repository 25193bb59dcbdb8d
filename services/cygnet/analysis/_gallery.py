"""Ten stored events that show both recoils: chosen by truth, by a classifier, or simply the first."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cygnet.analysis._classifier import Classifier, groups_of
from cygnet.analysis._event_figure import Picture, save_gallery
from cygnet.analysis._school_gallery import OF_EACH, SHORT
from cygnet.analysis._stored import Images, Stored, decide, measure
from cygnet.model.errors import NoSuchError
from cygnet.model.truth import Truth
from cygnet.storage.dataset import Dataset

_LOOKED_AT = 1000  # events; the first ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One event of a gallery."""

    event: int
    """Its number in the run; its position where events have no numbers."""
    time: np.datetime64
    """In UTC, as far as the chunks say."""
    image: Images
    """(H, W)."""
    recoil: str | None = None
    """`nuclear` or `electronic`, by truth or by the classifier."""
    truth: Truth | None = None

    @property
    def title(self) -> str:
        """What stands above it."""
        if self.truth:
            return f"event {self.event}: {SHORT[self.truth.recoil]} {self.truth.energy_kev:.3g} keV"
        return f"event {self.event}" + (f": {self.recoil} candidate" if self.recoil else "")


def gallery(stored: Stored, classifier: Classifier | None = None) -> list[Shown]:
    """Return up to five events of each recoil, nuclear ones first; the first ten where nothing tells them.

    By truth they go from the lowest to the highest energy. A classifier is asked only where there is no
    truth, and raises what `measure` and `decide` do; of those that it decides, the first of each kind.
    """
    told = _by_truth(stored) if isinstance(stored, Dataset) else None
    if told is not None:
        return [_shown(stored, position, None) for position in told]
    if classifier is None:
        return [_shown(stored, position, None) for position in range(min(2 * OF_EACH, len(stored)))]
    groups = groups_of(decide(measure(stored), classifier))
    return [
        _shown(stored, int(position), recoil)
        for recoil in SHORT
        for position in np.flatnonzero(groups[recoil])[:OF_EACH]
    ]


def draw_gallery(shown: list[Shown], title: str, path: Path) -> None:
    """Draw events in rows of five: nuclear recoils in Blues_r, electron recoils in pink.

    Raises BadInputError when the file cannot be written.
    """
    save_gallery([Picture(each.image, each.title, each.recoil) for each in shown], path, title)


def _by_truth(stored: Dataset) -> list[int] | None:
    """Return positions that span the energies of each recoil, None where no truth is kept."""
    try:
        truth = stored.truth(0, _LOOKED_AT)
    except NoSuchError:
        return None
    recoils = np.array(truth.column("recoil").to_pylist())
    energies = truth.column("energy_kev").to_numpy()
    positions: list[int] = []
    for recoil in SHORT:
        of_recoil = np.flatnonzero(recoils == recoil)
        by_energy = of_recoil[np.argsort(energies[of_recoil], kind="stable")]
        places = np.linspace(0, len(by_energy) - 1, min(OF_EACH, len(by_energy))).astype(int)
        positions += by_energy[places].tolist()
    return positions


def _shown(stored: Stored, position: int, recoil: str | None) -> Shown:
    if isinstance(stored, Dataset):
        view = stored[position]
        truth = view.truth
        return Shown(
            event=view.event,
            time=view.time,
            image=view.image,
            recoil=truth.recoil if truth else recoil,
            truth=truth,
        )
    [image] = stored.images(position, position + 1)
    return Shown(event=position, time=stored.times[position], image=image, recoil=recoil)
