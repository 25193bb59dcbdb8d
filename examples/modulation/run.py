"""Find a modulation again: simulate, run the whole pipeline, classify what is stored, fit; for five seeds.

Nothing but the stored images and their times is looked at; the truth of single events is never read. Exits
with 1 when a period is not within 5 %, or an s/b not within three sigma, of what was simulated.
"""

import argparse
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

import cygnet
from cygnet.analysis import (
    Classifier,
    Modulation,
    NuclearRate,
    Training,
    candidate_rates,
    correct,
    draw_modulation,
    fit_modulation,
    load,
    measure,
    save,
    train,
)

PIPELINE = Path(__file__).with_name("pipeline.yaml")
TIME_SCALES = {1: 1, 2: 10, 3: 10, 4: 10, 5: 10}
"""Simulated seconds in a second, by seed: one run is live, the others come as fast as they are taken."""
TRAINING_SEED, TRAINING_EVENTS = 1_000_000, 20_000
BINS = 300
PERIOD_TOLERANCE, RATIO_SIGMAS = 0.05, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one seed gave."""

    seed: int
    events: int
    candidates: int
    fit: Modulation
    nuclear: NuclearRate
    seconds: float

    def passes(self, period: float, ratio: float) -> bool:
        """Return whether period and s/b are as near to the truth as was promised."""
        near = abs(self.fit.period_seconds / period - 1) <= PERIOD_TOLERANCE
        return near and abs(self.nuclear.ratio - ratio) <= RATIO_SIGMAS * self.nuclear.ratio_error


def main() -> int:
    """Run the seeds that are asked for and print a table; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("modulation-data"), help="where everything goes")
    arguments.add_argument("--seeds", type=int, nargs="+", choices=TIME_SCALES, default=list(TIME_SCALES))
    given = arguments.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))
    simulated = document["spec"]["sources"][0]["simulator"]
    period = simulated["modulation"]["periodSeconds"]
    ratio = simulated["modulation"]["amplitude"] / simulated["nuclearShare"]
    classifier = classifier_for(document, given.data / "classifier.json")
    lines = ["  seed  pace   events  candidates  T, s               s/b            T off    s/b off  seconds"]
    passed = True
    for seed in given.seeds:
        found = run(document, seed, classifier, given.data)
        good = found.passes(period, ratio)
        passed = passed and good
        lines.append(row(found, period, ratio, good=good))
        print(*lines[-1:], sep="\n", flush=True)
    print(f"\nsimulated: T = {period:g} s, s/b = {ratio:g}; plots: {given.data}/seed-N.png\n")
    print(*lines, sep="\n")
    return 0 if passed else 1


def classifier_for(document: dict, file: Path) -> Classifier:
    """Return a classifier for the pipeline's crops: the file's, or a new one when that is of another set."""
    simulated = document["spec"]["sources"][0]["simulator"]
    side = 2 * document["spec"]["preprocessor"]["stages"][0]["crop"]["halfWindow"]
    wanted = Training(
        preset=simulated["preset"],
        spectrum=simulated["spectrum"],
        seed=TRAINING_SEED,
        events=TRAINING_EVENTS,
        noise_level=simulated["noiseLevel"],
        shape=(side, side),
    )
    if file.exists() and (known := load(file)).trained_on == wanted:
        return known
    print(f"teaching a classifier with {2 * TRAINING_EVENTS} simulated events of their own", flush=True)
    share = simulated["nuclearShare"] + simulated["modulation"]["amplitude"]
    taught = train(wanted, nuclear_share=share)
    save(taught, file)
    for each in taught.rocs:
        print(f"  from {each.low:g} counts: AUC {each.auc:.4f} ± {each.auc_error:.4f}")
    cut = taught.selection
    print(
        f"  efficiency {cut.efficiency:.3f} ± {cut.efficiency_error:.3f},"
        f" leakage {cut.leakage:.4f} ± {cut.leakage_error:.4f}",
        flush=True,
    )
    return taught


def run(document: dict, seed: int, classifier: Classifier, data: Path) -> Found:
    """Simulate and store one seed's run, analyse what was stored, draw it, and delete the run."""
    began = time.monotonic()
    simulated = document["spec"]["sources"][0]["simulator"]
    simulated |= {"seed": seed, "timeScale": TIME_SCALES[seed]}
    spec, folder = data / f"seed-{seed}.yaml", data / f"seed-{seed}"
    spec.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    with (data / f"seed-{seed}.log").open("wb") as log:
        command = [sys.executable, "-m", "cygnet", "up", str(spec), "--data", str(folder)]
        subprocess.run(command, stdout=log, stderr=log, check=True)
    stored = cygnet.open(folder)
    counted = candidate_rates(measure(stored), classifier, bins=BINS)
    fit = fit_modulation(counted.edges, counted.nuclear, counted.live)
    nuclear = correct(fit, counted.event_hz, counted.event_hz_error, classifier.selection)
    draw_modulation(
        counted, fit, nuclear, f"seed {seed}, {len(stored)} stored events", data / f"seed-{seed}.png"
    )
    shutil.rmtree(folder)
    return Found(
        seed=seed,
        events=len(stored),
        candidates=int(counted.nuclear.sum()),
        fit=fit,
        nuclear=nuclear,
        seconds=time.monotonic() - began,
    )


def row(found: Found, period: float, ratio: float, *, good: bool) -> str:
    """Return a line of the table."""
    scale = TIME_SCALES[found.seed]
    fit, nuclear = found.fit, found.nuclear
    off = (nuclear.ratio - ratio) / nuclear.ratio_error
    cells = (
        f"{found.seed:>6}",
        f"{'live' if scale == 1 else f'× {scale}':<5}",
        f"{found.events:>6}",
        f"{found.candidates:>10}",
        f"{fit.period_seconds:>7.3f} ± {fit.errors[2]:<7.3f}",
        f"{nuclear.ratio:>5.2f} ± {nuclear.ratio_error:<5.2f}",
        f"{fit.period_seconds / period - 1:>+7.2%}",
        f"{off:>+6.2f} σ",
        f"{found.seconds:>8.0f}",
        "ok" if good else "NOT FOUND",
    )
    return "  ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
