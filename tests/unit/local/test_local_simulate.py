"""`cygnet simulate`: an image belongs to its label, and depends on nothing else that was asked for."""

import json
import zipfile

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cygnet.cli.simulate import simulate
from cygnet.imaging import energy_kev_from_path, recoil_type_from_path
from cygnet.model.errors import BadInputError

app = typer.Typer()
app.command()(simulate)


def run(*words):
    return CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("cygno-*.png"))


def test_the_layout_is_the_schools(tmp_path):
    out, archive = tmp_path / "out", tmp_path / "training_set.zip"
    said = json.loads(run("--out", out, "--energies", "3,10.5", "--events", 2, "--zip", archive).stdout)
    assert (said["images"], said["energies_kev"]) == (8, [3, 10.5])
    assert [str(path) for path in files(out)] == [
        f"export/train/{recoil}/{energy}_keV/cygno-000{number}.png"
        for recoil in ("ER", "NR")
        for energy in ("10.5", "3")
        for number in (0, 1)
    ]
    for path in files(out):
        with Image.open(out / path) as image:
            assert (image.mode, image.size) == ("L", (576, 576))
        assert recoil_type_from_path(str(path)) in ("nuclear", "electronic")
        assert energy_kev_from_path(str(path)) in (3, 10.5)
    with zipfile.ZipFile(archive) as packed:
        assert sorted(packed.namelist()) == [str(path) for path in files(out)]
        assert (
            packed.read("export/train/NR/3_keV/cygno-0001.png")
            == (out / "export/train/NR/3_keV/cygno-0001.png").read_bytes()
        )
    with Image.open(said["gallery"]) as gallery:
        assert gallery.size[0] > 500


def test_an_image_is_the_same_whatever_else_is_made(tmp_path):
    run("--out", tmp_path / "one", "--energies", "6", "--events", 1)
    run("--out", tmp_path / "all", "--energies", "1,6,30", "--events", 2)
    run("--out", tmp_path / "seed", "--energies", "6", "--events", 1, "--seed", 1)
    for path in files(tmp_path / "one"):
        image = (tmp_path / "one" / path).read_bytes()
        assert (tmp_path / "all" / path).read_bytes() == image
        assert (tmp_path / "seed" / path).read_bytes() != image


def test_noise_is_added_as_the_injector_adds_it(tmp_path):
    deviations = []
    for level in (0, 0.02):
        out = tmp_path / str(level)
        run("--out", out, "--energies", "6", "--events", 1, "--noise-level", level)
        with Image.open(out / files(out)[0]) as image:
            deviations.append(np.asarray(image)[:, :64].std())
    assert deviations[1] ** 2 - deviations[0] ** 2 == pytest.approx((0.02 * 255) ** 2, rel=0.05)


@pytest.mark.parametrize("energies", ["", "3,", "three", "0.5", "31", "nan", "3;6"])
def test_energies_that_the_model_does_not_have_are_refused(tmp_path, energies):
    with pytest.raises(BadInputError, match=r"--energies .*accepted: keV from 1 to 30"):
        run("--out", tmp_path / "out", "--energies", energies)
    assert not (tmp_path / "out").exists()
