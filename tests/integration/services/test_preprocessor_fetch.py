"""A URL is what a stranger wrote: only allowed hosts are asked, trouble is told apart, memory is bounded."""

import asyncio
import time
from dataclasses import replace

import pytest
import urllib3

from cygnet.model.errors import BadInputError
from cygnet.model.frame import Announcement
from cygnet.preprocessor.allow_list import AllowList
from cygnet.preprocessor.fetch import CONNECTIONS, Fetcher
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.errors import StorageDeniedError, StorageUnavailableError
from cygnet.storage.settings import S3Settings
from fixtures.foreign_server import foreign_server, head
from fixtures.nats_server import free_port
from fixtures.s3_server import rclone_s3

BODY = b"the bytes of a frame, whatever they are"
MAX_BYTES = 100_000
OWN = S3Settings(endpoint="http://s3.of.nobody", bucket="b")


@pytest.fixture
async def foreign():
    async with foreign_server() as server:
        yield server


@pytest.fixture(scope="module")
def bucket(s3):
    settings = s3.settings("fetched")
    ensure_bucket(settings)
    bucket = connect(settings)
    asyncio.run(bucket.put("frames/7.png", BODY, content_type="image/png"))
    return bucket


@pytest.fixture
async def fetcher(s3, bucket, foreign):
    settings = s3.settings("fetched")
    fetcher = Fetcher(
        AllowList([s3.endpoint], [foreign.origin]),
        settings,
        lambda name: connect(replace(settings, bucket=name)),
        max_bytes=MAX_BYTES,
        timeout_seconds=0.5,
        tries=2,
    )
    yield fetcher
    await fetcher.close()


def announced(url, **more):
    return Announcement(url=url, time="2024-11-27 14:27:36", **more)


async def refusal(fetcher, announcement):
    with pytest.raises(BadInputError) as caught:
        await fetcher.fetch(announcement)
    return caught.value.reason, str(caught.value)


# --- our own S3 -----------------------------------------------------------------------------------


async def test_a_presigned_url_of_our_own_s3_is_fetched(fetcher, bucket):
    assert await fetcher.fetch(announced(bucket.sign_get("frames/7.png"))) == BODY


async def test_a_plain_url_of_our_own_s3_is_fetched_by_bucket_and_key(fetcher, s3, bucket):
    assert await fetcher.fetch(announced(f"{s3.endpoint}/fetched/frames/7.png")) == BODY


async def test_a_range_is_fetched_and_nothing_else(fetcher, bucket):
    url = bucket.sign_get("frames/7.png")
    assert await fetcher.fetch(announced(url, offset=4, size=5)) == BODY[4:9]


@pytest.mark.parametrize("more", [{}, {"bucket": "fetched", "key": "frames/7.png"}, {"offset": 4, "size": 5}])
async def test_an_expired_url_is_fetched_by_bucket_and_key(fetcher, bucket, more):
    url = bucket.sign_get("frames/7.png", 1)
    deadline = time.monotonic() + 10
    while (await asyncio.to_thread(urllib3.request, "GET", url, retries=False)).status == 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    wanted = BODY[4:9] if "offset" in more else BODY
    assert await fetcher.fetch(announced(url, **more)) == wanted


async def test_a_url_signed_in_the_old_way_is_fetched_by_bucket_and_key(fetcher, s3):
    url = f"{s3.endpoint}/fetched/frames/7.png?AWSAccessKeyId=a&Signature=b%2Fc&Expires=1700000000"
    assert await fetcher.fetch(announced(url)) == BODY


async def test_an_expired_url_of_an_object_that_is_gone_is_the_frames_own_fault(fetcher, bucket):
    url = bucket.sign_get("frames/7.png").replace("Signature=", "Signature=0")
    reason, text = await refusal(fetcher, announced(url, bucket="fetched", key="frames/8.png"))
    assert (reason, "fetched/frames/8.png does not exist" in text) == ("not-found", True)


@pytest.mark.parametrize("name", ["A B", "a/b", "..", "x", "ü", "no-such-bucket", "a?b", "x" * 300])
async def test_a_bucket_that_cannot_be_does_not_take_the_worker_with_it(fetcher, bucket, name):
    url = bucket.sign_get("frames/7.png").replace("Signature=", "Signature=0")
    assert (await refusal(fetcher, announced(url, bucket=name, key="k")))[0] == "not-found"


@pytest.mark.parametrize("key", ["..", "a//b", "x" * 2000, "\x00", "é\n"])
async def test_a_key_that_cannot_be_does_not_take_the_worker_with_it(fetcher, bucket, key):
    url = bucket.sign_get("frames/7.png").replace("Signature=", "Signature=0")
    reason, _ = await refusal(fetcher, announced(url, bucket="fetched", key=key))
    assert reason in ("not-found", "bad-key")


async def test_an_object_that_is_not_there_is_the_frames_own_fault(fetcher, bucket):
    assert (await refusal(fetcher, announced(bucket.sign_get("frames/8.png"))))[0] == "not-found"


async def test_an_object_above_the_limit_is_not_read_by_key_either(fetcher, bucket):
    await bucket.put("large", bytes(MAX_BYTES + 1), content_type="image/png")
    url = bucket.sign_get("large").replace("Signature=", "Signature=0")
    assert (await refusal(fetcher, announced(url)))[0] == "too-large"
    assert (await refusal(fetcher, announced(bucket.sign_get("large"))))[0] == "too-large"


async def test_our_own_s3_away_holds_the_frame_and_blames_nobody(foreign):
    own = f"http://127.0.0.1:{free_port()}"
    fetcher = Fetcher(AllowList([own]), OWN, _no_bucket, max_bytes=1, timeout_seconds=0.5, tries=1)
    with pytest.raises(StorageUnavailableError):
        await fetcher.fetch(announced(f"{own}/b/k"))
    await fetcher.close()


@pytest.mark.parametrize("status", ["500 Oops", "503 Slow Down", "429 Too Many Requests"])
async def test_our_own_s3_in_trouble_holds_the_frame(foreign, status):
    fetcher = Fetcher(AllowList([foreign.origin]), OWN, _no_bucket, max_bytes=9, timeout_seconds=0.5, tries=1)
    with pytest.raises(StorageUnavailableError, match=status[:3]):
        await fetcher.fetch(announced(foreign.gives("/b/k", b"", status)))
    await fetcher.close()


async def test_our_own_s3_that_hangs_holds_the_frame(foreign):
    fetcher = Fetcher(AllowList([foreign.origin]), OWN, _no_bucket, max_bytes=9, timeout_seconds=0.2, tries=1)
    with pytest.raises(StorageUnavailableError, match="Timeout"):
        await fetcher.fetch(announced(foreign.hangs("/b/k")))
    await fetcher.close()


async def test_a_secret_that_is_refused_in_our_own_bucket_is_no_fault_of_the_frames(s3, bucket, foreign):
    wrong = s3.settings("fetched", secret_access_key="wrong")
    for own, expected in (("fetched", StorageDeniedError), ("another", BadInputError)):
        fetcher = Fetcher(
            AllowList([s3.endpoint]),
            replace(wrong, bucket=own),
            lambda name: connect(replace(wrong, bucket=name)),
            max_bytes=MAX_BYTES,
            timeout_seconds=5,
            tries=1,
        )
        url = bucket.sign_get("frames/7.png").replace("Signature=", "Signature=0")
        with pytest.raises(expected, match="denied"):
            await fetcher.fetch(announced(url))
        await fetcher.close()


async def test_a_restart_of_s3_leaves_no_connection_that_fails_for_ever(tmp_path, foreign):
    with rclone_s3(tmp_path) as server:
        server.bucket_folder("bbb")
        bucket = connect(server.settings("bbb"))
        await bucket.put("k", BODY, content_type="image/png")
        own = server.settings("bbb")
        fetcher = Fetcher(
            AllowList([server.endpoint]), own, _no_bucket, max_bytes=MAX_BYTES, timeout_seconds=5, tries=1
        )
        url = bucket.sign_get("k")
        assert await fetcher.fetch(announced(url)) == BODY
        server.kill()
        with pytest.raises(StorageUnavailableError):
            await fetcher.fetch(announced(url))
        server.start()
        assert await fetcher.fetch(announced(url)) == BODY
        await fetcher.close()


def _no_bucket(name):
    raise AssertionError(f"nothing is to be read from {name}")


# --- somebody else's server -----------------------------------------------------------------------


async def test_an_allowed_foreign_host_is_fetched(fetcher, foreign):
    assert await fetcher.fetch(announced(foreign.gives("/f.png", BODY))) == BODY


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://evil.example/x", "url-not-allowed"),
        ("https://127.0.0.1:1/x", "url-not-allowed"),
        ("ftp://127.0.0.1/x", "bad-url"),
        ("file:///etc/passwd", "bad-url"),
        ("no url at all", "bad-url"),
        ("http://", "bad-url"),
        ("http://[::1/x", "bad-url"),
        ("http://h:99999/x", "bad-url"),
    ],
)
async def test_what_is_not_on_the_list_is_not_even_asked(fetcher, foreign, url, reason):
    assert (await refusal(fetcher, announced(url)))[0] == reason
    assert not foreign.hits


async def test_another_host_hidden_behind_an_allowed_name_is_not_asked(fetcher, foreign):
    host = foreign.origin.removeprefix("http://")
    for url in (
        f"http://{host}@evil.example/x",
        f"http://evil.example\\@{host}/x",
        f"http://user:secret@{host}/x",
        f"http://{host}\t.evil.example/x",
        f"http://{host} /x",
        f"http://{host}.evil.example/x",
    ):
        assert (await refusal(fetcher, announced(url)))[0] in ("bad-url", "url-not-allowed"), url
    assert not foreign.hits


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent"])
async def test_a_redirect_is_not_followed_off_the_list_or_on_it(fetcher, foreign, status):
    aim = foreign.gives("/aim", BODY)
    url = foreign.gives("/r", b"", status, f"Location: {aim}")
    reason, text = await refusal(fetcher, announced(url))
    assert (reason, "redirect" in text) == ("fetch-refused", True)
    assert foreign.hits == {"/r": 1}


async def test_what_is_not_found_abroad_is_given_up_at_once(fetcher, foreign):
    assert (await refusal(fetcher, announced(foreign.url("/nothing"))))[0] == "not-found"
    assert foreign.hits == {"/nothing": 1}


@pytest.mark.parametrize("status", ["400 Bad", "401 Unauthorized", "403 Forbidden", "416 Range", "204 No"])
async def test_a_refusal_abroad_is_given_up_at_once(fetcher, foreign, status):
    url = foreign.gives("/no", b"", status) + "?X-Amz-Signature=0"
    assert (await refusal(fetcher, announced(url, bucket="fetched", key="frames/7.png")))[
        0
    ] == "fetch-refused"
    assert foreign.hits == {"/no": 1}, "our own bucket is not opened for a foreign URL"


@pytest.mark.parametrize("status", ["500 Oops", "502 Bad Gateway", "503 Away", "429 Too Many"])
async def test_a_host_in_trouble_is_tried_as_often_as_the_spec_says(fetcher, foreign, status):
    reason, text = await refusal(fetcher, announced(foreign.gives("/bad", b"", status)))
    assert (reason, text.endswith(f"answered {status[:3]}, 2 times")) == ("fetch-failed", True)
    assert foreign.hits == {"/bad": 2}


async def test_a_host_that_is_back_at_the_second_try_costs_nothing(fetcher, foreign):
    async def second_time(writer, _):
        status = "503 Away" if foreign.hits["/flaky"] == 1 else "200 OK"
        writer.write(head(status, f"Content-Length: {len(BODY)}") + BODY)

    foreign.answers["/flaky"] = second_time
    assert await fetcher.fetch(announced(foreign.url("/flaky"))) == BODY


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (head("200 OK", "Content-Length: 100"), b"not all of it"),
        (head("200 OK"), b"some"),
        (b"HTTP/1.1 200 O",),
    ],
)
async def test_a_slow_server_costs_its_time_out_and_no_more(fetcher, foreign, pieces):
    begun = time.monotonic()
    reason, text = await refusal(fetcher, announced(foreign.hangs("/slow", *pieces)))
    assert (reason, "TimeoutError" in text) == ("fetch-failed", True)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    "pieces",
    [
        (head("200 OK", "Content-Length: 100"), BODY),
        (head("200 OK", "Content-Length: 4"), BODY),
        (b"this is no HTTP\r\n\r\n",),
        (b"",),
        (head("200 OK", "Transfer-Encoding: chunked"), b"zz\r\n"),
        (head("200 OK", "Content-Length: -5"), BODY),
        (head("200 OK", "Content-Length: many"), BODY),
    ],
)
async def test_a_server_that_lies_about_its_answer_is_trouble_of_that_server(fetcher, foreign, pieces):
    assert (await refusal(fetcher, announced(foreign.sends("/liar", *pieces))))[0] == "fetch-failed"


async def test_a_body_without_end_is_given_up_at_the_limit(fetcher, foreign):
    assert (await refusal(fetcher, announced(foreign.never_ends("/endless"))))[0] == "too-large"
    assert foreign.hits == {"/endless": 1}


async def test_a_body_that_says_it_is_too_large_is_not_read(fetcher, foreign):
    url = foreign.hangs("/large", head("200 OK", f"Content-Length: {MAX_BYTES + 1}"))
    reason, text = await refusal(fetcher, announced(url))
    assert (reason, "imageLimits.maxBytes" in text) == ("too-large", True)


async def test_an_empty_body_comes_back_empty_for_the_decoder_to_name(fetcher, foreign):
    assert await fetcher.fetch(announced(foreign.gives("/empty", b""))) == b""


async def test_a_range_of_a_server_that_knows_none_is_cut_here(fetcher, foreign):
    assert await fetcher.fetch(announced(foreign.gives("/whole", BODY), offset=4, size=5)) == BODY[4:9]


async def test_many_frames_of_a_slow_host_do_not_time_out_in_our_own_queue(fetcher, foreign):
    async def takes_its_time(writer, _):
        await asyncio.sleep(0.15)
        writer.write(head("200 OK", f"Content-Length: {len(BODY)}") + BODY)

    foreign.answers["/late"] = takes_its_time
    url = foreign.url("/late")
    bodies = await asyncio.gather(*(fetcher.fetch(announced(url)) for _ in range(5 * CONNECTIONS)))
    assert bodies == [BODY] * len(bodies)
    assert foreign.hits["/late"] == len(bodies), "none was asked for twice"
