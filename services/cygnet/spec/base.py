"""What every part of the spec has in common: strict types, camelCase names, nothing unknown."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

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


DetectorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", max_length=200)
]
LiteralSubject = Annotated[str, StringConstraints(pattern=r"^[^\s.*>$]+(\.[^\s.*>$]+)*$", max_length=200)]
HostPort = Annotated[str, StringConstraints(pattern=r"^[^\s:/]+:[0-9]{1,5}$", max_length=260)]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
Rate = Annotated[float, Field(gt=0, le=1_000_000)]
EventCount = Annotated[int, Field(ge=1, le=2**53 - 1)]
