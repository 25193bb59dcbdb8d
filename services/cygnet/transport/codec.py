"""Frames, packs, announcements and results to messages and back, and the ids that they travel under."""

from cygnet.transport._announcement_codec import (
    announcement_frame,
    decode_announcement,
    encode_announcement,
)
from cygnet.transport._frame_codec import BrokenFrame, decode_attributes, encode_frame, frame_id_of
from cygnet.transport._message_ids import frame_message_id, pack_message_id, replay_message_id
from cygnet.transport._pack_codec import (
    MAX_FRAMES,
    PACK,
    broken_pack,
    decode_frames,
    encode_frame_pack,
    frame_count,
)
from cygnet.transport._result_codec import RESULTS, decode_results, encode_results

__all__ = [
    "MAX_FRAMES",
    "PACK",
    "RESULTS",
    "BrokenFrame",
    "announcement_frame",
    "broken_pack",
    "decode_announcement",
    "decode_attributes",
    "decode_frames",
    "decode_results",
    "encode_announcement",
    "encode_frame",
    "encode_frame_pack",
    "encode_results",
    "frame_count",
    "frame_id_of",
    "frame_message_id",
    "pack_message_id",
    "replay_message_id",
]
