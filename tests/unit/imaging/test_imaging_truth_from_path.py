"""Labels read from paths: a wrong label is worse than none."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from cygnet.imaging import energy_kev_from_path, recoil_type_from_path


def notebook_a(path):
    return next((float(token[:-4]) for token in path.split("/") if "_keV" in token), None)


def notebook_b(path):
    return float(path.split("/")[-2].split("_")[0])


@pytest.mark.parametrize(
    ("path", "energy"),
    [
        ("/x/NR/3_keV/c.png", 3.0),
        ("NR/10.5_keV/x.png", 10.5),
        ("3_keV/x.png", 3.0),
        ("3_keV/sub/x.png", 3.0),
        ("x.png", None),
        ("", None),
        ("NR/x.png", None),
        ("3_MeV/x.png", None),  # B says 3.0: it ignores the unit
        ("NR/3_keV.png", None),  # A raises; C says 3.0 of a file name
        ("cygno_keV_01.png", None),  # A raises
        ("run_keV/3_keV/x.png", 3.0),  # A raises: its first token with _keV is no number
        ("1_000_keV/x.png", None),  # A says 1000.0, B says 1.0: Python's digit separators
        ("NR/3_keVee/x.png", None),  # B and C say 3.0, but keVee is another unit
        ("nan_keV/x.png", None),  # A and B say nan
        ("-3_keV/x.png", None),  # A and B say -3.0
        ("+3_keV/x.png", None),
        ("1e3_keV/x.png", None),
        (".5_keV/x.png", None),
        ("\u0663_keV/x.png", None),  # a digit, but not one of ours
        ("3_keV\n/x.png", None),
        ("NR\\3_keV\\x.png", None),  # a backslash separates nothing in a key
        ("1_keV/20_keV/x.png", 20.0),  # the right-most says it; A takes the first
        ("NR/3_keV", 3.0),
    ],
)
def test_energy_is_read_from_a_whole_component_or_not_at_all(path, energy):
    assert energy_kev_from_path(path) == energy


@pytest.mark.parametrize("recoil", ["NR", "ER"])
@pytest.mark.parametrize("energy", ["1", "3", "6", "10", "20", "30", "10.5", "007"])
@pytest.mark.parametrize("root", ["", "/", "export/train/", "s3://bucket/a_b/"])
def test_energy_agrees_with_both_notebooks_on_the_training_layout(root, recoil, energy):
    path = f"{root}{recoil}/{energy}_keV/cygno-0001.png"
    assert energy_kev_from_path(path) == notebook_a(path) == notebook_b(path) == float(energy)


@pytest.mark.parametrize(
    ("path", "recoil"),
    [
        ("export/NR/3_keV/x.png", "nuclear"),
        ("export/ER/3_keV/x.png", "electronic"),
        ("ER/NR/x.png", "nuclear"),
        ("nr/x.png", None),
        ("NRs/ER_1/x.png", None),
        ("NR.png", None),
        ("", None),
    ],
)
def test_recoil_type_is_an_exact_component_and_unknown_is_none(path, recoil):
    assert recoil_type_from_path(path) == recoil


def test_path_objects_are_read_like_strings():
    assert energy_kev_from_path(PurePosixPath("NR/3_keV/x.png")) == 3.0
    assert energy_kev_from_path(PureWindowsPath("NR\\3_keV\\x.png")) == 3.0
    assert recoil_type_from_path(PureWindowsPath("NR\\3_keV\\x.png")) == "nuclear"
