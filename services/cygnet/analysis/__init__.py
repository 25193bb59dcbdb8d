"""What a physicist does with a stored run: tracks, their type, rates, modulation; names load at first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cygnet.analysis._classifier import Classifier, Decision, Training
    from cygnet.analysis._classifier_file import load, save
    from cygnet.analysis._correction import NuclearRate, Selection, correct
    from cygnet.analysis._features import Tracks, features
    from cygnet.analysis._gallery import Shown, draw_gallery, gallery
    from cygnet.analysis._modulation import Modulation, fit_modulation
    from cygnet.analysis._modulation_figure import draw_modulation
    from cygnet.analysis._rates import Rates, poisson_interval, rates
    from cygnet.analysis._school import SchoolChunks, read_school_chunks
    from cygnet.analysis._stored import Measured, candidate_rates, decide, measure
    from cygnet.analysis._training import train

__all__ = [
    "Classifier",
    "Decision",
    "Measured",
    "Modulation",
    "NuclearRate",
    "Rates",
    "SchoolChunks",
    "Selection",
    "Shown",
    "Tracks",
    "Training",
    "candidate_rates",
    "correct",
    "decide",
    "draw_gallery",
    "draw_modulation",
    "features",
    "fit_modulation",
    "gallery",
    "load",
    "measure",
    "poisson_interval",
    "rates",
    "read_school_chunks",
    "save",
    "train",
]

_MODULE_OF = {
    "Classifier": "_classifier",
    "Decision": "_classifier",
    "Measured": "_stored",
    "Modulation": "_modulation",
    "NuclearRate": "_correction",
    "Rates": "_rates",
    "SchoolChunks": "_school",
    "Selection": "_correction",
    "Shown": "_gallery",
    "Tracks": "_features",
    "Training": "_classifier",
    "candidate_rates": "_stored",
    "correct": "_correction",
    "decide": "_stored",
    "draw_gallery": "_gallery",
    "draw_modulation": "_modulation_figure",
    "features": "_features",
    "fit_modulation": "_modulation",
    "gallery": "_gallery",
    "load": "_classifier_file",
    "measure": "_stored",
    "poisson_interval": "_rates",
    "rates": "_rates",
    "read_school_chunks": "_school",
    "save": "_classifier_file",
    "train": "_training",
}


def __getattr__(name: str) -> object:
    """Load a name's module at first use: `import cygnet.analysis` alone brings no compiler and no scipy."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
