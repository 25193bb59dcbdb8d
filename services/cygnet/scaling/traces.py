"""Four loads that every change of the policy has to stand: what detectors at a beam really do."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOUR_SECONDS: Final = 3600
NOISE_SEED: Final = 20240


@dataclass(frozen=True, slots=True)
class Trace:
    """A load: frames that arrive in each second."""

    name: str
    title: str
    frames: tuple[int, ...]


def constant(rate_hz: int = 100) -> Trace:
    """A detector that runs without a break."""
    return Trace("constant", f"constant, {rate_hz} frames/s", (rate_hz,) * HOUR_SECONDS)


def step() -> Trace:
    """A trigger that is opened and closed again: 20, 200, 40 frames/s for 20 minutes each."""
    part = HOUR_SECONDS // 3
    return Trace("step", "step, 20 → 200 → 40 frames/s", (20,) * part + (200,) * part + (40,) * part)


def beam(rate_hz: int = 150, on_seconds: int = 120, off_seconds: int = 180) -> Trace:
    """A pulsed beam: frames for two minutes, none for three."""
    cycle = (rate_hz,) * on_seconds + (0,) * off_seconds
    title = f"beam, {rate_hz} frames/s for {on_seconds} s, off for {off_seconds} s"
    return Trace("beam", title, (cycle * (HOUR_SECONDS // len(cycle) + 1))[:HOUR_SECONDS])


def noisy(seed: int = NOISE_SEED) -> Trace:
    """A mean of 100 frames/s that wanders by a third within a minute, and shot noise on it."""
    rng = random.Random(seed)  # noqa: S311 - a load, not a secret
    memory = 1 - 1 / 60
    wander = 0.0
    frames: list[int] = []
    for _ in range(HOUR_SECONDS):
        wander = memory * wander + rng.gauss(0, 0.33 * (1 - memory**2) ** 0.5)
        mean = 100 * max(0.0, 1 + wander)
        frames.append(max(0, round(rng.gauss(mean, mean**0.5))))
    return Trace("noisy", f"noisy, 100 ± 33 frames/s, seed {seed}", tuple(frames))


TRACES: Final[dict[str, Callable[[], Trace]]] = {
    "constant": constant,
    "step": step,
    "beam": beam,
    "noisy": noisy,
}
