"""The CYGNO detector, simulated: recoils in He:CF4 seen by an sCMOS camera; every name loads at first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cygnet.simulator.cygno.detector import Detector
    from cygnet.simulator.cygno.presets import PRESETS, Preset
    from cygnet.simulator.cygno.primary import ELECTRONIC, NUCLEAR, Primary, Recoil
    from cygnet.simulator.cygno.seeds import detector_seed
    from cygnet.simulator.cygno.spectra import SCHOOL_ENERGIES_KEV, SPECTRA
    from cygnet.simulator.cygno.warming import warm_up

__all__ = [
    "ELECTRONIC",
    "NUCLEAR",
    "PRESETS",
    "SCHOOL_ENERGIES_KEV",
    "SPECTRA",
    "Detector",
    "Preset",
    "Primary",
    "Recoil",
    "detector_seed",
    "warm_up",
]

_MODULE_OF = {
    "ELECTRONIC": "primary",
    "NUCLEAR": "primary",
    "PRESETS": "presets",
    "SCHOOL_ENERGIES_KEV": "spectra",
    "SPECTRA": "spectra",
    "Detector": "detector",
    "Preset": "presets",
    "Primary": "primary",
    "Recoil": "primary",
    "detector_seed": "seeds",
    "warm_up": "warming",
}


def __getattr__(name: str) -> object:
    """Load a name's module at first use: `import cygnet.simulator.cygno` alone brings no compiler."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
