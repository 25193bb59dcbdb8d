"""The account's records as JSON: the first key says the kind, keys of newer versions are passed over."""

from collections.abc import Mapping

import msgspec

from cygnet.model.account import Begin, Commit, Consumed, Dead, Dropped, End, Epoch, Record, Stored

_TAG = b'{"record":"'
_TYPES: Mapping[str, type[Record]] = {
    "begin": Begin,
    "epoch": Epoch,
    "commit": Commit,
    "stored": Stored,
    "consumed": Consumed,
    "dead": Dead,
    "dropped": Dropped,
    "end": End,
}
_TAGS = {type_: tag for tag, type_ in _TYPES.items()}


class _Tagged(msgspec.Struct):
    record: str


_encode = msgspec.json.Encoder().encode
_decode_tag = msgspec.json.Decoder(_Tagged).decode
_decoders = {tag: msgspec.json.Decoder(type_).decode for tag, type_ in _TYPES.items()}


def encode_record(record: Record) -> bytes:
    """Return a record as JSON; its first key says which kind it is."""
    return b'%b%b",%b' % (_TAG, _TAGS[type(record)].encode(), _encode(record)[1:])


def decode_record(body: bytes) -> Record | None:
    """Return the record of a JSON body; None for a kind, or a form, that only a newer version knows."""
    try:
        decode = _decoders.get(_decode_tag(body).record)
        return decode(body) if decode else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
