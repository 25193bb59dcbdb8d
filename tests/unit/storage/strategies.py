"""Hypothesis strategies for what storage writes."""

import numpy as np
from hypothesis import strategies as st

from cygnet.model.identity import FrameId
from cygnet.model.manifest import ManifestRow
from cygnet.model.result import Result

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
DTYPES = st.sampled_from(["|u1", "<u2", ">u2", "<i4", "<f4", "<f8", "|b1", "<c8"])
TIMES_NS = st.integers(0, 7 * 10**18)


@st.composite
def results(draw: st.DrawFn) -> list[Result]:
    """Results of one run, detector and layout, with ascending events that may leave gaps."""
    events = sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=7)))
    names = draw(st.lists(st.sampled_from(["image", "energy", "hits"]), min_size=1, max_size=2, unique=True))
    forms = {name: (draw(DTYPES), draw(SHAPES)) for name in names}
    step = draw(st.sampled_from([1, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [
        Result(
            id=FrameId("run", "lime", event),
            time_ns=draw(TIMES_NS) // step * step,
            arrays={
                name: rng.integers(0, 2, (*shape, np.dtype(dtype).itemsize * 8), dtype=np.uint8)
                .dot(1 << np.arange(8).repeat(np.dtype(dtype).itemsize))
                .astype(dtype)
                for name, (dtype, shape) in forms.items()
            },
            revision=draw(st.integers(0, 2**40)),
            provenance=draw(st.sampled_from(["a" * 64, "b" * 64, ""])),
            attrs=draw(st.sampled_from([{}, {"energy_keV": 3.0, "é": "ü"}])),
        )
        for event in events
    ]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
ROWS = st.builds(
    ManifestRow,
    run=NAMES,
    detector=NAMES,
    event=st.integers(0, 2**53 - 1),
    time_ns=TIMES_NS,
    array=NAMES,
    object=TEXT,
    offset=st.integers(0, 2**62),
    size=st.integers(0, 2**62),
    codec=st.sampled_from(["identity", "bslz4"]),
    dtype=DTYPES,
    shape=SHAPES,
    axes=st.sampled_from(["y,x", "panel,y,x"]),
    revision=st.integers(0, 2**62),
    provenance=TEXT,
    crc32c=st.integers(0, 2**32 - 1),
    attrs=TEXT,
)
