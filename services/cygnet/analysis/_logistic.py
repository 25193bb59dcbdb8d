"""Logistic regression on features, their squares and products: small, deterministic, read by eye in JSON."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_CLIP_SIGMA = 5.0  # a feature far outside of what was learnt counts as being at its edge
_RIDGE = 1e-3
_STEPS = 50
_ENOUGH = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """log odds = w · terms, with the terms 1, z, z² and products of standardised features z."""

    means: Floats
    """Of the K features, (K,)."""
    scales: Floats
    """Their standard deviations, (K,)."""
    weights: Floats
    """(1 + K + K (K + 1) / 2,)."""

    def log_odds(self, values: Floats) -> Floats:
        """Return the logarithm of P(nuclear) / P(electronic) at equal shares, (N,), of features (N, K)."""
        return np.asarray(terms(self._standard(values)) @ self.weights)

    def _standard(self, values: Floats) -> Floats:
        return np.clip((values - self.means) / self.scales, -_CLIP_SIGMA, _CLIP_SIGMA)


def terms(z: Floats) -> Floats:
    """Return 1, z and all z_i z_j with i ≤ j as columns: (N, K) → (N, 1 + K + K (K + 1) / 2)."""
    upper = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, upper[0]] * z[:, upper[1]]], axis=1)


def learn(values: Floats, nuclear: npt.NDArray[np.bool_]) -> Logistic:
    """Return the model with the largest likelihood, both types given the same weight whatever their number.

    values: (N, K), finite; nuclear: (N,), of both types some. Newton's method (iteratively reweighted
    least squares) with a small ridge, which keeps separable types finite.
    """
    means, scales = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-12)
    start = Logistic(means=means, scales=scales, weights=np.zeros(0))
    design = terms(start._standard(values))
    share = np.where(nuclear, 0.5 / nuclear.sum(), 0.5 / (~nuclear).sum())
    weights = np.zeros(design.shape[1])
    ridge = np.full(len(weights), _RIDGE)
    ridge[0] = 0
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ weights, -40, 40)))
        slope = design.T @ (share * (probability - nuclear)) + ridge * weights
        curvature = design.T * (share * probability * (1 - probability)) @ design
        step = np.linalg.solve(curvature + np.diag(ridge + 1e-12), slope)
        weights = weights - step
        if np.abs(step).max() < _ENOUGH:
            break
    return Logistic(means=means, scales=scales, weights=weights)
