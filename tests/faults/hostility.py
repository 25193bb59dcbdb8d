"""Announcements that no announcer should send, each with the reasons for which its frame may be given up."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hostile.images import HostileImage, hostile_images, saved, sound_image

TIME = "2024-11-27 14:27:36.570564"
_LARGE = 70_000
_OTHER_FORM = ("wrong-shape", "wrong-dtype")


@dataclass(frozen=True, slots=True)
class Hostile:
    """A payload, and the reasons that a dead letter of it may give. `is_slow`: it costs a worker seconds."""

    name: str
    body: bytes
    reasons: tuple[str, ...]
    is_slow: bool = False


def images() -> list[HostileImage]:
    """Return the images that are hostile whatever they are labelled, and two that are only unexpected."""
    corpus = [image for image in hostile_images() if "labelled" not in image.name]
    deep = saved(sound_image().astype(np.uint16), "png")
    wide = saved(np.tile(sound_image(), 2), "png")
    return [
        *(image for image in corpus if image.reason != "type-mismatch"),
        HostileImage("16-bit where 8 is expected", deep, None, "wrong-dtype"),
        HostileImage("another size in mid-run", wide, None, "wrong-shape"),
    ]


def expired(url: str) -> str:
    """Return a presigned URL as it looks long after its time."""
    return re.sub(r"X-Amz-Date=\d{4}", "X-Amz-Date=2020", url)


def announcement(url: object, time: object = TIME, **more: object) -> bytes:
    """Return an announcement as a foreign announcer writes it."""
    return json.dumps({"url": url, "time": time, "filename": "cygno-0.jpg", **more}).encode()


def hostile(host: str, closed: str, own: str, sign: Callable[[str], str]) -> list[Hostile]:
    """Return every kind once.

    `host`: origin of the bad host, `closed`: an allowed one where nobody listens, `own`: that of the
    pipeline's S3, `sign`: gives a valid URL of a key there.
    """
    sound = sign("no-such-object.png")
    return [
        *_no_announcements(sound),
        *_bad_values(sound),
        *_bad_urls(own),
        *_bad_answers(host, closed, sign),
        *(
            # What a header already tells to be of another form is given up for that.
            Hostile(image.name, announcement(f"{host}/image/{number}"), (image.reason, *_OTHER_FORM))
            for number, image in enumerate(images())
        ),
    ]


def _no_announcements(url: str) -> Iterator[Hostile]:
    for name, body, reason in (
        ("not JSON", b"cygno-0.jpg is there", "not-json"),
        ("empty", b"", "not-json"),
        ("half of it", announcement(url)[:-10], "not-json"),
        ("not UTF-8", b'{"url": "\xff\xfe", "time": ""}', "not-utf8"),
        ("UTF-16", announcement(url).decode().encode("utf-16"), "not-utf8"),
        ("a list", b"[]", "wrong-type"),
        ("null", b"null", "wrong-type"),
        ("a number", b"17", "wrong-type"),
        ("without url", b'{"time": "2024-11-27 14:27:36"}', "missing-key"),
        ("without time", b'{"url": "http://127.0.0.1/x"}', "missing-key"),
        ("deep", b"[" * 5000, "not-json"),
    ):
        yield Hostile(name, body, (reason,))
    yield Hostile("large", announcement(url, filename="x" * _LARGE), ("too-large",))


def _bad_values(url: str) -> Iterator[Hostile]:
    for value in (17, None, ["http://127.0.0.1"], True):
        yield Hostile(f"url {value!r}", announcement(value), ("wrong-type",))
    for number in (17, None, 1.5):
        yield Hostile(f"time {number!r}", announcement(url, number), ("wrong-type",))
    for text in ("", "tomorrow", "99999-01-01 00:00:00", "1600-01-01 00:00:00", "2024-13-41 25:61:61", "NaN"):
        yield Hostile(f"time {text!r}", announcement(url, text), ("bad-time",))
    for name, wrong, reason in (
        ("offset", -1, "bad-number"),
        ("size", "three", "wrong-type"),
        ("shape", [0, 4], "bad-shape"),
        ("detector", "no name at all", "bad-name"),
        ("event", -1, "bad-event"),
    ):
        yield Hostile(f"{name} {wrong!r}", announcement(url, **{name: wrong}), (reason,))


def _bad_urls(own: str) -> Iterator[Hostile]:
    for url in (
        "",
        "not a url",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://[::1",
        "http://a@127.0.0.1/",
    ):
        yield Hostile(f"url {url!r}", announcement(url), ("bad-url",))
    for url in (
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/x",
        own.replace("http:", "https:") + "/x",
    ):
        yield Hostile(f"url {url!r}", announcement(url), ("url-not-allowed",))


def _bad_answers(host: str, closed: str, sign: Callable[[str], str]) -> Iterator[Hostile]:
    missing = sign("no-such-object.png")
    yield Hostile("missing in our S3", announcement(missing), ("not-found",))
    yield Hostile("expired and missing", announcement(expired(missing)), ("not-found",))
    for path, reasons in (
        ("403", ("fetch-refused",)),
        ("404", ("not-found",)),
        ("500", ("fetch-failed",)),
        ("503", ("fetch-failed",)),
        ("redirect", ("fetch-refused",)),
        ("lies", ("fetch-failed",)),
        ("endless", ("too-large",)),
        ("empty", ("empty",)),
        ("xml", ("not-an-image",)),
        ("html", ("not-an-image",)),
    ):
        yield Hostile(f"answer: {path}", announcement(f"{host}/{path}"), reasons)
    yield Hostile("nobody listens", announcement(f"{closed}/x"), ("fetch-failed",))
    yield Hostile("answer: hangs", announcement(f"{host}/hangs"), ("fetch-failed",), is_slow=True)


def mixed(kinds: Sequence[Hostile], count: int, slow: int) -> list[Hostile]:
    """Return `count` payloads: each slow kind `slow` times, the others as often as needed."""
    chosen = [kind for kind in kinds if kind.is_slow for _ in range(slow)]
    quick = [kind for kind in kinds if not kind.is_slow]
    return chosen + [quick[number % len(quick)] for number in range(count - len(chosen))]
