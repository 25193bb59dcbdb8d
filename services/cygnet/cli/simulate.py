"""`cygnet simulate`: a labelled set of simulated frames in the layout of the INFN school's training set."""

import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cygnet.analysis._school_gallery import OF_EACH, SHORT
from cygnet.cli.options import Json
from cygnet.cli.output import in_bytes, print_json
from cygnet.model.errors import BadInputError
from cygnet.simulator.cygno.spectra import LEAST_KEV, MOST_KEV, SCHOOL_ENERGIES_KEV

if TYPE_CHECKING:
    from cygnet.analysis._event_figure import Counts, Picture
    from cygnet.simulator.cygno import Recoil

SCHOOL_KEV = ",".join(f"{each:g}" for each in SCHOOL_ENERGIES_KEV)
RECOILS: "tuple[Recoil, ...]" = ("nuclear", "electronic")
_MOST_EVENTS = 10_000  # what four digits can name
_HALF_WINDOW = 64
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same images give the same archive


@dataclass(frozen=True, slots=True)
class Label:
    """One folder of images: a recoil at an energy."""

    recoil: "Recoil"
    energy_kev: float

    @property
    def folder(self) -> Path:
        """Where its images go, below the output folder."""
        return Path("export", "train", SHORT[self.recoil], f"{self.energy_kev:g}_keV")

    def event(self, number: int) -> int:
        """Return the event of an image, which depends on nothing else that is asked for."""
        place = 2 * round(1000 * self.energy_kev) + (self.recoil == "nuclear")
        return place * _MOST_EVENTS + number


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write into.")],
    energies: Annotated[
        str, typer.Option("--energies", metavar="KEV,KEV,…", help="Energies in keV, 1 to 30.")
    ] = SCHOOL_KEV,
    events: Annotated[
        int, typer.Option("--events", min=1, max=_MOST_EVENTS, help="Images of each recoil at each energy.")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed gives other images.")] = 0,
    noise_level: Annotated[
        float,
        typer.Option(
            "--noise-level", min=0, max=1, help="As a spec's noiseLevel: 0.02 is the school's injector's."
        ),
    ] = 0.0,
    archive: Annotated[
        Path | None, typer.Option("--zip", metavar="FILE", help="Also pack the images into this file.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Write simulated CYGNO images with their labels: PNG, 576 × 576, and a gallery of them.

    Images are export/train/NR/3_keV/cygno-0000.png and so on, NR for nuclear and ER for electronic recoils.

    Examples:
        cygnet simulate --out school

        cygnet simulate --out school --energies 3,6.5 --events 200 --zip training_set.zip
    """
    from cygnet.analysis._event_figure import check_figure, save_gallery

    gallery = out / "gallery.png"
    check_figure(gallery, "--out")
    labels = [Label(recoil, each) for recoil in RECOILS for each in _energies(energies)]
    try:
        pictures, histograms, files = _write_images(out, labels, events, seed, noise_level)
        if archive:
            _pack(archive, out, files)
    except OSError as error:
        raise BadInputError(f"{error.filename or out} cannot be written: {error.strerror}") from error
    save_gallery(pictures, gallery, "simulated recoils in He:CF₄", histograms)
    size = sum(file.stat().st_size for file in files)
    if json_output:
        print_json(
            {
                "out": str(out),
                "images": len(files),
                "bytes": size,
                "energies_kev": sorted({label.energy_kev for label in labels}),
                "seed": seed,
                "noise_level": noise_level,
                "gallery": str(gallery),
                "zip": str(archive) if archive else None,
            }
        )
        return
    typer.echo(f"{len(files)} images, {in_bytes(size)}, in {out / 'export' / 'train'}")
    typer.echo(f"gallery: {gallery}")
    if archive:
        typer.echo(f"packed:  {archive}")


def _energies(text: str) -> list[float]:
    try:
        found = sorted({float(word) for word in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(LEAST_KEV <= each <= MOST_KEV for each in found):
        raise BadInputError(
            f"--energies {text!r}; accepted: keV from {LEAST_KEV:g} to {MOST_KEV:g}"
            f" with commas between them, as {SCHOOL_KEV}"
        )
    return found


def _write_images(
    out: Path, labels: list[Label], events: int, seed: int, noise_level: float
) -> "tuple[list[Picture], dict[str, Counts], list[Path]]":
    """Write all images; return ten of them for the gallery, the pixels of each recoil, and the files."""
    import numpy as np

    from cygnet.analysis._event_figure import Picture
    from cygnet.imaging import crop_center, encode_png, pixel_histogram
    from cygnet.simulator.cygno import Detector

    model = Detector("sosc", spectrum="school", seed=seed, noise_level=noise_level)
    shown = {label for recoil in RECOILS for label in _spread([x for x in labels if x.recoil == recoil])}

    def write(label: Label, number: int) -> "tuple[Label, Path, Counts, Picture | None]":
        event = label.event(number)
        primary = replace(model.primary(event), recoil=label.recoil, energy_kev=label.energy_kev)
        image = model.image(event, primary)
        file = out / label.folder / f"cygno-{number:04d}.png"
        file.write_bytes(encode_png(image))
        picture = None
        if label in shown and number < OF_EACH:
            title = f"{SHORT[label.recoil]} {label.energy_kev:g} keV"
            picture = Picture(crop_center(image, _HALF_WINDOW), title, label.recoil)
        return label, file, pixel_histogram(image)[1], picture

    for label in labels:
        (out / label.folder).mkdir(parents=True, exist_ok=True)
    pictures: dict[Label, list[Picture]] = {label: [] for label in labels}
    histograms = {SHORT[recoil]: np.zeros(256, np.int64) for recoil in RECOILS}
    files = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        work = ((label, number) for label in labels for number in range(events))
        for label, file, counts, picture in pool.map(lambda each: write(*each), work):
            files.append(file)
            histograms[SHORT[label.recoil]] += counts
            if picture:
                pictures[label].append(picture)
    chosen = [each for recoil in RECOILS for each in _five(pictures, recoil)]
    return chosen, histograms, files


def _spread(labels: list[Label]) -> list[Label]:
    """Return at most five labels, from the lowest to the highest energy."""
    if len(labels) <= OF_EACH:
        return labels
    return [labels[round(place * (len(labels) - 1) / (OF_EACH - 1))] for place in range(OF_EACH)]


def _five(pictures: "dict[Label, list[Picture]]", recoil: str) -> "list[Picture]":
    """Return five pictures of a recoil by energy, and as many of each energy as it takes."""
    columns = [each for label, each in pictures.items() if label.recoil == recoil and each]
    rounds: Iterator[tuple[int, int]] = (
        (n, column) for n in range(OF_EACH) for column in range(len(columns))
    )
    chosen = sorted(islice(((c, n) for n, c in rounds if n < len(columns[c])), OF_EACH))
    return [columns[column][n] for column, n in chosen]


def _pack(archive: Path, out: Path, files: list[Path]) -> None:
    """Write the images, which are compressed already, into one archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for file in files:
            packed.writestr(zipfile.ZipInfo(str(file.relative_to(out)), _ZIP_TIME), file.read_bytes())
