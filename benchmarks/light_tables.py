"""Measure the mean light of each preset's model and write it down: `overlap` spectra are drawn from it.

    python -m benchmarks.light_tables [--events 1500]

Writes services/cygnet/simulator/cygno/light_tables.py; to be run after each change of the light's model.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cygnet.simulator.cygno import ELECTRONIC, NUCLEAR, PRESETS, Detector, Primary

HERE = Path(__file__).resolve().parent.parent / "services" / "cygnet" / "simulator" / "cygno"
ENERGIES_KEV = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 30.0)
DRIFTS_MM = {"sosc": (230.0, 250.0, 270.0), "lime": (0.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0)}
HEAD = '''"""Mean light of each preset's model in counts; written by `python -m benchmarks.light_tables`."""

from typing import Final

from cygnet.simulator.cygno.primary import Recoil

ENERGIES_KEV: Final = {energies}

DRIFTS_MM: Final[dict[str, tuple[float, ...]]] = {{
'''


def mean_light(detector: Detector, recoil: str, energy_kev: float, z_mm: float, events: int) -> int:
    """Return the mean counts of a recoil in the middle of the image, over isotropic directions."""
    total = 0
    for event in range(events):
        primary = Primary(
            event=event,
            recoil=recoil,
            energy_kev=energy_kev,
            direction=detector.primary(event).direction,
            position_mm=(0.0, 0.0),
            z_mm=z_mm,
        )
        total += int(detector.light(event, primary)[0].sum())
    return round(total / events)


def table(name: str, recoil: str, events: int) -> list[tuple[int, ...]]:
    """Return a row of light against energy for each drift distance."""
    detector = Detector(name, spectrum="school")
    with ThreadPoolExecutor(2) as pool:
        rows = []
        for z in DRIFTS_MM[name]:
            row = pool.map(lambda energy, z=z: mean_light(detector, recoil, energy, z, events), ENERGIES_KEV)
            rows.append(tuple(row))
            if np.any(np.diff(rows[-1]) <= 0):
                raise SystemExit(f"{name}, {recoil}, z = {z} mm: light does not grow with energy: {rows[-1]}")
    return rows


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1500, help="events in each mean")
    events = parser.parse_args().events
    text = HEAD.format(energies=ENERGIES_KEV)
    text += "".join(f'    "{name}": {DRIFTS_MM[name]},\n' for name in PRESETS)
    text += "}\n\n# for each drift distance a row: counts at each energy\n"
    text += "LIGHT_COUNTS: Final[dict[tuple[str, Recoil], tuple[tuple[int, ...], ...]]] = {\n"
    for name in PRESETS:
        for recoil in (NUCLEAR, ELECTRONIC):
            text += f'    ("{name}", "{recoil}"): (\n'
            text += "".join(f"        {row},\n" for row in table(name, recoil, events))
            text += "    ),\n"
    (HERE / "light_tables.py").write_text(text + "}\n")


if __name__ == "__main__":
    main()
