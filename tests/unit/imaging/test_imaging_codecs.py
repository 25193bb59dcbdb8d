"""Body codecs: a body that lies about its size never becomes an array and never takes memory."""

import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import blosc2
import h5py
import hdf5plugin
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cygnet.imaging import CODECS, DecodeError, DecodeLimits, compress, decompress

LIMITS = DecodeLimits(max_bytes=1 << 22, max_pixels=1 << 20)
DTYPES = ["|u1", "<u2", ">u2", "<i4", "<f4", ">f8", "<u8"]
every_codec = pytest.mark.parametrize("codec", CODECS)
packing_codecs = pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "identity"])


def frame(dtype="<u2", side=100):
    return np.random.default_rng(5).normal(100, 3, (side, side)).astype(dtype)


@given(
    st.sampled_from(CODECS),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=1, max_dims=4, max_side=12))
    ),
)
def test_array_comes_back_bit_for_bit(codec, array):
    decoded = decompress(compress(array, codec, array.dtype), codec, array.dtype.str, array.shape, LIMITS)
    assert decoded.dtype == array.dtype
    assert decoded.shape == array.shape
    assert decoded.tobytes() == array.tobytes()


@every_codec
@pytest.mark.parametrize("dtype", ["|u1", "<u2", "<f4"])
def test_frame_of_many_blocks_comes_back_and_is_read_only(codec, dtype):
    array = frame(dtype, 300)
    decoded = decompress(compress(array.tobytes(), codec, dtype), codec, dtype, (300, 300), LIMITS)
    assert np.array_equal(decoded, array)
    assert not decoded.flags.writeable


def test_identity_is_a_view_of_the_body():
    body = bytearray(frame().tobytes())
    decoded = decompress(body, "identity", "<u2", (100, 100), LIMITS)
    assert np.shares_memory(decoded, np.frombuffer(body, np.uint8))


@every_codec
@pytest.mark.parametrize("shape", [(100, 99), (100, 101), (10, 10), (1000, 1000)])
def test_body_of_another_size_than_shape_and_dtype_is_refused(codec, shape):
    body = compress(frame(), codec, "<u2")
    with pytest.raises(DecodeError) as refused:
        decompress(body, codec, "<u2", shape, LIMITS)
    assert refused.value.reason in {"size-mismatch", "corrupt"}


@packing_codecs
def test_body_that_inflates_to_more_than_it_should_takes_no_memory(codec):
    body = compress(np.zeros(1 << 24, np.uint8), codec, "|u1")
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decompress(body, codec, "|u1", (100, 100), LIMITS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@every_codec
def test_array_beyond_the_limits_is_refused_before_its_body_is_read(codec):
    for shape in ((1 << 11, 1 << 10), (10**9, 10**9, 10**9)):
        with pytest.raises(DecodeError, match="accepted: at most 1048576 ") as refused:
            decompress(b"anything", codec, "<u2", shape, LIMITS)
        assert refused.value.reason == "too-large"
    with pytest.raises(DecodeError, match="accepted: at most 10 "):
        decompress(bytes(11), codec, "|u1", (11,), DecodeLimits(10, 100))


@every_codec
def test_empty_body_is_refused(codec):
    with pytest.raises(DecodeError) as refused:
        decompress(b"", codec, "<u2", (1,), LIMITS)
    assert refused.value.reason == "empty"


@packing_codecs
@pytest.mark.parametrize("keep", [1, 11, 31, 200, -1])
def test_body_cut_off_is_refused(codec, keep):
    body = compress(frame(), codec, "<u2")
    with pytest.raises(DecodeError):
        decompress(body[:keep], codec, "<u2", (100, 100), LIMITS)


@packing_codecs
def test_body_with_bytes_after_its_end_is_refused(codec):
    with pytest.raises(DecodeError):
        decompress(compress(frame(), codec, "<u2") + b"x", codec, "<u2", (100, 100), LIMITS)


@packing_codecs
@given(st.data())
def test_damaged_body_is_an_array_or_a_refusal_and_nothing_else(codec, data):
    body = bytearray(compress(frame(side=20), codec, "<u2"))
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decompress(body, codec, "<u2", (20, 20), LIMITS).shape == (20, 20)
    except DecodeError as refusal:
        assert refusal.reason  # noqa: PT017 - a refusal is one of two good ends


@packing_codecs
@given(body=st.binary(min_size=1, max_size=200))
def test_any_bytes_are_refused(codec, body):
    with pytest.raises(DecodeError):
        decompress(body, codec, "<u2", (100, 100), LIMITS)


def test_zstd_frame_with_a_flipped_bit_is_refused_by_its_checksum():
    noise = np.random.default_rng(1).integers(0, 256, 5000).astype(np.uint8)
    body = bytearray(compress(noise, "zstd", "|u1"))
    body[2000] ^= 1
    with pytest.raises(DecodeError):
        decompress(bytes(body), "zstd", "|u1", (5000,), LIMITS)


def test_zstd_frame_of_unstated_size_is_read_up_to_what_is_expected():
    writer = zstandard.ZstdCompressor().compressobj()
    body = writer.compress(frame().tobytes()) + writer.flush()
    assert zstandard.frame_content_size(body) == -1
    assert np.array_equal(decompress(body, "zstd", "<u2", (100, 100), LIMITS), frame())
    for shape in ((100, 99), (100, 101)):
        with pytest.raises(DecodeError):
            decompress(body, "zstd", "<u2", shape, LIMITS)


def test_lz4_frame_shorter_than_stated_leaves_no_unwritten_bytes():
    body = pa.compress(bytes(100), codec="lz4", asbytes=True)
    with pytest.raises(DecodeError, match="holds 100 bytes; accepted: 101"):
        decompress(body, "lz4", "|u1", (101,), LIMITS)


@pytest.mark.parametrize(("position", "value"), [(2, 0xF5), (21, 160), (16, 3), (31, 0x08), (2, 0x20)])
def test_blosc2_body_that_would_load_a_plugin_is_refused_unread(position, value):
    body = bytearray(compress(frame(), "blosc2", "<u2"))
    body[position] = value
    with pytest.raises(DecodeError) as refused:
        decompress(body, "blosc2", "<u2", (100, 100), LIMITS)
    assert refused.value.reason == "unsupported"


@pytest.mark.parametrize("codec", ["LZ4", "ZSTD", "ZLIB", "BLOSCLZ"])
@pytest.mark.parametrize("chosen", ["NOFILTER", "SHUFFLE", "BITSHUFFLE"])
def test_blosc2_bodies_of_other_writers_are_read(codec, chosen):
    body = blosc2.compress2(
        frame(), typesize=2, codec=blosc2.Codec[codec], filters=[blosc2.Filter[chosen]], nthreads=1
    )
    assert np.array_equal(decompress(body, "blosc2", "<u2", (100, 100), LIMITS), frame())


@given(
    st.sampled_from(["|u1", "<u2", "<u4", "<f8"]),
    st.integers(1, 3000),
    st.sampled_from([0, 8, 64, 1024]),
    st.integers(0, 2**32 - 1),
)
def test_bslz4_is_what_hdf5_writes_and_reads(dtype, size, block, seed):
    array = (np.random.default_rng(seed).normal(100, 5, size)).astype(dtype)
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        filters = hdf5plugin.Bitshuffle(nelems=block, cname="lz4")
        chunk = file.create_dataset("theirs", data=array, chunks=array.shape, **filters)
        mask, theirs = chunk.id.read_direct_chunk((0,))
        assert mask == 0
        assert np.array_equal(decompress(theirs, "bslz4", dtype, array.shape, LIMITS), array)
        ours = file.create_dataset(
            "ours", array.shape, array.dtype, chunks=array.shape, **hdf5plugin.Bitshuffle()
        )
        ours.id.write_direct_chunk((0,), compress(array, "bslz4", dtype))
        assert np.array_equal(ours[:], array)


@pytest.mark.parametrize("block", [0, 1, 17, 1 << 31])
def test_bslz4_blocks_of_absurd_size_are_refused(block):
    body = struct.pack(">QI", 20000, block) + bytes(100)
    with pytest.raises(DecodeError, match=f"blocks of {block} bytes; accepted: a multiple of 16"):
        decompress(body, "bslz4", "<u2", (100, 100), LIMITS)


@pytest.mark.parametrize("codec", ["gzip", "", "ZSTD", "identity,zstd", "x" * 5000])
def test_unknown_codec_is_refused_with_those_accepted(codec):
    with pytest.raises(DecodeError, match="accepted: identity, zstd, lz4, blosc2, bslz4") as refused:
        decompress(bytes(2), codec, "<u2", (1,), LIMITS)
    assert refused.value.reason == "unsupported"
    assert len(str(refused.value)) < 200
    with pytest.raises(ValueError, match=r"^codec: .* accepted: identity, zstd, lz4, blosc2, bslz4"):
        compress(bytes(2), codec, "<u2")


@pytest.mark.parametrize(
    "dtype", ["O", "V8", "<c8", "U3", "M8[ns]", "?", "nonsense", "u2,u2", "<f16", "(3,)u1"]
)
def test_dtype_that_is_no_number_is_refused(dtype):
    with pytest.raises(DecodeError, match=r"dtype: .* accepted: a number type"):
        decompress(bytes(8), "identity", dtype, (1,), LIMITS)
    with pytest.raises(ValueError, match=r"dtype: .* accepted: a number type"):
        compress(bytes(8), "identity", dtype)


@pytest.mark.parametrize("shape", [(), (0,), (-1, -2), (2.0,), ("2",), (True,), (1,) * 9])
def test_shape_of_no_frame_is_refused(shape):
    with pytest.raises(DecodeError, match=r"shape: .* accepted: "):
        decompress(bytes(2), "identity", "|u1", shape, LIMITS)


def test_bytes_that_are_no_whole_elements_are_not_compressed():
    for data in (b"", b"abc"):
        with pytest.raises(ValueError, match=r"^data: .* accepted: a positive multiple of 2 bytes"):
            compress(data, "zstd", "<u2")
    with pytest.raises(ValueError, match=r"^data: .* accepted: a C-contiguous array"):
        compress(frame()[:, ::2], "zstd", "<u2")


def test_blosc2_lets_other_threads_run():
    compress(frame(), "blosc2", "<u2")
    assert blosc2.set_releasegil(True) is True


@every_codec
def test_threads_share_no_codec_state(codec):
    frames = [frame(side=100) + np.uint16(k) for k in range(4)]
    barrier = threading.Barrier(4)

    def work(array):
        barrier.wait()
        for _ in range(20):
            body = compress(array, codec, "<u2")
            assert np.array_equal(decompress(body, codec, "<u2", (100, 100), LIMITS), array)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, frames))
