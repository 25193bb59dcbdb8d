"""Images whose tracks are known exactly: spots and ellipses of light on a camera's noise."""

import numpy as np

SIDE = 224


def image(
    light, sigma_long=5.0, sigma_wide=5.0, *, angle=0.0, at=(112.0, 112.0), seed=0, pedestal=100.0, noise=5.3
):
    """A uint8 crop with a Gaussian ellipse of `light` counts at (x, y), its long axis at `angle`."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    dx, dy = columns - at[0], rows - at[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    height = light / (2 * np.pi * sigma_long * sigma_wide)
    counts = height * np.exp(-(along**2) / (2 * sigma_long**2) - across**2 / (2 * sigma_wide**2))
    counts = counts + pedestal + rng.normal(0, noise, (SIDE, SIDE)) + rng.normal(0, 0.86, SIDE)
    return np.clip(np.rint(counts), 0, 255).astype(np.uint8)
