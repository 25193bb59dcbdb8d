"""Draw the published figures of the CYGNO detector beside those of the simulated one.

    python -m benchmarks.detector_figures [--out docs/explanations/detector] [--events 400]

Also prints the numbers that docs/explanations/detector.md quotes.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import detector_samples as samples
from cygnet.simulator.cygno import ELECTRONIC, NUCLEAR, PRESETS, SCHOOL_ENERGIES_KEV, Detector
from cygnet.simulator.cygno.gas import transverse_spread_mm
from cygnet.simulator.cygno.recoils import helium_quenching

OUT = Path(__file__).resolve().parent.parent / "docs" / "explanations" / "detector"
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"  # Okabe and Ito
PUBLISHED = {"color": BLACK, "marker": "o", "linestyle": "none", "markersize": 5, "zorder": 3}


def ranges(figure: Figure, events: int) -> None:
    """Displacement against energy; quenching."""
    left, right = figure.subplots(1, 2)
    for recoil, points, color, name in (
        (ELECTRONIC, samples.ELECTRON_RANGES, BLUE, "electrons"),
        (NUCLEAR, samples.HELIUM_RANGES, ORANGE, "helium"),
    ):
        energies = np.geomspace(1, 30, 12)
        drawn = [samples.displacements(recoil, energy, 5 * events) for energy in energies]
        mean, spread = np.array([(d.mean(), d.std()) for d in drawn]).T
        left.plot(energies, mean, color=color, label=f"{name}, simulated: mean and spread")
        left.fill_between(energies, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
        keys, centre, error = np.array(points).T
        left.errorbar(keys, centre, error, capsize=3, **PUBLISHED)
        for energy, published, width in points:
            ours = samples.displacements(recoil, energy, 5 * events)
            print(f"{name} {energy} keV: {ours.mean():.4g} +- {ours.std():.3g} um, {published} +- {width}")
    left.errorbar([], [], [], capsize=3, label="published (arXiv:2007.12508)", **PUBLISHED)
    left.set(xscale="log", yscale="log", xlabel="energy, keV", ylabel="distance from start to end, um")
    energies = np.linspace(0.5, 30, 100)
    right.plot(energies, [helium_quenching(energy) for energy in energies], color=ORANGE, label="simulated")
    right.plot(*np.array(samples.QUENCHING).T, label="Lindhard, published points", **PUBLISHED)
    right.set(xlabel="energy of a helium recoil, keV", ylabel="share that ionises", ylim=(0, 1))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)


def diffusion(figure: Figure, events: int) -> None:
    """Width of a cloud against drift."""
    axes = figure.subplots()
    detector = Detector("lime")
    drifts = np.array([1, 5, 10, 20, 30, 40, 50])
    axes.plot(
        drifts,
        [samples.width_mm(detector, 10.0 * z, events) for z in drifts],
        "s",
        color=BLUE,
        fillstyle="none",
        label="simulated images (1 keV electrons, unsaturated)",
    )
    line = np.linspace(0, 50, 100)
    axes.plot(line, [transverse_spread_mm(10 * z) for z in line], color=BLUE, label="350 um (+) 111 um/√cm")
    axes.plot(line, np.hypot(0.3, 0.14 * np.sqrt(line)), "--", color="#999999", label="LEMON: 300 (+) 140")
    axes.plot(*np.array(samples.WIDTHS).T, label="published set, as tabulated", **PUBLISHED)
    axes.set(xlabel="drift distance, cm", ylabel="standard deviation across the drift, mm", ylim=(0, 1.1))
    axes.legend(frameon=False, fontsize=8)


def yields(figure: Figure, events: int) -> None:
    """Light against energy for both presets; against drift at 5.9 keV; resolution."""
    (sosc_axes, lime_axes), (drift_axes, resolution_axes) = figure.subplots(2, 2)
    energies = np.geomspace(1, 30, 9)
    for name, axes in (("sosc", sosc_axes), ("lime", lime_axes)):
        detector = Detector(name)
        for recoil, color, label in ((ELECTRONIC, BLUE, "electrons"), (NUCLEAR, ORANGE, "helium recoils")):
            found = [samples.light(detector, recoil, energy, 250.0, events) for energy in energies]
            per_kev = [counts.mean() / energy for counts, energy in zip(found, energies, strict=True)]
            axes.plot(energies, per_kev, "-", color=color, label=f"{label}, simulated")
            if recoil == ELECTRONIC:
                share = [100 * counts.std() / counts.mean() for counts in found]
                line = "-" if name == "sosc" else "--"
                resolution_axes.plot(energies, share, line, color=BLUE, label=f"electrons, {name}")
        axes.set(
            xscale="log",
            xlabel="energy, keV",
            ylabel="counts per keV",
            title=f"{name}, 25 cm",
            ylim=(0, None),
        )
    for energy, least, most in samples.SCHOOL_LIGHT:
        middle, half = (least + most) / 2 / energy, (most - least) / 2 / energy
        sosc_axes.errorbar([energy], [middle], [half], capsize=3, **PUBLISHED)
        ours = samples.light(Detector("sosc"), ELECTRONIC, energy, 250.0, events).mean()
        print(f"sosc, electrons of {energy} keV: {ours:.0f} counts, frames {least}-{most}")
    sosc_axes.errorbar([], [], [], capsize=3, label="the school's frames", **PUBLISHED)
    middle, half = np.mean(samples.LIME_FE55) / 5.9, np.ptp(samples.LIME_FE55) / 2 / 5.9
    lime_axes.errorbar([5.9], [middle], [half], capsize=3, label="55Fe in LNGS runs 3 and 4", **PUBLISHED)
    lime = Detector("lime")
    drifts = np.array([z for z, _ in samples.EQUATIONS_DRIFT])
    counts = [samples.light(lime, ELECTRONIC, 5.9, 10.0 * z, events).mean() for z in drifts]
    drift_axes.plot(drifts, np.array(counts) / counts[2], color=BLUE, label="simulated, lime")
    published = np.array([c for _, c in samples.EQUATIONS_DRIFT])
    drift_axes.plot(drifts, published / published[2], label="published equations", **PUBLISHED)
    drift_axes.set(
        xlabel="drift distance, cm", ylabel="light at 5.9 keV, relative", title="saturation", ylim=(0, 1.2)
    )
    resolution_axes.axhspan(10, 20, color="#dddddd", linewidth=0, label="LIME, 5.9 keV (arXiv:2305.06168)")
    resolution_axes.plot([5.9], [18], label="LEMON, 55Fe", **PUBLISHED)
    resolution_axes.set(
        xscale="log",
        xlabel="energy, keV",
        ylabel="spread of the light, %",
        title="resolution, 25 cm",
        ylim=(0, 40),
    )
    for name, detector in (("sosc", Detector("sosc")), ("lime", lime)):
        line = samples.light(detector, ELECTRONIC, 5.9, 250.0, 5 * events)
        print(f"{name}, 5.9 keV: {line.mean():.0f} counts, resolution {100 * line.std() / line.mean():.1f} %")
    for axes in (sosc_axes, lime_axes, drift_axes, resolution_axes):
        axes.legend(frameon=False, fontsize=8)


def noise(figure: Figure, _events: int) -> None:
    """Values of dark pixels, real and simulated, before and after the injector's JPEG."""
    left, right = figure.subplots(1, 2)
    real = samples.real_frames()
    detector = Detector("sosc", noise_level=0.02)
    images = [detector.image(event, detector.primary(event)) for event in range(7)]
    bins = np.arange(69.5, 131)
    for name, frames, style in (
        ("the school's frames (JPEG)", real, {"color": BLACK, "linewidth": 1.8}),
        ("simulated", images, {"color": BLUE}),
        ("simulated, after JPEG", [samples.compressed(image) for image in images], {"color": GREEN}),
    ):
        pixels = np.concatenate([samples.background(image) for image in frames]).astype(float)
        contents, _ = np.histogram(pixels, bins)
        left.stairs(contents / pixels.size, bins, label=f"{name}: {pixels.std():.2f}", **style)
        print(f"noise, {name}: mean {pixels.mean():.2f}, standard deviation {pixels.std():.2f}")
    left.set(xlabel="counts", ylabel="share of pixels", title="dark pixels: standard deviation", yscale="log")
    quiet = Detector("sosc")
    dark = np.stack([quiet.image(e, quiet.primary(e))[:180].astype(float) for e in range(60)])
    steady = dark.mean(0)
    columns = (dark - steady).mean(1)
    for name, values, color in (
        ("read noise: 1.4", (dark - steady - columns[:, None]).ravel() * np.sqrt(60 / 59), BLUE),
        ("columns, new in each frame: 0.86", columns.ravel() * np.sqrt(60 / 59), ORANGE),
        ("fixed pattern: 0.6", (steady - steady.mean(0)).ravel(), GREEN),
    ):
        contents, edges = np.histogram(values, np.linspace(-6, 6, 121), density=True)
        right.stairs(contents, edges, color=color, label=f"{name}; simulated {values.std():.2f}")
    right.set(xlabel="counts", ylabel="density", title="its parts, without the injector", ylim=(0, 1.1))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    left.set_ylim(1e-6, 3)


def overlap(figure: Figure, events: int) -> None:
    """Light and energy of both types in the `overlap` spectrum."""
    for preset, (left, right) in zip(PRESETS, figure.subplots(2, 2), strict=True):
        detector = Detector(preset)
        primaries = [detector.primary(event) for event in range(20 * events)]
        counts = np.array([detector.light(e, p)[0].sum() for e, p in enumerate(primaries)], float)
        for recoil, color in ((NUCLEAR, ORANGE), (ELECTRONIC, BLUE)):
            of_type = np.array([p.recoil == recoil for p in primaries])
            energies = [p.energy_kev for p in primaries if p.recoil == recoil]
            left.hist(counts[of_type], 50, histtype="step", color=color, label=recoil)
            right.hist(energies, 50, histtype="step", color=color, label=recoil)
        nuclear = np.array([p.recoil == NUCLEAR for p in primaries])
        ranks = np.argsort(np.argsort(counts)) + 1
        ones, all_ = nuclear.sum(), nuclear.size
        area = (ranks[nuclear].sum() - ones * (ones + 1) / 2) / (ones * (all_ - ones))
        print(f"overlap, {preset}: AUC of the light alone {area:.3f}")
        left.set(
            xlabel="light, counts", ylabel="events", title=f"{preset}: AUC of the light alone {area:.2f}"
        )
        right.set(xlabel="energy, keV", title=f"{preset}: the energies behind it")
        left.legend(frameon=False, fontsize=8)


def gallery(figure: Figure, _events: int) -> None:
    """The school's frames above simulated ones: electrons and helium recoils at each of its energies."""
    detector = Detector("sosc", noise_level=0.02)
    real = samples.real_frames()
    grid = figure.subplots(5, 7)
    order = sorted(range(7), key=lambda i: real[i][208:368, 208:368].sum(dtype=np.int64))
    for axes, number in zip(grid[0], order, strict=True):
        show(axes, real[number], f"real {number}", "gray")
    for row, recoil, cmap in ((1, ELECTRONIC, "gray"), (2, ELECTRONIC, "gray")):
        for column, energy in enumerate((3, 3, 3, 10, 10, 30, 30)):
            show(
                grid[row][column],
                samples.frame(detector, 10 * row + column, recoil, energy),
                f"e− {energy} keV",
                cmap,
            )
    for row, recoil, label in ((3, ELECTRONIC, "e−"), (4, NUCLEAR, "He")):
        for column, energy in enumerate(sorted((*SCHOOL_ENERGIES_KEV, 15.0))):
            image = samples.frame(detector, 100 * row + column, recoil, energy)
            show(grid[row][column], image, f"{label} {energy:g} keV", "gray")


def show(axes: Axes, image: np.ndarray, title: str, cmap: str) -> None:
    """Draw the middle of an image."""
    axes.imshow(image[208:368, 208:368], cmap=cmap, vmin=90, vmax=150, interpolation="nearest")
    axes.set_title(title, fontsize=8, pad=2)
    axes.set_axis_off()


FIGURES: dict[str, tuple[Callable[[Figure, int], None], tuple[float, float]]] = {
    "ranges": (ranges, (10, 4.2)),
    "diffusion": (diffusion, (6, 4)),
    "light": (yields, (10, 7.5)),
    "noise": (noise, (10, 4)),
    "overlap": (overlap, (10, 6.5)),
    "gallery": (gallery, (10, 7.8)),
}


def main() -> None:
    """Write every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--events", type=int, default=400)
    wish = parser.parse_args()
    wish.out.mkdir(parents=True, exist_ok=True)
    for name, (draw, size) in FIGURES.items():
        figure = Figure(figsize=size, layout="constrained")
        draw(figure, wish.events)
        for axes in figure.axes:
            if axes.get_xscale() == "log":
                axes.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
            axes.spines[["top", "right"]].set_visible(False)
            axes.title.set_fontsize(min(10, axes.title.get_fontsize()))
        figure.savefig(wish.out / f"{name}.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
