"""A modulation that is there is found without a hint, one that is not is not claimed, and errors are true."""

import numpy as np
import pytest

from cygnet.analysis import Selection, correct, fit_modulation, poisson_interval, rates
from cygnet.analysis._correction import fraction
from cygnet.analysis._modulation import _expected
from cygnet.model.errors import BadInputError

SPAN, BINS = 300.0, 100


def counted(rng, base, amplitude, period, phase, span=SPAN, bins=BINS):
    """Poisson events of b + s (1 + sin(2πt/T + φ)), in bins."""
    most = base + 2 * amplitude
    times = rng.uniform(0, span, rng.poisson(most * span))
    rate = base + amplitude * (1 + np.sin(2 * np.pi * times / period + phase))
    edges = np.linspace(0, span, bins + 1)
    return edges, np.histogram(times[rng.uniform(0, most, len(times)) < rate], edges)[0]


@pytest.mark.parametrize("period", [20.0, 47.0, 61.0, 110.0])
@pytest.mark.parametrize("phase", [-2.5, 0.3])
def test_a_period_is_found_without_a_start_value(period, phase):
    fit = fit_modulation(*counted(np.random.default_rng(1), 3, 3, period, phase))
    assert fit.period_seconds == pytest.approx(period, rel=0.05)
    assert abs(fit.period_seconds - period) < 5 * fit.errors[2]
    assert fit.p_value < 1e-6


def test_errors_of_the_fit_are_as_large_as_its_scatter():
    rng = np.random.default_rng(2)
    pulls = []
    for phase in np.linspace(-3, 3, 60):
        fit = fit_modulation(*counted(rng, 4, 3, 60, phase))
        found = np.array([fit.base_hz, fit.amplitude_hz, fit.period_seconds, fit.phase_radians])
        off = found - [4, 3, 60, phase]
        off[3] = (off[3] + np.pi) % (2 * np.pi) - np.pi
        pulls.append(off / fit.errors)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.6
    assert np.std(pulls, axis=0) == pytest.approx(np.ones(4), abs=0.35)


def test_a_constant_rate_is_seldom_called_modulated():
    rng = np.random.default_rng(3)
    chances = [fit_modulation(*counted(rng, 4, 0, 60, 0)).p_value for _ in range(50)]
    assert np.mean(np.array(chances) < 0.05) < 0.2
    assert np.mean(chances) == pytest.approx(0.5, abs=0.2)


def test_a_modulation_down_to_zero_keeps_base_and_amplitude_positive():
    rng = np.random.default_rng(4)
    fits = [fit_modulation(*counted(rng, 0, 2, 60, 1)) for _ in range(10)]
    assert all(fit.base_hz >= 0 and fit.amplitude_hz > 0 for fit in fits)
    assert all(fit.period_seconds == pytest.approx(60, rel=0.05) for fit in fits)
    assert all(np.isfinite(fit.errors).all() for fit in fits)


def test_edges_may_begin_anywhere():
    edges, counts = counted(np.random.default_rng(5), 3, 3, 60, 0.5)
    assert fit_modulation(edges + 1e4, counts).period_seconds == fit_modulation(edges, counts).period_seconds


def test_the_same_counts_give_the_same_fit():
    data = counted(np.random.default_rng(6), 3, 3, 60, 0.5)
    assert fit_modulation(*data).covariance.tolist() == fit_modulation(*data).covariance.tolist()


def test_derivatives_are_those_of_the_expected_counts():
    edges, at = np.linspace(0, 100, 21), np.array([2.0, 1.5, 0.03, 0.7])
    live = np.diff(edges) * np.linspace(0, 1, 20)
    _, gradient = _expected(at, edges, live)
    for number, step in enumerate([1e-5, 1e-5, 1e-8, 1e-6]):
        move = np.zeros(4)
        move[number] = step
        numeric = (_expected(at + move, edges, live)[0] - _expected(at - move, edges, live)[0]) / (2 * step)
        assert gradient[number] == pytest.approx(numeric, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("edges", "counts", "said"),
    [
        (np.arange(11.0), np.ones(10, int), "counts: 10 between 11 edges"),
        ([], [], "counts: 0 between 0 edges"),
        (np.arange(21.0), np.zeros(20, int), "counts: 0 in all"),
        (np.arange(22.0), np.ones(20, int), "one edge more"),
        (np.r_[np.arange(20.0), 3], np.ones(20, int), "edges: they do not ascend"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(edges, counts, said):
    with pytest.raises(BadInputError, match=said):
        fit_modulation(edges, counts)


def in_beam(rng, base, amplitude, period, *, on=20.0, off=10.0, electronic=20.0):
    """Times of all events of a beam that is on and off by turns, and which of them are nuclear."""
    most = base + 2 * amplitude + electronic
    times = np.sort(rng.uniform(0, SPAN, rng.poisson(most * SPAN)))
    height = rng.uniform(0, most, len(times))
    rate = base + amplitude * (1 + np.sin(2 * np.pi * times / period))
    kept = (times % (on + off) < on) & (height < rate + electronic)
    return (times[kept] * 1e9).astype("M8[ns]"), (height < rate)[kept]


def test_a_constant_rate_in_a_beam_that_comes_and_goes_is_not_called_modulated():
    rng, chances = np.random.default_rng(13), []
    for _ in range(20):
        found = rates(*in_beam(rng, 7, 0, 60), bins=BINS)
        assert found.live.sum() == pytest.approx(200, abs=2)
        assert found.event_hz == pytest.approx(27, abs=4 * found.event_hz_error)
        fit = fit_modulation(found.edges, found.nuclear, found.live)
        assert fit.degrees < BINS - 25
        chances.append(fit.p_value)
    assert min(chances) > 1e-4
    assert np.mean(chances) > 0.25


@pytest.mark.parametrize("period", [47.0, 110.0])
def test_a_modulation_is_found_between_the_pauses_of_a_beam(period):
    found = rates(*in_beam(np.random.default_rng(11), 3, 4, period), bins=BINS)
    fit = fit_modulation(found.edges, found.nuclear, found.live)
    assert fit.period_seconds == pytest.approx(period, rel=0.05)
    assert abs(fit.base_hz - 3) < 4 * fit.errors[0]
    assert abs(fit.amplitude_hz - 4) < 4 * fit.errors[1]


def test_a_run_without_pauses_is_live_all_the_time():
    rng = np.random.default_rng(12)
    for _ in range(20):
        times = (np.cumsum(rng.exponential(0.05, 4000)) * 1e9).astype("M8[ns]")
        found = rates(times, np.ones(4000, bool), bins=300)
        assert found.live == pytest.approx(found.seconds)


def test_times_in_whole_seconds_and_bursts_within_a_bin_make_no_pause():
    for times in (
        np.repeat(np.arange(300), 50),
        np.repeat(np.arange(300.0), 50) + np.tile(np.arange(50), 300) * 1e-6,
    ):
        found = rates((times * 1e9).astype("M8[ns]"), np.ones(len(times), bool), bins=100)
        assert found.live == pytest.approx(found.seconds)


@pytest.mark.parametrize("live", [np.ones(19), np.full(20, 1.5), np.r_[0.0, np.ones(19)]])
def test_live_times_that_cannot_be_are_refused(live):
    with pytest.raises(BadInputError, match=r"live: .*accepted"):
        fit_modulation(np.arange(21.0), np.ones(20, int), live)


def test_a_fit_that_did_not_converge_is_not_taken(monkeypatch):
    from scipy import optimize

    search = optimize.minimize

    def stopped(*words, **named):
        found = search(*words, **named)
        found.success, found.status = False, 9
        return found

    monkeypatch.setattr(optimize, "minimize", stopped)
    with pytest.raises(BadInputError, match="none of 5 fits converged"):
        fit_modulation(*counted(np.random.default_rng(6), 3, 3, 60, 0.5))


def test_correction_gives_back_what_efficiency_and_leakage_hid():
    efficiency, leakage, rate = 0.4, 0.02, 100.0
    share = np.array([0.05, 0.05])  # base and amplitude of the share of nuclear recoils
    base = rate * (leakage + share[0] * (efficiency - leakage))
    amplitude = rate * share[1] * (efficiency - leakage)
    edges, counts = counted(np.random.default_rng(7), base, amplitude, 600, 0, span=60_000, bins=2000)
    fit = fit_modulation(edges, counts)
    nuclear = correct(fit, rate, 0.04, selection(efficiency, leakage))
    assert abs(nuclear.base_hz - 5) < 4 * nuclear.base_hz_error
    assert abs(nuclear.amplitude_hz - 5) < 4 * nuclear.amplitude_hz_error
    assert abs(nuclear.ratio - 1) < 4 * nuclear.ratio_error < 0.3


def test_an_uncertain_leakage_makes_the_ratio_uncertain():
    fit = fit_modulation(*counted(np.random.default_rng(8), 4, 2, 60, 0))
    sure = correct(fit, 100, 0.5, selection(0.4, 0.02))
    unsure = correct(fit, 100, 0.5, selection(0.4, 0.02, leakage_error=0.01))
    assert unsure.ratio == sure.ratio
    assert unsure.ratio_error > 1.3 * sure.ratio_error


def test_first_order_errors_are_those_of_thrown_values():
    fit = fit_modulation(*counted(np.random.default_rng(9), 4, 2, 60, 0, span=3000, bins=1000))
    known = selection(0.4, 0.02)
    rng = np.random.default_rng(10)
    b, s = rng.multivariate_normal([fit.base_hz, fit.amplitude_hz], fit.covariance[:2, :2], 20_000).T
    r, e, f = (rng.normal(m, w, 20_000) for m, w in ((100, 0.2), (0.4, 0.005), (0.02, 0.001)))
    found = correct(fit, 100, 0.2, known)
    assert found.base_hz_error == pytest.approx(((b - r * f) / (e - f)).std(), rel=0.05)
    assert found.amplitude_hz_error == pytest.approx((s / (e - f)).std(), rel=0.05)
    assert found.ratio_error == pytest.approx((s / (b - r * f)).std(), rel=0.1)


def test_a_cut_that_takes_more_electrons_than_nuclei_cannot_be_corrected():
    fit = fit_modulation(*counted(np.random.default_rng(8), 4, 2, 60, 0))
    with pytest.raises(BadInputError, match="efficiency above leakage"):
        correct(fit, 100, 0.5, selection(0.02, 0.4))


def test_no_leak_in_a_thousand_still_has_an_error():
    assert fraction(0, 1000) == (0.0, pytest.approx(0.001, rel=0.01))
    with pytest.raises(BadInputError, match="3 of 2"):
        fraction(3, 2)


def test_rates_count_every_event_once():
    times = np.array([5, 1, 3, 9, 9], "M8[s]")
    found = rates(times, np.array([True, False, True, False, True]), bins=4)
    assert found.events.tolist() == [1, 1, 1, 2]
    assert found.nuclear.tolist() == [0, 1, 1, 1]
    assert found.event_hz == pytest.approx(5 / 8)
    assert found.start == np.datetime64(1, "s")


def test_rates_of_events_at_one_moment_are_refused():
    with pytest.raises(BadInputError, match="at one moment"):
        rates(np.array([5, 5], "M8[s]"), np.array([True, False]), bins=4)


def test_an_event_without_a_time_has_no_rate():
    with pytest.raises(BadInputError, match="times: 1 are NaT"):
        rates(np.array([5, "NaT", 7], "M8[s]"), np.ones(3, bool), bins=4)


def test_a_poisson_interval_covers_two_thirds_and_is_never_empty():
    low, high = poisson_interval(np.array([0, 1, 100]))
    assert (low[0], high[0]) == (0, pytest.approx(1.841, abs=0.001))
    assert (low[2], high[2]) == (pytest.approx(90.0, abs=0.2), pytest.approx(111.0, abs=0.2))


def selection(efficiency, leakage, leakage_error=0.001):
    return Selection(
        efficiency=efficiency, efficiency_error=0.005, leakage=leakage, leakage_error=leakage_error
    )
