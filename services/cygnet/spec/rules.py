"""Errors of rules that span several fields, with the words that every door of the product uses."""

from pydantic_core import PydanticCustomError


def broken(message: str, *field: str) -> PydanticCustomError:
    """Return the error of a broken rule; `field` is the path (aliases) below the part that it blames."""
    return PydanticCustomError("rule", "{text}", {"text": message, "field": list(field)})
