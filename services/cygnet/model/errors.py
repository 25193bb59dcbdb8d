"""Errors named after what can be done about them; every service and the CLI speak these."""


class CygnetError(Exception):
    """Base of all errors that Cygnet raises on purpose."""


class BadInputError(CygnetError, ValueError):
    """A value from outside is wrong: names the field, the value and what is accepted.

    `reason` is a stable slug, fit for a metric label and a dead letter.
    """

    def __init__(self, message: str, *, reason: str = "bad-input") -> None:
        super().__init__(message)
        self.reason = reason


class NoSuchError(CygnetError, LookupError):
    """A run, event, chunk or dead letter that was asked for does not exist."""
