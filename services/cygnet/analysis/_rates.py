"""Rates: events and candidates in bins of time, with Poisson errors, and for how long each bin was live."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cygnet.model.errors import BadInputError

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
_ONE_SIGMA = 0.6826894921370859
_PAUSE_CHANCE = 1e-3  # that a run without any pause is thought to have one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Counts in B bins of equal length."""

    start: np.datetime64
    """Where `edges` counts from, UTC, datetime64[ns]."""
    edges: Floats
    """Bin edges in seconds after `start`, (B + 1,)."""
    events: Counts
    """Stored events in each bin, (B,)."""
    nuclear: Counts
    """Those of them that are taken for nuclear recoils, (B,)."""
    live: Floats
    """Seconds of each bin in which events were taken, (B,): its length less the pauses, see `rates`."""

    @property
    def seconds(self) -> Floats:
        """Length of each bin, (B,)."""
        return np.diff(self.edges)

    @property
    def middles(self) -> Floats:
        """Middle of each bin in seconds after `start`, (B,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def event_hz(self) -> float:
        """Mean rate of stored events, a live second."""
        return float(self.events.sum() / self.live.sum())

    @property
    def event_hz_error(self) -> float:
        """Its Poisson error."""
        return float(np.sqrt(self.events.sum()) / self.live.sum())


def rates(times: npt.NDArray[np.datetime64], nuclear: npt.NDArray[np.bool_], *, bins: int) -> Rates:
    """Count events and nuclear candidates in equal bins from the first event's time to the last one's.

    times: (N,) datetime64, any order; nuclear: (N,). Raises BadInputError for NaT, for fewer than two
    different times and for bins below 1.

    Nothing that is stored says when the beam was off or the detector at rest. So a silence of all events that
    is at least a bin long, and so long that their mean rate leaves one like it in fewer than a thousandth of
    such runs, is a pause: it does not count as live.
    """
    if len(times) != len(nuclear):
        raise BadInputError(f"nuclear: {len(nuclear)} values for {len(times)} times; accepted: one for each")
    if bins < 1:
        raise BadInputError(f"bins: {bins}; accepted: 1 or more")
    if np.isnat(times).any():
        raise BadInputError(f"times: {int(np.isnat(times).sum())} are NaT; accepted: a time of each event")
    stamps = times.astype("M8[ns]").astype(np.int64)
    first, last = (int(stamps.min()), int(stamps.max())) if len(stamps) else (0, 0)
    if first == last:
        raise BadInputError(f"times: {len(stamps)} events at one moment; accepted: events at different times")
    seconds = (stamps - first) / 1e9
    edges = np.linspace(0, (last - first) / 1e9, bins + 1)
    return Rates(
        start=np.datetime64(first, "ns"),
        edges=edges,
        events=np.histogram(seconds, edges)[0].astype(np.int64),
        nuclear=np.histogram(seconds[nuclear], edges)[0].astype(np.int64),
        live=_live(np.sort(seconds), edges),
    )


def _live(seconds: Floats, edges: Floats) -> Floats:
    """Return the live seconds of each bin (B,), by the ascending times of all events.

    Pauses are looked for until the rate of the rest allows all of its silences. On either side a pause ends
    one mean distance of events from the nearest one: so far, in the mean, the rate goes on unseen.
    """
    gaps = np.diff(seconds)
    pauses = np.zeros(len(gaps), bool)
    while True:
        mean_gap = (gaps.sum() - gaps[pauses].sum()) / max(len(gaps) - int(pauses.sum()), 1)
        longest = mean_gap * np.log(len(seconds) / _PAUSE_CHANCE)
        found = gaps > max(longest, edges[1] - edges[0])
        if found.sum() <= pauses.sum():
            break
        pauses = found
    starts, stops = seconds[:-1][pauses] + mean_gap, seconds[1:][pauses] - mean_gap
    dead_before = (
        np.interp(
            edges, np.stack([starts, stops], 1).ravel(), np.cumsum(np.stack([0 * starts, stops - starts], 1))
        )
        if len(starts)
        else np.zeros(len(edges))
    )
    return np.maximum(np.diff(edges) - np.diff(dead_before), 0.0)


def poisson_interval(counts: Counts) -> tuple[Floats, Floats]:
    """Return the central 68.3 % interval of the mean of each Poisson count, low and high.

    Garwood's exact interval (Biometrika 28 (1936) 437): quantiles of chi-squared with 2n and 2n + 2
    degrees of freedom, halved; 0 … 1.84 for a count of 0.
    """
    from scipy.stats import chi2

    tail = (1 - _ONE_SIGMA) / 2
    seen = np.asarray(counts, np.float64)
    low = np.where(seen > 0, chi2.ppf(tail, 2 * np.maximum(seen, 1)) / 2, 0.0)
    return low, chi2.isf(tail, 2 * seen + 2) / 2
