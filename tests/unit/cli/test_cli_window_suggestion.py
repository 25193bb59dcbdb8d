"""Window bounds are suggested from the frames that can be read, whatever else lies in the folder."""

import numpy as np
import pytest

from cygnet.cli.window_suggestion import suggest
from cygnet.model.errors import BadInputError
from hostile.arrays import DAMAGED, npy


def test_damaged_arrays_in_the_folder_are_passed_over(tmp_path):
    for number, body in enumerate(DAMAGED.values()):
        (tmp_path / f"{number}.npy").write_bytes(body)
    with pytest.raises(BadInputError, match="holds no uint8 or uint16 image"):
        suggest(tmp_path)
    (tmp_path / "sound.NPY").write_bytes(npy(np.full((4, 4), 99, "u2")))
    found = suggest(tmp_path)
    assert (found.frames, found.min, found.max) == (1, 99, 100)
