"""What really happened in a simulated event; kept beside the run, never in the frame."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The primary of one simulated event.

    recoil: `nuclear` or `electronic`. direction: unit vector (x, y, z) of the primary's start, z along the
    drift. position_mm: x and y of the vertex from the image's centre, along its columns and rows. z_mm: how
    far its charge drifts to the readout.
    """

    event: int
    time_ns: int
    recoil: str
    energy_kev: float
    direction: tuple[float, float, float]
    position_mm: tuple[float, float]
    z_mm: float
