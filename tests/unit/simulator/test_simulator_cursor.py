"""A run must own every number that may be in the stream, also those behind a cursor that lags."""

from cygnet.simulator.cursor import Cursor


class Bucket:
    """The key-value bucket, as far as a cursor uses it."""

    def __init__(self):
        self.documents = {}

    async def get(self, key):
        data = self.documents.get(key)
        return None if data is None else type("Value", (), {"data": data})

    async def put(self, key, data):
        self.documents[key] = data


async def test_what_was_reserved_before_a_kill_is_known_after_it():
    bucket = Bucket()
    before = Cursor(bucket, "r", "cam")
    await before.reserve(64)
    before.advance(64)
    await before.write()
    await before.reserve(128)  # killed here, in the middle of publishing 64 … 127
    after = Cursor(bucket, "r", "cam")
    await after.load()
    assert (after.next, after.reserved) == (64, 128)


async def test_a_fresh_run_has_nothing_reserved():
    cursor = Cursor(Bucket(), "r", "cam")
    await cursor.load()
    assert (cursor.next, cursor.reserved) == (0, 0)
