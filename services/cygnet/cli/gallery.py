"""Which ten stored events show what a run is like: of a simulated one, five of each recoil by energy."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cygnet.model.errors import NoSuchError
from cygnet.model.truth import Truth
from cygnet.storage.dataset import Dataset, EventView

_OF_EACH = 5
_LOOKED_AT = 1000  # events; the first ones
_SHORT = {"nuclear": "NR", "electronic": "ER"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One event of a gallery."""

    view: EventView
    truth: Truth | None


def choose(dataset: Dataset) -> list[Chosen]:
    """Return up to five events of each recoil, from the lowest to the highest energy, nuclear ones first.

    Where there is no truth, the first ten events.
    """
    try:
        truth = dataset.truth(0, _LOOKED_AT)
    except NoSuchError:
        return [Chosen(view, view.truth) for view in dataset[: 2 * _OF_EACH]]
    recoils = np.array(truth.column("recoil").to_pylist())
    energies = truth.column("energy_kev").to_numpy()
    positions: list[int] = []
    for recoil in _SHORT:
        of_recoil = np.flatnonzero(recoils == recoil)
        by_energy = of_recoil[np.argsort(energies[of_recoil], kind="stable")]
        places = np.linspace(0, len(by_energy) - 1, min(_OF_EACH, len(by_energy))).astype(int)
        positions += by_energy[places].tolist()
    return [Chosen(view, view.truth) for view in (dataset[position] for position in positions)]


def save(chosen: list[Chosen], title: str, path: Path) -> None:
    """Draw the chosen events into a file."""
    from cygnet.cli.event_figure import Picture, save_gallery

    save_gallery(
        [
            Picture(each.view.image, caption(each), each.truth.recoil if each.truth else None)
            for each in chosen
        ],
        path,
        title,
    )


def caption(chosen: Chosen) -> str:
    """Return what stands above an event."""
    if chosen.truth is None:
        return f"event {chosen.view.event}"
    truth = chosen.truth
    return f"event {chosen.view.event}: {_SHORT[truth.recoil]} {truth.energy_kev:.3g} keV"
