"""A pack of slow frames: the worker that has it is seen to move, and leaves the other packs to others."""

from cygnet.transport.codec import encode_frame_pack
from cygnet.transport.streams import PREPROCESSOR, consumer_state, stream_state
from fixtures.rig import frame, open_rig

PACKS, FRAMES = 4, 30
SLOW = {"preprocessor": {"stages": [{"delay": {"seconds": 0.1}}]}}


async def publish_packs(rig):
    for number in range(PACKS):
        frames = [frame(event) for event in range(number * FRAMES, (number + 1) * FRAMES)]
        headers, body = encode_frame_pack(frames)
        await rig.raw("cam", headers, body, f"pack-{number}")


async def test_a_worker_holds_no_more_slow_packs_than_it_works_on_and_publishes_as_it_goes(
    nats, s3, tmp_path
):
    async with open_rig(nats, s3, tmp_path, SLOW) as rig:
        await rig.begin("r")
        await publish_packs(rig)
        await rig.start("preprocessor")

        async def some_results():
            return (await stream_state(rig.nc, rig.names.results)).messages > 1

        await rig.until(some_results)
        held = await consumer_state(rig.nc, rig.names.frames, PREPROCESSOR)
        assert (held.ack_pending, held.pending) == (2, 2), "one is worked on, one is at hand"
        assert (await stream_state(rig.nc, rig.names.frames)).messages == PACKS


async def test_slow_packs_are_stored_whole_by_workers_that_share_them(nats, s3, tmp_path):
    async with open_rig(nats, s3, tmp_path, SLOW) as rig:
        await rig.begin("r")
        await publish_packs(rig)
        await rig.start("preprocessor", "preprocessor", "aggregator", "uploader")
        await rig.end("r", cam=PACKS * FRAMES)
        assert (await rig.complete("r", 60)).stored == PACKS * FRAMES
