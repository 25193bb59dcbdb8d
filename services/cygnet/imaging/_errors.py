"""The one error and the one set of limits that guard everything which reads foreign bytes."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "empty",
    "too-large",
    "not-an-image",
    "type-mismatch",
    "unsupported",
    "colour",
    "wrong-dtype",
    "geometry",
    "size-mismatch",
    "truncated",
    "corrupt",
]


class DecodeError(ValueError):
    """A body cannot become an array: the frame's own fault, so trying again does not help.

    `reason` is a short word for metrics and dead letters, the message is for people.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason: Reason = reason
        self.message = message

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a body may cost: checked before anything is decoded or allocated.

    `max_bytes` bounds the encoded body; `max_pixels` the elements of the decoded array, over all its axes.
    """

    max_bytes: int
    max_pixels: int

    def __post_init__(self) -> None:
        for field in ("max_bytes", "max_pixels"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise refusal(field, value, "an integer of at least 1")

    def check_body(self, body_bytes: int) -> None:
        """Refuse an empty body and one of more than `max_bytes`."""
        if body_bytes == 0:
            raise DecodeError("empty", "the body is empty (0 bytes); accepted: an encoded frame")
        if body_bytes > self.max_bytes:
            raise DecodeError(
                "too-large",
                f"the body has {body_bytes} bytes; accepted: at most {self.max_bytes} (max_bytes)",
            )

    def check_pixels(self, pixels: int, what: str) -> None:
        """Refuse an array of more than `max_pixels` elements."""
        if pixels > self.max_pixels:
            raise DecodeError(
                "too-large", f"{what} holds {pixels} pixels; accepted: at most {self.max_pixels} (max_pixels)"
            )


def refusal(field: str, value: object, accepted: str) -> ValueError:
    """Return the error for an argument that is refused: it names field, value and what is accepted."""
    return ValueError(f"{field}: {value!r} refused; accepted: {accepted}")
