"""What can go wrong on NATS, named after what can be done about it."""


class TransportError(Exception):
    """Base of all errors of the transport."""


class NatsUnreachableError(TransportError):
    """No server answers at this address: check the address, or start the server."""


class NatsRefusedError(TransportError):
    """The server answers and refuses us: check user and password."""


class NatsOutageError(TransportError):
    """NATS did not answer this time: hold what you have, and try again."""


class NatsClosedError(TransportError):
    """The connection, the window or the puller was closed by its owner."""


class ApiError(TransportError):
    """JetStream refused a request: its HTTP-like `code`, its own `err_code` and its words."""

    def __init__(self, subject: str, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} (err_code {err_code})")
        self.code = code
        self.err_code = err_code
        self.description = description


class StreamConflictError(TransportError):
    """A stream exists in a form that cannot be changed into what is wanted, or owns its subjects."""


class StorageReserveError(TransportError):
    """The server cannot reserve the bytes that the streams ask for: make them smaller, or its disk larger."""


class PublishRefusedError(TransportError):
    """JetStream refused a message for good."""

    def __init__(self, subject: str, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} (err_code {err_code})")
        self.code = code
        self.err_code = err_code


class WrongLastSequenceError(PublishRefusedError):
    """Somebody else wrote to the subject: its last sequence is `last_sequence` (None: not told)."""

    def __init__(self, subject: str, err_code: int, description: str, last_sequence: int | None) -> None:
        super().__init__(subject, 400, err_code, description)
        self.last_sequence = last_sequence


class MessageTooLargeError(TransportError):
    """The message is above what the server takes inline: it must go by reference."""

    def __init__(self, subject: str, size: int, limit: int) -> None:
        super().__init__(f"{subject}: message of {size} bytes; accepted: up to {limit} bytes inline")
        self.size = size
        self.limit = limit


class ConsumerGoneError(TransportError):
    """The consumer or its stream was deleted: another owner has taken over, or the pipeline was removed."""


class LeaseLostError(TransportError):
    """The lease is no longer ours: stop acting now."""
