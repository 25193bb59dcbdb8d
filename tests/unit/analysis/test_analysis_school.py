"""The school's chunks: read in time order, never unpickled, and never taken for counts when they are none."""

import numpy as np
import pytest

from cygnet.analysis import draw_gallery, gallery, measure, read_school_chunks
from cygnet.analysis._pixels import pixels_of
from cygnet.model.errors import BadInputError, NoSuchError

START = np.datetime64("2024-12-03T16:45:12.000000", "us")


def write_chunk(folder, number, images):
    times = START + np.arange(number * 10, number * 10 + len(images)).astype("m8[s]")
    file = folder / f"data-chunk-{times[-1]}.npz"
    np.savez(file, image=images, tstamp=times)
    return file


def frames(count, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).normal(100, 5, (count, 32, 32)).round().astype(dtype)


def test_images_of_several_chunks_are_one_sequence_in_time(tmp_path):
    stacks = [frames(n, n) for n in (3, 1, 4)]
    for number in (2, 0, 1):
        write_chunk(tmp_path, number, stacks[number])
    chunks = read_school_chunks(tmp_path)
    assert len(chunks) == 8
    assert (np.diff(chunks.times) > np.timedelta64(0)).all()
    np.testing.assert_array_equal(chunks.images(), np.concatenate(stacks))
    np.testing.assert_array_equal(chunks.images(2, 6), np.concatenate(stacks)[2:6])
    np.testing.assert_array_equal(chunks.images(-2), np.concatenate(stacks)[-2:])


def test_a_gallery_of_chunks_is_the_first_ten_and_can_be_drawn(tmp_path):
    for number in range(2):
        write_chunk(tmp_path, number, frames(7, number))
    shown = gallery(read_school_chunks(tmp_path))
    assert [each.event for each in shown] == list(range(10))
    assert {each.recoil for each in shown} == {None}
    np.testing.assert_array_equal(shown[9].image, frames(7, 1)[2])
    draw_gallery(shown, "ten of them", tmp_path / "gallery.png")
    assert (tmp_path / "gallery.png").read_bytes().startswith(b"\x89PNG")


def test_a_list_of_files_is_read_as_its_folder_is(tmp_path):
    files = [write_chunk(tmp_path, number, frames(2, number)) for number in (1, 0)]
    np.testing.assert_array_equal(read_school_chunks(files).times, read_school_chunks(tmp_path).times)


def test_counts_are_measured(tmp_path):
    write_chunk(tmp_path, 0, frames(5))
    measured = measure(read_school_chunks(tmp_path))
    assert measured.shape == (32, 32)
    assert measured.tracks.pedestal == pytest.approx(np.full(5, 100), abs=1)


@pytest.mark.parametrize(
    "images",
    [
        np.clip((frames(4) - 98.0) / 7, 0, 1),
        (np.clip((frames(4) - 98.0) / 7, 0, 1) * 255).astype(np.uint8),
    ],
    ids=["float64 of a student", "uint8 of the organisers"],
)
def test_windowed_images_are_not_taken_for_counts(tmp_path, images):
    write_chunk(tmp_path, 0, images)
    chunks = read_school_chunks(tmp_path)
    with pytest.raises(BadInputError, match=r"windowed .* light in counts.*gallery and a histogram"):
        measure(chunks)
    assert pixels_of(chunks).counts.sum() == images.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_in_floats_are_counts(tmp_path, dtype):
    write_chunk(tmp_path, 0, frames(4, dtype=dtype))
    assert measure(read_school_chunks(tmp_path)).tracks.pedestal == pytest.approx(np.full(4, 100), abs=1)


def test_a_windowed_file_among_counts_is_found_and_named(tmp_path):
    write_chunk(tmp_path, 0, frames(4))
    file = write_chunk(tmp_path, 1, np.where(frames(4) < 100, 0, frames(4)))
    with pytest.raises(BadInputError, match=rf"windowed \({file.name}: .* of their pixels are 0"):
        measure(read_school_chunks(tmp_path))


def test_an_empty_chunk_is_read_as_none_at_all(tmp_path):
    np.savez(tmp_path / "data-chunk-0.npz", image=frames(0, dtype=np.float64), tstamp=np.array([START])[:0])
    assert len(read_school_chunks(tmp_path)) == 0
    write_chunk(tmp_path, 1, frames(3, dtype=np.float64))
    assert len(measure(read_school_chunks(tmp_path)).tracks) == 3


def test_an_array_in_columns_is_read_as_one_in_rows(tmp_path):
    file = write_chunk(tmp_path, 0, np.asfortranarray(frames(9)))
    np.testing.assert_array_equal(read_school_chunks([file]).images(), frames(9))


@pytest.mark.parametrize(("images", "stamps"), [(9, 10), (10, 9)])
def test_as_many_times_as_images_or_the_file_is_refused(tmp_path, images, stamps):
    write_chunk(tmp_path, 0, frames(3))
    np.savez(tmp_path / "data-chunk-z.npz", image=frames(images), tstamp=START + np.arange(stamps))
    with pytest.raises(BadInputError, match=rf"data-chunk-z\.npz: {stamps} tstamp for {images} images"):
        read_school_chunks(tmp_path)


def test_a_time_that_is_none_is_refused_with_its_file(tmp_path):
    stamps = np.array([START, np.datetime64("NaT")])
    np.savez(tmp_path / "data-chunk-n.npz", image=frames(2), tstamp=stamps)
    with pytest.raises(BadInputError, match=r"data-chunk-n\.npz: tstamp has 1 NaT"):
        read_school_chunks(tmp_path)


def test_floats_that_are_no_fractions_have_no_pixel_histogram(tmp_path):
    write_chunk(tmp_path, 0, frames(2, dtype=np.float64))
    with pytest.raises(BadInputError, match="accepted: uint8, uint16"):
        pixels_of(read_school_chunks(tmp_path))


def test_a_folder_without_chunks_is_said(tmp_path):
    with pytest.raises(NoSuchError, match="holds no chunk"):
        read_school_chunks(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"image": frames(2)},
        {"tstamp": np.array([START])},
        {"image": frames(2), "tstamp": np.array([1.0, 2.0])},
        {"image": frames(2)[0], "tstamp": np.array([START])},
        {"image": np.array([{"a": "pickle"}], object), "tstamp": np.array([START])},
    ],
    ids=["no tstamp", "no image", "times are no times", "one image", "a pickle"],
)
def test_a_chunk_that_is_none_is_refused_with_its_name(tmp_path, arrays):
    np.savez(tmp_path / "data-chunk-x.npz", **arrays)
    with pytest.raises(BadInputError, match=r"data-chunk-x\.npz"):
        read_school_chunks(tmp_path)


def test_a_torn_file_is_refused_with_its_name(tmp_path):
    whole = write_chunk(tmp_path, 0, frames(2)).read_bytes()
    (tmp_path / "data-chunk-y.npz").write_bytes(whole[:1000])
    with pytest.raises(BadInputError, match=r"data-chunk-y\.npz"):
        read_school_chunks(tmp_path)


def test_images_of_two_sizes_cannot_be_stacked(tmp_path):
    write_chunk(tmp_path, 0, frames(2))
    write_chunk(tmp_path, 1, frames(2)[:, :16, :16])
    with pytest.raises(BadInputError, match="cannot be stacked"):
        read_school_chunks(tmp_path).images()
