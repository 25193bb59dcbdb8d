"""The notebooks' functions on our implementation: equal where theirs are right, and better where not."""

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cygnet.compat import sosc
from cygnet.model.errors import BadInputError
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY

UNHURRIED = settings(deadline=None)  # a loaded machine is no failure
WHEN = "2024-11-27 14:27:36.570564"


# What the notebooks compute, from the findings about them.


def energy_2023(path):
    return next((float(token[:-4]) for token in path.split("/") if "_keV" in token), None)


def energy_2024(path):
    return float(path.split("/")[-2].split("_")[0])


def crop_2023(image, half=64):
    return image[288 - half : 288 + half, 288 - half : 288 + half]


def window_of_notebooks(image, low, high):
    return np.clip((image - low) / (high - low), 0, 1)


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
        ("3_MeV/x.png", None),
        ("NR/3_keV.png", None),
        ("cygno_keV_01.png", None),
        ("run_keV/3_keV/x.png", 3.0),
        ("1_000_keV/x.png", None),
        ("NR/3_keVee/x.png", None),
        ("nan_keV/x.png", None),
        ("-3_keV/x.png", None),
        ("NR\\3_keV\\x.png", None),
    ],
)
def test_energy_of_each_path_of_the_findings(path, energy):
    assert sosc.get_energy_keV(path) == energy


@UNHURRIED
@given(
    st.sampled_from(["", "/data/", "export/train/"]),
    st.sampled_from(["NR", "ER"]),
    st.decimals(0, 1000, places=2, allow_nan=False),
    st.integers(0, 99999),
)
def test_energy_is_that_of_both_notebooks_on_the_schools_layout(root, kind, energy, number):
    path = f"{root}{kind}/{energy}_keV/cygno-{number:05d}.png"
    assert sosc.get_energy_keV(path) == energy_2023(path) == energy_2024(path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("export/train/NR/3_keV/x.png", "nuclear"),
        ("export/train/ER/3_keV/x.png", "electronic"),
        ("ER/NR/x.png", "nuclear"),
        ("nr/x.png", None),
        ("NRs/x.png", None),
        ("", None),
    ],
)
def test_recoil_type_is_that_of_both_notebooks(path, kind):
    assert sosc.get_recoil_type(path) == kind


def test_message_and_payload_are_unpacked_in_the_notebooks_order():
    document = {"url": "https://some.url/file.png", "time": WHEN, "filename": "cygno-48c2.jpg"}
    payload = json.dumps(document).encode()
    assert sosc.unpack_payload(payload) == (WHEN, document["url"])
    assert sosc.unpack_payload(SimpleNamespace(payload=payload)) == (WHEN, document["url"])


@pytest.mark.parametrize("payload", [b"\xff", b"{", b"[]", b'{"url": "http://a/b"}', b'{"time": "now"}'])
def test_payload_that_is_none_is_one_kind_of_error(payload):
    with pytest.raises(BadInputError):
        sosc.unpack_payload(payload)


def test_crop_is_that_of_both_notebooks_and_keeps_no_frame_in_memory():
    image = np.random.default_rng(1).integers(0, 255, (576, 576), np.uint8)
    for half in (1, 64, 288):
        crop = sosc.crop_center(image, half)
        assert np.array_equal(crop, crop_2023(image, half))
        assert crop.base is None
    assert sosc.crop_center(np.zeros((10, 576, 576))).shape == (10, 128, 128)
    assert sosc.crop_center(Image.fromarray(image)).shape == (128, 128)


@pytest.mark.parametrize(("shape", "half"), [((576, 576), 289), ((100, 100), 64), ((576, 576), 0)])
def test_window_that_does_not_fit_is_refused_and_not_another_one(shape, half):
    with pytest.raises(ValueError, match="half"):
        sosc.crop_center(np.zeros(shape), half)


def test_dark_pixels_become_black_and_not_white():
    counts = np.array([[60, 79, 80, 81, 100, 120]], np.uint8)
    assert np.allclose(window_of_notebooks(counts, 80, 120), [[1, 1, 0, 0.025, 0.5, 1]])
    assert np.allclose(sosc.windowing(counts, 80, 120), [[0, 0, 0, 0.025, 0.5, 1]])


@UNHURRIED
@given(st.integers(0, 200), st.integers(1, 55), st.integers(0, 2**32 - 1))
def test_window_is_that_of_the_notebooks_for_pixels_that_do_not_wrap(low, width, seed):
    counts = np.random.default_rng(seed).integers(low, 256, (8, 8), np.uint8)
    assert np.allclose(
        sosc.windowing(counts, low, low + width), window_of_notebooks(counts, low, low + width), atol=1e-6
    )


def test_preprocessing_step_windows_and_crops():
    image = np.random.default_rng(2).normal(100, 10, (576, 576)).astype(np.uint8)
    wanted = crop_2023(window_of_notebooks(image.astype(float), 80, 120))
    step = sosc.preprocessing_step(Image.fromarray(image))
    assert (step.dtype, step.shape) == (np.float32, (128, 128))
    assert np.allclose(step, wanted, atol=1e-6)


def test_histogram_has_a_bin_for_each_value_and_loses_no_pixel():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    boundaries, contents = sosc.compute_pixel_hist(image)
    assert np.array_equal(boundaries, np.linspace(-0.5, 255.5, 257))
    assert contents.tolist() == [1] * 256


@pytest.fixture
def my_bucket(rclone, monkeypatch, request):
    """The variables of `cygnet env --user`, and empty lists."""
    for name, value in {
        "AWS_ENDPOINT_URL": rclone.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "JUPYTERHUB_USER": (bucket := f"student-{abs(hash(request.node.name))}"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "CYGNET_BUCKET", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    sosc.list_of_images.clear()
    sosc.list_of_timestamps.clear()
    yield rclone.folder / bucket
    sosc.list_of_images.clear()
    sosc.list_of_timestamps.clear()


def test_chunks_of_one_time_are_all_stored_and_read_by_numpy(my_bucket, capsys, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    crops = np.random.default_rng(3).random((6, 4, 4))
    keys = []
    for crop in crops:
        sosc.convert_and_accumulate_to_global_lists(f"{WHEN}Z", crop)
        keys.append(sosc.upload_global_lists_to_minio(n_items=3))
    name = "cygno-store/data-chunk-2024-11-27T14:27:36.570564"
    assert keys == [None, None, f"{name}.npz", None, None, f"{name}_1.npz"]
    assert sosc.list_of_images == []
    for key, wanted in ((keys[2], crops[:3]), (keys[5], crops[3:])):
        with np.load(io.BytesIO((my_bucket / key).read_bytes())) as chunk:
            assert np.array_equal(chunk["image"], wanted)
            assert chunk["tstamp"].tolist() == [np.datetime64(WHEN).item()] * 3
    sosc.check_latest_uploads()
    said = [line.split(" ") for line in capsys.readouterr().out.splitlines()]
    assert [(key, kind) for key, kind, _ in said] == [
        (f"{name}.npz", "application/x-npz"),
        (f"{name}_1.npz", "application/x-npz"),
    ]


def test_upload_works_inside_a_running_event_loop(my_bucket):
    import asyncio

    async def cell():
        sosc.convert_and_accumulate_to_global_lists(WHEN, np.zeros((2, 2)))
        return sosc.upload_global_lists_to_minio("in-a-loop", 1)

    key = asyncio.run(cell())
    assert (my_bucket / key).is_file()


def test_a_user_that_is_named_has_their_own_bucket_whatever_the_environment_says(monkeypatch):
    from cygnet.compat.sosc._chunks import _settings

    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
        "AWS_ACCESS_KEY_ID": "cygnet",
        "AWS_SECRET_ACCESS_KEY": "own",
        "CYGNET_BUCKET": "pipeline",
        "JUPYTERHUB_USER": "teacher",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    assert _settings(None, "student", "secret", None).bucket == "student"
    assert _settings(None, "student", "secret", "chosen").bucket == "chosen"
    assert _settings(None, "cygnet", "own", None).bucket == "pipeline"
    assert _settings(None, None, None, None).bucket == "pipeline"


def test_images_wait_when_the_server_is_away(my_bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    sosc.convert_and_accumulate_to_global_lists(WHEN, np.zeros((2, 2)))
    with pytest.raises(Exception, match="does not answer"):
        sosc.upload_global_lists_to_minio(n_items=1)
    assert len(sosc.list_of_images) == len(sosc.list_of_timestamps) == 1


def test_time_that_is_none_is_refused_and_nothing_is_kept():
    with pytest.raises(BadInputError):
        sosc.convert_and_accumulate_to_global_lists("", np.zeros((2, 2)))
    assert sosc.list_of_images == []


def test_cygnet_itself_stays_light():
    code = "import sys, cygnet; print(*[name for name in sys.modules if name.startswith('cygnet.compat')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == ""
