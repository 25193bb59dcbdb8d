"""One suite that every bucket passes: rclone, moto, and the folder that a run leaves."""

import asyncio
import contextlib
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.model.errors import BadInputError
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import Bucket, connect, open_folder
from cygnet.storage.errors import NoSuchBucketError, NoSuchObjectError, StorageError
from cygnet.storage.settings import S3Settings
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, RcloneS3, rclone_s3

NPZ = "application/x-npz"


class Conformance:
    """What any bucket must do; `bucket` is fresh and empty."""

    honours_conditions = True

    async def test_object_comes_back_byte_for_byte(self, bucket: Bucket) -> None:
        for body in (b"", b"\0\xff" * 7, os.urandom(1_000_003)):
            assert await bucket.put("run/a.npz", body, content_type=NPZ)
            assert await bucket.get("run/a.npz") == body
            assert bucket.reader.get("run/a.npz") == body

    @pytest.mark.parametrize(
        "body", [b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), [b"ab", memoryview(b"cd")]]
    )
    async def test_any_buffer_and_list_of_slices_is_stored_whole(self, bucket: Bucket, body: object) -> None:
        await bucket.put("k", body, content_type=NPZ)
        assert await bucket.get("k") == b"abcd"

    async def test_key_with_times_spaces_and_accents_survives(self, bucket: Bucket) -> None:
        keys = ["a/data-chunk-2024-12-03T16:45:12.671863.npz", "a/é x+%20=~.npz", "a/b_1.npz"]
        for key in keys:
            await bucket.put(key, key.encode(), content_type=NPZ)
        assert sorted([each.key async for each in bucket.list("a")]) == sorted(keys)
        assert [each.key for each in bucket.reader.list("a")] == sorted(keys)
        for key in keys:
            assert await bucket.get(key) == key.encode()
            assert await bucket.get_range(key, 1, 3) == key.encode()[1:4]

    async def test_range_gives_exactly_the_asked_bytes(self, bucket: Bucket) -> None:
        body = os.urandom(5000)
        await bucket.put("r/x", body, content_type=NPZ)
        for offset, size in ((0, 1), (0, 5000), (4999, 1), (17, 1234)):
            assert await bucket.get_range("r/x", offset, size) == body[offset : offset + size]
            assert bucket.reader.get_range("r/x", offset, size) == body[offset : offset + size]
        assert await bucket.get_range("r/x", 4990, 100) == body[4990:]
        assert await bucket.get_range("r/x", 10, 0) == b""

    async def test_range_behind_the_end_is_an_error_and_not_empty(self, bucket: Bucket) -> None:
        await bucket.put("r/x", b"abc", content_type=NPZ)
        with pytest.raises(StorageError):
            await bucket.get_range("r/x", 3, 1)

    async def test_many_ranges_come_back_in_the_asked_order(self, bucket: Bucket) -> None:
        body = os.urandom(900_000)
        await bucket.put("r/x", body, content_type=NPZ)
        ranges = [(800_000, 10), (0, 4), (3, 4), (5, 0), (400_000, 1000)]
        parts = await bucket.get_ranges("r/x", ranges)
        assert [bytes(part) for part in parts] == [body[o : o + n] for o, n in ranges]

    async def test_missing_object_is_named(self, bucket: Bucket) -> None:
        for read in (bucket.get("no/such"), bucket.get_range("no/such", 0, 1)):
            with pytest.raises(NoSuchObjectError, match="no/such"):
                await read
        with pytest.raises(NoSuchObjectError, match="no/such"):
            bucket.reader.get("no/such")
        assert await bucket.head("no/such") is None

    async def test_head_tells_size_and_type(self, bucket: Bucket) -> None:
        await bucket.put("h", b"12345", content_type=NPZ, metadata={"sha256": "00", "count": "5"})
        for head in (await bucket.head("h"), await asyncio.to_thread(bucket.reader.head, "h")):
            assert head is not None
            assert head.size == 5
            assert head.etag
            assert head.content_type in (NPZ, "")  # a folder knows none

    async def test_listing_is_of_whole_folders_and_beyond_one_page(self, bucket: Bucket) -> None:
        keys = [f"run/manifest/lime-{i:09d}.parquet" for i in range(1005)]
        for key in keys:
            await bucket.put(key, b"1", content_type="text/plain")
        await bucket.put("run/manifest-of-other", b"22", content_type="text/plain")
        found = [each async for each in bucket.list("run/manifest")]
        assert sorted(each.key for each in found) == keys
        assert {each.size for each in found} == {1}
        assert all(each.modified_ns > 1_600_000_000 * 10**9 for each in found)
        assert [each.key for each in bucket.reader.list("run/manifest")] == keys
        assert [each async for each in bucket.list("nothing/here")] == []
        assert len(bucket.reader.list("")) == 1006

    async def test_folders_are_listed_without_what_is_in_them(self, bucket: Bucket) -> None:
        for key in ("p/run-b/x", "p/run-a/y/z", "p/file"):
            await bucket.put(key, b"1", content_type="text/plain")
        assert bucket.reader.folders("p") == ["run-a", "run-b"]
        assert bucket.reader.folders("") == ["p"]
        assert bucket.reader.folders("none") == []

    async def test_delete_is_the_same_twice(self, bucket: Bucket) -> None:
        for key in ("d/1", "d/2", "d/3"):
            await bucket.put(key, b"1", content_type="text/plain")
        await bucket.delete(["d/1", "d/2"])
        await bucket.delete(["d/1", "d/2", "d/never"])
        assert [each.key async for each in bucket.list("d")] == ["d/3"]

    async def test_second_writer_of_a_key_is_told(self, bucket: Bucket) -> None:
        assert await bucket.put("c", b"first", content_type=NPZ, only_if_absent=True)
        second = await bucket.put("c", b"second", content_type=NPZ, only_if_absent=True)
        assert second is not self.honours_conditions
        assert await bucket.get("c") == (b"first" if self.honours_conditions else b"second")

    async def test_illegal_key_is_refused_by_name(self, bucket: Bucket) -> None:
        with pytest.raises(BadInputError, match=r"a/\.\./b"):
            await bucket.put("a/../b", b"", content_type=NPZ)


class S3Conformance(Conformance):
    """What only a server can do."""

    def test_signed_url_needs_no_keys(self, bucket: Bucket) -> None:
        asyncio.run(bucket.put("u/é 1.png", b"picture", content_type="image/png"))
        urls = bucket.sign_many(["u/é 1.png", "u/other"])
        assert len(urls) == 2
        with urllib.request.urlopen(bucket.sign_get("u/é 1.png", 60)) as answer:
            assert answer.read() == b"picture"
        with urllib.request.urlopen(urls[0]) as answer:
            assert answer.headers["Content-Type"] == "image/png"

    async def test_content_type_is_kept(self, bucket: Bucket) -> None:
        await bucket.put("h", b"12345", content_type=NPZ)
        head = await bucket.head("h")
        assert await asyncio.to_thread(bucket.reader.head, "h") == head
        assert head is not None
        assert head.content_type == NPZ

    async def test_missing_bucket_is_named(self, settings: S3Settings) -> None:
        absent = connect(
            S3Settings(
                endpoint=settings.endpoint,
                bucket="no-such-bucket",
                access_key_id=ACCESS_KEY_ID,
                secret_access_key=SECRET_ACCESS_KEY,
            )
        )
        for doing in (absent.put("a", b"", content_type=NPZ), absent.get("a"), absent.get_range("a", 0, 1)):
            with pytest.raises(NoSuchBucketError, match="no-such-bucket"):
                await doing
        with pytest.raises(NoSuchBucketError, match="no-such-bucket"):
            absent.reader.list("")

    def test_bucket_is_made_once(self, settings: S3Settings) -> None:
        assert [ensure_bucket(settings), ensure_bucket(settings)] == [True, False]

    @pytest.fixture
    def bucket(self, settings: S3Settings) -> Bucket:
        assert ensure_bucket(settings) is True
        return connect(settings)


class TestRclone(S3Conformance):
    honours_conditions = False

    @pytest.fixture
    def settings(self, rclone: RcloneS3) -> S3Settings:
        return new_settings(rclone.endpoint)

    def test_tampered_url_is_refused(self, bucket: Bucket) -> None:
        asyncio.run(bucket.put("u", b"picture", content_type="image/png"))
        url = bucket.sign_get("u")
        tampered = url[:-1] + ("0" if url[-1] != "0" else "1")
        with pytest.raises(urllib.error.HTTPError, match="403") as refusal:
            urllib.request.urlopen(tampered)
        refusal.value.close()


class TestMoto(S3Conformance):
    @pytest.fixture
    def settings(self, moto: str) -> S3Settings:
        return new_settings(moto)


class TestFolder(Conformance):
    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Bucket:
        return open_folder(tmp_path)

    async def test_folder_has_no_urls(self, bucket: Bucket) -> None:
        with pytest.raises(StorageError, match="no URLs"):
            bucket.sign_get("a")

    async def test_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NoSuchBucketError, match="absent"):
            open_folder(tmp_path / "absent")

    async def test_half_written_object_of_a_killed_server_is_not_listed(
        self, bucket: Bucket, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / ".rclone_temp_put_4803d83f").write_bytes(b"half")
        assert [each async for each in bucket.list("run")] == []


def new_settings(endpoint: str) -> S3Settings:
    return S3Settings(
        endpoint=endpoint,
        bucket=f"test-{uuid.uuid4().hex[:12]}",
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )


class TestWhatRcloneStored(Conformance):
    """The same folder, with a server on top to write and without one to read."""

    honours_conditions = False

    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Iterator[Bucket]:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(rclone_s3(tmp_path))
            server.bucket_folder("left")
            bucket = connect(server.settings("left"))
            bucket.reader = open_folder(tmp_path / "left").reader
            yield bucket
