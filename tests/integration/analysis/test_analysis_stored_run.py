"""A simulated run goes through every service, and is analysed from what lies in the bucket."""

import json

import numpy as np
import pytest

import cygnet as package
from cygnet.analysis import candidate_rates, correct, features, fit_modulation, gallery, load, measure
from fixtures.running_up import cygnet

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  sources:
    - name: cygno
      simulator:
        model: cygno
        seed: 5
        noiseLevel: 0.02
        rateHz: 100
        timeScale: 1000
        nuclearShare: 0.1
        modulation: {{amplitude: 0.4, periodSeconds: 1}}
        eventsPerRun: {events}
        encoding: identity
  preprocessor: {{stages: [{stages}]}}
  aggregator: {{chunkSize: 100, maxAgeSeconds: 2}}
  uploader: {{bucket: cygno}}
  local:
    nats: {{listen: "127.0.0.1:0"}}
    s3: {{listen: "127.0.0.1:0"}}
"""
EVENTS = 600


def stored(folder, name, events, *stages):
    spec = folder / f"{name}.yaml"
    spec.write_text(SPEC.format(name=name, events=events, stages=", ".join(stages)))
    done = cygnet("up", spec, "--data", folder / name)
    assert done.returncode == 0, done.stderr
    return folder / name


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("run"), "counts", EVENTS, "{crop: {halfWindow: 112}}")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    file = tmp_path_factory.mktemp("taught") / "classifier.json"
    words = "--events", 1500, "--noise-level", 0.02, "--nuclear-share", 0.5
    done = cygnet("analyse", "train", "--out", file, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == str(file)
    return file


def analyse(*words):
    done = cygnet("analyse", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_modulation_is_found_again_from_stored_chunks_alone(run, classifier):
    known = load(classifier)
    counted = candidate_rates(measure(package.open(run)), known, bins=60)
    assert counted.events.sum() == EVENTS
    fit = fit_modulation(counted.edges, counted.nuclear)
    assert fit.period_seconds == pytest.approx(1, rel=0.15)
    nuclear = correct(fit, counted.event_hz, counted.event_hz_error, known.selection)
    assert abs(nuclear.base_hz - 10) < 5 * nuclear.base_hz_error
    assert abs(nuclear.amplitude_hz - 40) < 5 * nuclear.amplitude_hz_error


def test_tracks_of_a_stored_run_are_those_of_its_images(run):
    data = package.open(run)
    whole = measure(data)
    assert len(whole.tracks) == EVENTS
    assert whole.tracks.light[17] == features(data[17].image).light[0]


@pytest.mark.parametrize(
    ("name", "asks_classifier", "options"),
    [
        ("gallery", False, ()),
        ("histogram", False, ()),
        ("features", False, ()),
        ("roc", True, ()),
        ("modulation", True, ("--bins", 60)),
    ],
)
def test_a_command_draws_its_figure_and_prints_json(
    run, classifier, tmp_path, name, asks_classifier, options
):
    figure = tmp_path / f"{name}.png"
    told = ("--classifier", classifier) if asks_classifier else ()
    document = analyse(name, "--data", run, "--out", figure, *told, *options)
    assert document["drawn"] == str(figure)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_gallery_shows_five_of_each_recoil_by_truth(run):
    recoils = [each["recoil"] for each in analyse("gallery", "--data", run)["events"]]
    assert recoils == ["nuclear"] * 5 + ["electronic"] * 5


def test_gallery_in_python_spans_the_energies_of_each_recoil(run):
    shown = gallery(package.open(run))
    assert [each.recoil for each in shown] == ["nuclear"] * 5 + ["electronic"] * 5
    energies = [each.truth.energy_kev for each in shown]
    assert energies[:5] == sorted(energies[:5])
    assert energies[5:] == sorted(energies[5:])
    assert "NR" in shown[0].title
    assert shown[0].image.shape == (224, 224)


def test_pixels_of_a_run_are_all_counted(run):
    document = analyse("histogram", "--data", run)
    assert sum(document["counts"]) == EVENTS * 224 * 224
    assert document["edges"][np.argmax(document["counts"])] == pytest.approx(99.5, abs=1)


def test_roc_of_a_run_is_judged_by_its_truth(run, classifier):
    document = analyse("roc", "--data", run, "--classifier", classifier)
    [bright] = [each for each in document["rocs"] if each["low"] == 8000]
    assert bright["auc"] > 0.9


def test_windowed_images_have_a_gallery_but_no_features(tmp_path):
    stages = "{crop: {halfWindow: 64}}", "{window: {min: 80, max: 110}}"
    data = stored(tmp_path, "windowed", 20, *stages)
    assert len(analyse("gallery", "--data", data, "--out", tmp_path / "g.png")["events"]) == 10
    refused = cygnet("analyse", "features", "--data", data)
    assert refused.returncode == 2
    assert "stage window 80 … 110" in refused.stderr


def test_chunks_in_a_plain_folder_are_read_as_the_school_wrote_them(run, tmp_path):
    chunk = next(run.glob("s3/cygno/**/chunk-*.npz"))
    (tmp_path / chunk.name).write_bytes(chunk.read_bytes())
    document = analyse("features", "--data", tmp_path)
    assert len(document["tracks"]["light"]) == 100
    assert set(document["groups"]) == {"all"}


def test_a_classifier_that_learnt_on_other_noise_is_refused(run, classifier, tmp_path):
    document = json.loads(classifier.read_text())
    document["trained_on"]["noise_level"] = 0.0
    other = tmp_path / "quiet.json"
    other.write_text(json.dumps(document))
    refused = cygnet("analyse", "modulation", "--data", run, "--classifier", other)
    assert refused.returncode == 2
    assert "simulated with noise_level 0.02; accepted: noise_level 0.0" in refused.stderr


def test_a_classifier_for_other_crops_is_refused(run, tmp_path):
    file = tmp_path / "small.json"
    done = cygnet("analyse", "train", "--out", file, "--events", 1500, "--half-window", 100)
    assert done.returncode == 0, done.stderr
    refused = cygnet("analyse", "modulation", "--data", run, "--classifier", file)
    assert refused.returncode == 2
    assert "images: 224 × 224; accepted: 200 × 200" in refused.stderr
