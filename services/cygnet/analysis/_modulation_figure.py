"""Draws a modulation: counted rate with Poisson errors, fit with its band, and the scan over periods."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cygnet.analysis._correction import NuclearRate
from cygnet.analysis._figure import ELECTRONIC, FIT, NUCLEAR, new_figure, plain, write
from cygnet.analysis._modulation import Modulation
from cygnet.analysis._rates import Rates, poisson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
_POINTS_PER_PERIOD = 12
_CURVE = 600
_FEWEST_LIVE = 0.05  # of a point's bins: below, its error bar would hide the others


def draw_modulation(
    counted: Rates, fit: Modulation, nuclear: NuclearRate | None, title: str, path: Path
) -> None:
    """Draw rate, fit and scan; `nuclear`: the rate that is behind, in words."""
    figure = new_figure(9.0, 6.2)
    above, below = figure.subplots(2, 1, height_ratios=(2.2, 1))
    _rate(above, counted, fit)
    above.set_title("\n".join([title, *describe(fit, nuclear)]), fontsize=9)
    _scan(below, fit)
    write(figure, path)


def describe(fit: Modulation, nuclear: NuclearRate | None) -> Sequence[str]:
    """Return what was found, in a line on the candidates and one on the recoils behind them."""
    b, s, t, phase = fit.errors
    candidates = (
        f"T = {fit.period_seconds:.4g} ± {t:.2g} s, b = {fit.base_hz:.3g} ± {b:.2g} Hz,"
        f" s = {fit.amplitude_hz:.3g} ± {s:.2g} Hz, φ = {fit.phase_radians:.2f} ± {phase:.2f},"
        f" chance {fit.p_value:.1g}"
    )
    if nuclear is None:
        return [candidates]
    recoils = (
        f"nuclear recoils: b = {nuclear.base_hz:.3g} ± {nuclear.base_hz_error:.2g} Hz,"
        f" s = {nuclear.amplitude_hz:.3g} ± {nuclear.amplitude_hz_error:.2g} Hz,"
        f" s/b = {nuclear.ratio:.2f} ± {nuclear.ratio_error:.2f}"
    )
    return [candidates, recoils]


def band(fit: Modulation, seconds: Floats) -> Floats:
    """Return one sigma of the fitted rate at the given times: the covariance, to first order."""
    angle = 2 * np.pi * seconds / fit.period_seconds + fit.phase_radians
    swing = fit.amplitude_hz * np.cos(angle)
    by_period = swing * (-2 * np.pi * seconds / fit.period_seconds**2)
    gradient = np.stack([np.ones_like(seconds), 1 + np.sin(angle), by_period, swing])
    variance = np.einsum("in,ij,jn->n", gradient, fit.covariance, gradient)
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def _rate(axes: "Axes", counted: Rates, fit: Modulation) -> None:
    span = counted.edges[-1]
    merged = max(1, round(fit.period_seconds / _POINTS_PER_PERIOD / counted.seconds[0]))
    starts = np.arange(0, len(counted.nuclear), merged)
    counts = np.add.reduceat(counted.nuclear, starts)
    edges = np.append(counted.edges[starts], span)
    live = np.add.reduceat(counted.live, starts)
    seen = live > _FEWEST_LIVE * np.diff(edges)
    middles, width = ((edges[1:] + edges[:-1]) / 2)[seen], np.diff(edges)
    counts, live = counts[seen], live[seen]
    low, high = poisson_interval(counts)
    axes.errorbar(
        middles,
        counts / live,
        yerr=((counts - low) / live, (high - counts) / live),
        fmt="o",
        markersize=3,
        linewidth=0.9,
        color=NUCLEAR,
        label=f"nuclear candidates, {width[0]:.3g} s bins",
    )
    time = np.linspace(0, span, _CURVE)
    rate, sigma = fit.hz(time), band(fit, time)
    axes.fill_between(time, rate - sigma, rate + sigma, color=FIT, alpha=0.25, linewidth=0)
    axes.plot(time, rate, color=FIT, label="b + s (1 + sin(2πt/T + φ)) ± 1 σ")
    axes.set_xlim(0, span)
    axes.set_ylim(0, 1.15 * float((high / live).max()))
    axes.set_xlabel("time, s")
    axes.set_ylabel("rate, Hz")
    axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
    plain(axes)


def _scan(axes: "Axes", fit: Modulation) -> None:
    axes.plot(1 / fit.scanned.frequencies, fit.scanned.gains, color=NUCLEAR, linewidth=1)
    axes.axvline(fit.period_seconds, color=ELECTRONIC, linewidth=1, linestyle="--", label="fitted T")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("period, s")
    axes.set_ylabel("gain in log likelihood")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    plain(axes)
