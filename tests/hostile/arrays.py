"""Array files (.npy) that no numpy.save has left: cut, grown, lying, or something else under that name."""

import io

import numpy as np


def npy(array: np.ndarray) -> bytes:
    """Return an array as numpy.save writes it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_header(text: str, data: bytes = b"") -> bytes:
    """Return a file of version 1.0 whose header is `text`."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1") + data


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, image=np.zeros((2, 3)))
    return file.getvalue()


_SOUND = npy(np.arange(6, dtype="u2").reshape(2, 3))

DAMAGED = {
    "empty": b"",
    "signature alone": b"\x93NUMPY",
    "text": b"no array at all",
    "header cut": b"\x93NUMPY\x01\x00v\x00{'descr'",
    "header of another version": b"\x93NUMPY\x09\x00" + _SOUND[8:],
    "header of nothing": with_header(""),
    "header a list": with_header("[1, 2]"),
    "header without a shape": with_header("{'descr': '<u2', 'fortran_order': False}"),
    "header in deep brackets": with_header("(" * 9000),
    "header of signs": with_header("-" * 9000 + "1"),
    "header an open text": with_header("{'descr': '''"),
    "dtype unknown": with_header("{'descr': '<u3', 'fortran_order': False, 'shape': (2, 3), }", bytes(12)),
    "dtype no text": with_header("{'descr': 5, 'fortran_order': False, 'shape': (2, 3), }", bytes(12)),
    "objects": with_header("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", bytes(48)),
    "a record": with_header(
        "{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (2, 3), }", bytes(12)
    ),
    "shape enormous": with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }", bytes(64)
    ),
    "shape negative": with_header("{'descr': '<u2', 'fortran_order': False, 'shape': (-2, -3), }", bytes(12)),
    "cut": _SOUND[:-1],
    "grown": _SOUND + b"x",
    "an npz": _npz(),
    "the beginning of a zip": b"PK\x03\x04",
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00",
}
"""Files by name; each is refused with a DecodeError."""
