"""A classifier that keeps its word: good where it says so, silent where nothing can be told."""

import json

import numpy as np
import pytest

from cygnet.analysis import Decision, Training, load, save
from cygnet.analysis._classifier import score
from cygnet.analysis._logistic import learn
from cygnet.analysis._roc import roc
from cygnet.analysis._training import Sample, best_cut, rocs_of, simulate, train_on
from cygnet.model.errors import BadInputError, NoSuchError

TRAINING = Training(
    preset="sosc", spectrum="overlap", seed=77, events=3000, noise_level=0.02, shape=(224, 224)
)


@pytest.fixture(scope="module")
def samples():
    return simulate(TRAINING, 0), simulate(TRAINING, TRAINING.events)


@pytest.fixture(scope="module")
def taught(samples):
    return train_on(*samples, TRAINING, nuclear_share=0.1)


def test_recoils_of_8_to_12_thousand_counts_are_told_apart(taught):
    [bright] = [each for each in taught.rocs if each.low == 8000]
    assert min(bright.nuclear, bright.electronic) > 300
    assert bright.auc > 0.95


def test_brightness_alone_tells_nothing_in_the_overlap_spectrum(samples):
    curve = roc(samples[0].tracks.light, samples[0].nuclear, low=0, high=np.inf)
    assert abs(curve.auc - 0.5) < 0.06


def test_nothing_is_claimed_below_5000_counts(samples, taught):
    tracks = samples[1].tracks
    decided = taught.decide(tracks)
    assert (decided[tracks.light < 5000] == Decision.UNDECIDED).all()
    assert (decided[tracks.light >= 5000] != Decision.UNDECIDED).all()
    assert min(each.low for each in taught.rocs) == 5000


def test_efficiency_and_leakage_are_those_of_events_that_were_not_learnt_from(samples, taught):
    chosen = taught.decide(samples[1].tracks) == Decision.NUCLEAR
    assert taught.selection.efficiency == chosen[samples[1].nuclear].mean()
    assert taught.selection.leakage == chosen[~samples[1].nuclear].mean()
    assert 0.2 < taught.selection.efficiency < 0.6
    assert taught.selection.leakage < 0.06
    assert 0 < taught.selection.leakage_error < 0.01


def test_a_rarer_signal_asks_for_a_harder_cut(samples, taught):
    odds = score(taught.models, samples[0].tracks)
    cuts = [best_cut(odds, samples[0].nuclear, share) for share in (0.5, 0.1, 0.01)]
    assert cuts == sorted(cuts)
    assert cuts[0] < cuts[2]


def test_truth_in_another_order_gives_no_auc(samples, taught):
    shuffled = np.random.default_rng(1).permutation(samples[1].nuclear)
    odds = score(taught.models, samples[1].tracks)
    for curve in rocs_of(odds, Sample(tracks=samples[1].tracks, nuclear=shuffled)):
        assert abs(curve.auc - 0.5) < 5 * curve.auc_error


def test_a_saved_classifier_decides_as_before_and_is_json(samples, taught, tmp_path):
    save(taught, tmp_path / "one.json")
    save(load(tmp_path / "one.json"), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    again = load(tmp_path / "one.json")
    assert again.trained_on == TRAINING
    np.testing.assert_array_equal(again.log_odds(samples[1].tracks), taught.log_odds(samples[1].tracks))


def test_teaching_twice_gives_the_same_bytes(samples, taught, tmp_path):
    save(taught, tmp_path / "one.json")
    save(train_on(*samples, TRAINING, nuclear_share=0.1), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("models"),
        lambda document: document["models"].pop(),
        lambda document: document | {"format": "another"},
        lambda document: document["trained_on"].pop("shape"),
        lambda document: document["selection"].update(beauty=1),
    ],
)
def test_a_file_that_is_no_classifier_is_refused_by_name(taught, tmp_path, change):
    save(taught, tmp_path / "good.json")
    document = json.loads((tmp_path / "good.json").read_text())
    changed = change(document)
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(changed if isinstance(changed, dict) and "format" in changed else document))
    with pytest.raises(BadInputError, match=r"bad\.json.*cygnet-classifier-1"):
        load(bad)


def test_a_missing_classifier_is_said_by_name(tmp_path):
    with pytest.raises(NoSuchError, match=r"no classifier .*none\.json"):
        load(tmp_path / "none.json")


def test_too_few_events_to_learn_from_are_refused(samples):
    few = Sample(tracks=samples[0].tracks[:100], nuclear=samples[0].nuclear[:100])
    with pytest.raises(BadInputError, match="enough events"):
        train_on(few, few, TRAINING, nuclear_share=0.1)


def test_separable_types_do_not_run_away():
    values = np.array([[float(n)] for n in range(20)])
    model = learn(values, np.arange(20) >= 10)
    assert np.isfinite(model.weights).all()
    odds = model.log_odds(np.array([[0.0], [19.0], [1e9]]))
    assert odds[0] < 0 < odds[1]
    assert np.isfinite(odds).all()


def test_area_of_a_roc_counts_ties_half_and_its_curve_rises():
    curve = roc(np.array([1.0, 2, 2, 3]), np.array([False, True, False, True]), low=0, high=1)
    assert curve.auc == pytest.approx(0.875)
    assert (np.diff(curve.leakage) >= 0).all()
    assert (curve.leakage[0], curve.efficiency[-1]) == (0, 1)
