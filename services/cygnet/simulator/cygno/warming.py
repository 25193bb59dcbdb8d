"""Load every kernel of the detector before the first event, so that no event waits for a compiler."""

from cygnet.simulator.cygno.detector import Detector
from cygnet.simulator.cygno.presets import PRESETS


def warm_up() -> None:
    """Make an image of each recoil type with each preset: some seconds when nothing is cached."""
    for name in PRESETS:
        detector = Detector(name)
        for share in (0.0, 1.0):
            detector.image(0, detector.primary(0, nuclear_share=share))
