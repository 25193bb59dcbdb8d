"""Only scheme, host and port of the list are fetched, however a URL is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cygnet.model.errors import BadInputError
from cygnet.preprocessor.allow_list import AllowList

LIST = AllowList(
    ["http://s3.example:9000"], ["https://cloud.example", "http://[::1]:8080", "http://plain.example"]
)


@pytest.mark.parametrize(
    "url",
    [
        "http://s3.example:9000/b/k?X-Amz-Date=1",
        "HTTP://S3.Example:9000/b",
        "https://cloud.example/x",
        "https://cloud.example:443/x",
        "https://CLOUD.example:0443/x",
        "http://[::1]:8080/x",
        "http://plain.example:80/x",
        "http://plain.example",
        "http://plain.example?x=http://evil.example",
        "http://plain.example#@evil.example/",
        "http://plain.example/@evil.example/../..",
    ],
)
def test_an_allowed_origin_is_recognised_however_it_is_written(url):
    scheme, host, port = LIST.check(url)
    asked = URL(url)  # what the client connects to
    assert (asked.scheme, asked.host, asked.port) == (scheme, host, port)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://cloud.example/x", "url-not-allowed"),
        ("https://s3.example:9000/x", "url-not-allowed"),
        ("http://s3.example/x", "url-not-allowed"),
        ("http://s3.example:9001/x", "url-not-allowed"),
        ("http://s3.example.:9000/x", "url-not-allowed"),
        ("http://xs3.example:9000/x", "url-not-allowed"),
        ("http://s3.example.evil:9000/x", "url-not-allowed"),
        ("https://cloud.example:0/x", "url-not-allowed"),
        ("http://[::1]/x", "url-not-allowed"),
        ("http://[0:0:0:0:0:0:0:1]:8080/x", "url-not-allowed"),
        ("http://0x7f000001/x", "url-not-allowed"),
        ("http://s3.example:9000@evil.example/", "bad-url"),
        ("http://@s3.example:9000/", "bad-url"),
        ("http://me@s3.example:9000/", "bad-url"),
        ("http://me:pass@s3.example:9000/", "bad-url"),
        ("http://evil.example\\@s3.example:9000/", "bad-url"),
        ("http:\\\\s3.example:9000/", "bad-url"),
        ("http://s3.example:9000 /x", "bad-url"),
        (" http://s3.example:9000/x", "bad-url"),
        ("http://s3.example\n:9000/x", "bad-url"),
        ("http://s3.exa\tmple:9000/x", "bad-url"),
        ("http://s3.example:9000/x\r\nHost: evil", "bad-url"),
        ("http://s3.example\x00:9000/x", "bad-url"),
        ("//s3.example:9000/x", "bad-url"),
        ("s3.example:9000/x", "bad-url"),
        ("ftp://s3.example:9000/x", "bad-url"),
        ("file:///etc/passwd", "bad-url"),
        ("http:///x", "bad-url"),
        ("http://:9000/x", "bad-url"),
        ("http://s3.example:port/x", "bad-url"),
        ("http://s3.example:99999/x", "bad-url"),
        ("http://[::1:8080/x", "bad-url"),
        ("", "bad-url"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(url, reason):
    with pytest.raises(BadInputError) as caught:
        LIST.check(url)
    assert caught.value.reason == reason
    assert str(caught.value).startswith("url: ")
    if reason == "url-not-allowed":
        assert "accepted: http://[" in str(caught.value) or "http://plain.example:80" in str(caught.value)


def test_a_refusal_shows_no_password():
    with pytest.raises(BadInputError) as caught:
        LIST.check("http://me:geheim@s3.example:9000/")
    assert "geheim" not in str(caught.value)


@given(st.text(alphabet="htps:/@.#?\\[]%0189aeviltorgcd ", max_size=40))
def test_no_text_is_asked_of_another_host_than_was_checked(text):
    url = "http://plain.example" + text
    try:
        origin = LIST.check(url)
    except BadInputError:
        return
    try:
        asked = URL(url)
    except ValueError:
        return
    assert (asked.scheme, asked.host, asked.port) == origin


def test_an_own_endpoint_that_is_none_is_named():
    with pytest.raises(BadInputError, match="endpoint"):
        AllowList(["s3.example:9000"])
    with pytest.raises(BadInputError, match="urlAllowList"):
        AllowList(["http://s3.example"], ["nonsense"])
