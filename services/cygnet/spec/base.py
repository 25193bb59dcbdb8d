"""What every part of the spec has in common: strict types, camelCase names, nothing unknown."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from cygnet.spec.rules import Rule

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Part(BaseModel):
    """A part of the spec. Unknown fields and values of another type are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()
    """Every rule that the validators of this part raise."""


def every_part(above: type[Part] = Part) -> Iterator[type[Part]]:
    """Yield all kinds of parts that are defined."""
    for part in above.__subclasses__():
        yield part
        yield from every_part(part)


def accepts(words: str) -> FieldInfo:
    """Return an annotation that says in words what a pattern accepts; editors know this keyword as well."""
    info: FieldInfo = Field(json_schema_extra={"patternErrorMessage": words})
    return info


def keyed_by(name: str) -> FieldInfo:
    """Return an annotation that no two items of a list have the same `name`, in the words of Kubernetes."""
    info: FieldInfo = Field(
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [name]}
    )
    return info


def _whole(value: object) -> object:
    # A literal compares by equality, in which true and 1.0 are 1.
    if type(value) is not int:
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


Whole = BeforeValidator(_whole)
Secret = Field(json_schema_extra={"format": "password"})

_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"

DetectorName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$", max_length=64),
    accepts("1 to 64 of A-Z a-z 0-9 _ -"),
]
BucketName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", max_length=63),
    accepts("3 to 63 of a-z 0-9 . -, beginning and ending with a letter or digit"),
]
Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", max_length=200),
    accepts("names of A-Z a-z 0-9 _ . = - with / between them, none at either end; at most 200 characters"),
]
LiteralSubject = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s.*>$]+(\.[^\s.*>$]+)*$", max_length=200),
    accepts("names with . between them, without spaces, *, > and $; at most 200 characters"),
]
HostPort = Annotated[
    str,
    StringConstraints(pattern=rf"^[^\s:/]+:{_PORT}$", max_length=260),
    accepts("host:port, with a port from 0 to 65535"),
]
HttpOrigin = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s/?#@]+$", max_length=260),
    accepts("http:// or https://, then host or host:port, and nothing after it"),
]
HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max_length=253
    ),
    accepts("a host's name of a-z 0-9 - with . between its parts, without a port"),
]
FilePath = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f]+$", max_length=1000),
    accepts("1 to 1000 characters without line breaks"),
]
NatsUrl = Annotated[
    str,
    StringConstraints(pattern=r"^(nats|tls)://[^\s/]+$", max_length=500),
    accepts("nats:// or tls://, then host or host:port"),
]
SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253),
    accepts("1 to 253 of a-z 0-9 - ., beginning and ending with a letter or digit"),
]
Rate = Annotated[float, Field(gt=0, le=1_000_000)]
EventCount = Annotated[int, Field(ge=1, le=2**53 - 1)]
