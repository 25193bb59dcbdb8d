"""Bad input costs one frame: each of these gets its reason among the dead letters, the next frame goes on.

All of it goes through one run, a good frame behind every bad one, and is looked at case by case.
"""

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cygnet.imaging import CODECS, compress
from cygnet.model.frame import ANNOUNCEMENT, ARRAY_FILE, IMAGE_TYPES
from cygnet.transport.codec import PACK, encode_frame, encode_frame_pack
from fixtures.foreign_server import foreign_server, head
from fixtures.rig import frame, open_rig
from hostile.arrays import DAMAGED
from hostile.images import hostile_images, saved

TIME = "2024-11-27 14:27:36.570564"
IMAGE = np.arange(48, dtype="u2").reshape(6, 8)
PIXELS = IMAGE.tobytes()
KEYS = {"Cygnet-Run": "r", "Cygnet-Detector": "cam", "Cygnet-Time": "1700000000000000000"}
INLINE = {"Cygnet-Dtype": "<u2", "Cygnet-Shape": "6,8"}


@dataclass
class Case:
    """A message; `reason` and `says`: what must be told of it; with `anonymous` it has no identity."""

    name: str
    reason: str
    says: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    detector: str = "cam"
    anonymous: bool = False


def announced(name, reason, says="", *, raw=None, **keys):
    document = {"url": "http://127.0.0.1:1/x", "time": TIME, **keys}
    body = json.dumps({k: v for k, v in document.items() if v is not None}).encode() if raw is None else raw
    return Case(f"announcement: {name}", reason, says, body, {"Content-Type": ANNOUNCEMENT})


def announcements():
    bad_times = [
        "",
        "yesterday",
        "2024-13-01 00:00:00",
        "2024-02-30 00:00:00",
        "0000-00-00 00:00:00",
        "1969-12-31 23:59:59",
        "9999-12-31 23:59:59",
        "1e9",
        "2024-11-27 14:27:36+99:99",
    ]
    return [
        announced("no JSON", "not-json", "not JSON", raw=b"this is no JSON"),
        announced("empty", "not-json", raw=b""),
        announced("cut JSON", "not-json", raw=b'{"url": "http://'),
        announced("no UTF-8", "not-utf8", "UTF-8", raw=b'{"url": "\xff\xfe"}'),
        announced("a list", "wrong-type", "object", raw=b"[1, 2]"),
        announced("a text", "wrong-type", "object", raw=b'"x"'),
        announced("null", "wrong-type", "object", raw=b"null"),
        announced("deep", "not-json", raw=b"[" * 60_000),
        announced("no url", "missing-key", "url", url=None),
        announced("no time", "missing-key", "time", time=None),
        announced("url a number", "wrong-type", "url", url=5),
        announced("time a number", "wrong-type", "time", time=5),
        announced("url null", "wrong-type", "url", raw=b'{"url":null,"time":"2024-11-27 14:27:36"}'),
        announced("filename a list", "wrong-type", "filename", filename=["a"]),
        announced("event a text", "wrong-type", "event", event="7"),
        announced("event negative", "bad-event", "event", event=-1),
        announced("run no name", "bad-name", "run", run="a/b"),
        announced("detector no name", "bad-name", "detector", detector=""),
        announced("size negative", "bad-number", "size", size=-1),
        announced("shape of nothing", "bad-shape", "shape", shape=[0, 5]),
        announced("attrs a list", "wrong-type", "attrs", attrs=[1]),
        announced("attrs too large", "attrs-too-large", "4096", attrs={"a": "x" * 5000}),
        announced("too large", "too-large", "65536", filename="x" * 70_000),
        announced("url empty", "bad-url", "url", url=""),
        announced("url too long", "bad-url", "url", url="http://127.0.0.1:1/" + "x" * 20_000),
        announced("url with a blank", "bad-url", "blanks", url="http://127.0.0.1:1/a b"),
        announced("url of a file", "bad-url", "http", url="file:///etc/passwd"),
        announced("url without scheme", "bad-url", "http", url="127.0.0.1/x"),
        announced("url with a user", "bad-url", "user", url="http://me:secret@127.0.0.1:1/x"),
        announced("another host", "url-not-allowed", "allow-list", url="http://evil.example/x.png"),
        announced("another scheme", "url-not-allowed", "allow-list", url="https://127.0.0.1:1/x"),
        *(announced(f"time {text!r}", "bad-time", "accepted", time=text) for text in bad_times),
    ]


def inline():
    def case(name, reason, says, body=PIXELS, **headers):
        given = {**INLINE, **{key.replace("_", "-"): value for key, value in headers.items()}}
        kept = {key: value for key, value in given.items() if value}
        return Case(f"inline: {name}", reason, says, body, kept)

    def encoded(codec, damage):
        return damage(compress(IMAGE, codec, "<u2"))

    damages = {"cut": lambda body: body[:-3], "garbage": lambda _: b"\x07" * 60, "empty": lambda _: b""}
    grown = json.dumps({"a": [1e9] * 400}).replace("1000000000.0", "1e9").replace(" ", "")
    return [
        case("no dtype", "missing-header", "Cygnet-Dtype", Cygnet_Dtype="", Cygnet_Shape=""),
        case("no shape", "bad-shape", "Cygnet-Shape", Cygnet_Shape=""),
        case("dtype without shape", "bad-dtype", "Cygnet-Dtype", Cygnet_Dtype=""),
        case("dtype unknown", "bad-dtype", "numpy", Cygnet_Dtype="<u3"),
        case("dtype an object", "bad-dtype", "numpy", Cygnet_Dtype="|O"),
        case("shape no numbers", "bad-shape", "whole number", Cygnet_Shape="6,x"),
        case("shape negative", "bad-shape", "whole number", Cygnet_Shape="6,-8"),
        case("shape zero", "bad-shape", "from 1", Cygnet_Shape="0,8"),
        case("shape enormous", "bad-shape", "bytes", Cygnet_Shape="99999999999,99999999999"),
        case("too few bytes", "size-mismatch", "96", IMAGE.tobytes()[:-1]),
        case("too many bytes", "size-mismatch", "96", IMAGE.tobytes() + b"x"),
        case("no bytes", "size-mismatch", "96", b""),
        case("unknown codec", "unknown-encoding", "zstd", Content_Encoding="rot13"),
        case("axes of another number", "bad-axes", "names", Cygnet_Axes="panel,y,x"),
        case("unknown type", "unknown-type", "decoder", Cygnet_Type="STINS"),
        case("type no name", "bad-type", "Cygnet-Type", Cygnet_Type="a/b"),
        case("content type unknown", "unknown-content-type", "image/png", Content_Type="text/html"),
        case("attrs no JSON", "bad-attrs", "JSON", Cygnet_Attrs="{"),
        case("attrs a number", "bad-attrs", "object", Cygnet_Attrs="7"),
        case("attrs too large", "attrs-too-large", "4096", Cygnet_Attrs='{"a":"%s"}' % ("x" * 5000)),
        case("attrs that grow", "attrs-too-large", "4096", Cygnet_Attrs=grown),
        case("parts of another sum", "bad-parts", "96", Cygnet_Parts="1,2"),
        case("time in the far future", "bad-time", "2200", Cygnet_Time="9" * 19),
        case("time no number", "wrong-type", "whole number", Cygnet_Time="now"),
        case("complex", "unsupported", "number", bytes(768), Cygnet_Dtype="<c16"),
        *(
            case(f"{codec} {name}", "", "", encoded(codec, damage), Content_Encoding=codec)
            for codec in CODECS
            for name, damage in damages.items()
            if codec != "identity"
        ),
    ]


def images():
    return [
        *(
            Case(f"image: {each.name}", each.reason, "", each.body, {"Content-Type": each.content_type})
            for each in hostile_images()
            if each.content_type in IMAGE_TYPES
        ),
        *(
            Case(f"array file: {name}", "", "the array" if body else "empty", body,
                 {"Content-Type": ARRAY_FILE})
            for name, body in DAMAGED.items()
        ),
        Case("image: 16 bit where 8 are expected", "wrong-dtype", "expect.dtype", saved(IMAGE, "png"),
             {"Content-Type": "image/png"}, "eight"),
        Case("image: an array of 16 bit where 8 are expected", "wrong-dtype", "expect.dtype", IMAGE.tobytes(),
             INLINE, "eight"),
        Case("image: another size than expected", "wrong-shape", "expect.shape",
             saved(IMAGE.astype("u1")[:5], "png"), {"Content-Type": "image/png"}, "eight"),
    ]  # fmt: skip


def foreign(server):
    def case(name, reason, says, url, **keys):
        return announced(f"foreign {name}", reason, says, url=url, **keys)

    xml = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
    cut = head("200 OK", "Content-Length: 9") + b"x"
    array = server.gives("/array", PIXELS)
    return [
        case("404", "not-found", "404", server.url("/nothing")),
        case("403", "fetch-refused", "403", server.gives("/403", b"", "403 Forbidden")),
        case("500", "fetch-failed", "answered 500, 2 times", server.gives("/500", b"", "500 Oops")),
        case("redirect", "fetch-refused", "redirect", server.gives("/302", b"", "302 F", "Location: /array")),
        case("slow", "fetch-failed", "Timeout", server.hangs("/slow")),
        case("endless", "too-large", "maxBytes", server.never_ends("/endless")),
        case("liar", "fetch-failed", "2 times", server.sends("/liar", cut)),
        case("empty", "empty", "", server.gives("/empty", b"")),
        case("error XML", "not-an-image", "", server.gives("/xml", xml)),
        case("HTML", "not-an-image", "", server.gives("/html", b"<!DOCTYPE html><html>sorry</html>")),
        case("dtype unknown", "bad-dtype", "numpy", array, dtype="foo", shape=[6, 8]),
        case("dtype an object", "unsupported", "number", array, dtype="O", shape=[6, 8]),
        case("dtype a structure", "unsupported", "number", array, dtype="u1,u2", shape=[6, 8]),
        case("size is not shape x dtype", "size-mismatch", "96", array, dtype="<u2", shape=[6, 9]),
        case("codec unknown", "unsupported", "zstd", array, dtype="<u2", shape=[6, 8], codec="rot13"),
        case("shape enormous", "too-large", "", array, dtype="<u2", shape=[1 << 40, 1 << 40]),
        case("filename too long", "attrs-too-large", "filename", array, dtype="<u2", shape=[6, 8],
             filename="x" * 5000),
        *(
            case(each.name, each.reason, "", server.gives(f"/{number}", each.body))
            for number, each in enumerate(hostile_images())
            if each.content_type is None
        ),
    ]  # fmt: skip


def packs():
    good = [frame(event) for event in (0, 1)]
    headers, body = encode_frame_pack(good)
    del headers["Cygnet-Events"]  # with them its frames would be known
    return [
        Case("pack: cut in its index", "bad-pack", "cut short", body[:10], headers, anonymous=True),
        Case("pack: nothing", "bad-pack", "index", b"", headers, anonymous=True),
        Case("pack: garbage", "bad-pack", "index", b"\xff" * 40, headers, anonymous=True),
        Case("pack: another count", "count-mismatch", "2", body, {**headers, "Cygnet-Count": "3"},
             anonymous=True),
        Case("pack: of no run", "bad-name", "Cygnet-Run", body, {"Content-Type": PACK, "Cygnet-Run": "a b"},
             anonymous=True),
        Case("no headers at all", "missing-header", "Cygnet-Run", b"x", {}, anonymous=True),
        Case("run no name", "bad-name", "Cygnet-Run", b"x", {**KEYS, "Cygnet-Run": "a b"}, anonymous=True),
        Case("no event", "missing-header", "Cygnet-Event", b"x", KEYS, anonymous=True),
        Case("event negative", "wrong-type", "whole", b"x", {**KEYS, "Cygnet-Event": "-1"}, anonymous=True),
        Case("event too large", "bad-event", "accepted", b"x", {**KEYS, "Cygnet-Event": "9" * 19},
             anonymous=True),
    ]  # fmt: skip


class Names:
    """Stands in for the server while the cases' names are collected."""

    def __getattr__(self, _):
        return lambda *_: "http://127.0.0.1:1/x"


NAMES = [case.name for case in (*announcements(), *inline(), *images(), *foreign(Names()), *packs())]


@dataclass
class Outcome:
    """What became of all cases: letters by case name, and the run they were in."""

    letters: dict
    reasons: dict
    line: object
    good: dict
    log: list


@pytest.fixture(scope="module")
def outcome(nats, s3):
    return asyncio.run(_run(nats, s3))


async def _run(nats, s3):
    with tempfile.TemporaryDirectory() as folder:
        async with foreign_server() as server:
            spec = {
                "sources": [
                    {"name": "cam", "replay": {"path": "f"}},
                    {"name": "eight", "replay": {"path": "f"}, "expect": {"dtype": "uint8", "shape": [6, 8]}},
                ],
                "preprocessor": {
                    "urlAllowList": [server.origin, "http://127.0.0.1:1"],
                    "imageLimits": {"maxBytes": 1 << 20, "maxPixels": 1 << 20},
                    "fetchTimeoutSeconds": 0.5,
                },
                "deadLetters": {"maxDeliver": 2},
                "streams": {"deadBytes": 64 << 20},
            }
            async with open_rig(
                nats, s3, Path(folder), spec, ("preprocessor", "aggregator", "uploader")
            ) as rig:
                return await _all_cases(rig, server)


async def _all_cases(rig, server):
    cases = [*announcements(), *inline(), *images(), *foreign(server), *packs()]
    assert [case.name for case in cases] == NAMES
    await rig.begin("r", "cam", "eight")
    count = {"cam": 0, "eight": 0}
    places = {}
    for case in cases:
        event = count[case.detector]
        headers = {**KEYS, "Cygnet-Detector": case.detector, "Cygnet-Event": str(event), **case.headers}
        if case.anonymous:
            headers = case.headers
        else:
            places[case.detector, event] = case
            count[case.detector] += 1
        await rig.raw(case.detector, headers, case.body)
        good = frame(count[case.detector], IMAGE.astype("u1"), detector=case.detector)
        await rig.raw(case.detector, *encode_frame(good))
        count[case.detector] += 1
    await rig.end("r", **count)
    line = await rig.complete("r", 60)
    account = await rig.account("r")
    anonymous = [case for case in cases if case.anonymous]
    letters = {}
    for letter in await rig.letters():
        if letter.id is None:
            case = next(each for each in anonymous if each.name not in letters and _is_of(letter, each))
        else:
            case = places[letter.id.detector, letter.id.event]
        assert case.name not in letters, "one letter for each frame"
        letters[case.name] = (case, letter)
    reasons = {
        case.name: account.detectors[detector].dead_reasons.get(event)
        for (detector, event), case in places.items()
    }
    stored = {name: set(rig.dataset("r", name).events.tolist()) for name in count}
    wanted = {name: set(range(n)) - {e for d, e in places if d == name} for name, n in count.items()}
    [worker] = [service for service in rig.running if service.name == "preprocessor"]
    return Outcome(
        letters, reasons, line, {"stored": stored, "wanted": wanted}, worker.log.of("frame given up")
    )


def _is_of(letter, case):
    return (letter.headers, letter.body) == (case.headers, case.body)


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_becomes_a_dead_letter_with_its_reason(outcome, name):
    case, letter = outcome.letters[name]
    if case.reason:
        assert letter.reason == case.reason, letter.message
    assert letter.reason not in ("processing-failed", "unknown"), letter.message
    assert case.says in letter.message
    assert len(letter.message) > 10
    assert letter.body == case.body, "the original is kept"
    assert letter.stage in ("decode", "fetch", "process")
    if not case.anonymous:
        assert outcome.reasons[name] == letter.reason, "the account says the same"


def test_the_frame_behind_each_bad_one_is_stored(outcome):
    assert outcome.good["stored"] == outcome.good["wanted"]


def test_the_ledger_counts_every_bad_frame_that_has_an_identity(outcome):
    assert outcome.line.dead == len([n for n, r in outcome.reasons.items() if r])
    assert outcome.line.dead == len(outcome.reasons)


def test_every_bad_frame_has_its_line_in_the_log(outcome):
    assert len(outcome.log) == len(NAMES)
    assert all(line["reason"] and line["why"] for line in outcome.log)
