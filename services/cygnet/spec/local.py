"""Servers that `cygnet up` starts on one machine."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from cygnet.spec.base import BucketName, FilePath, HostName, HostPort, Part, Secret, accepts, keyed_by
from cygnet.spec.rules import Cel, Rule

OWN_USER = "cygnet"
"""As whom Cygnet's own processes come to the embedded servers."""
_TAKEN = "Cygnet itself comes by this name; accepted: another one"
_OUR_USER = Rule(_TAKEN, "user", Cel(holds=f"self.user != '{OWN_USER}'"))
_OUR_KEY = Rule(_TAKEN, "accessKeyId", Cel(holds=f"self.accessKeyId != '{OWN_USER}'"))
_NAMES_DIFFER = Rule("an earlier user has this name; accepted: another one", "users", by_key=True)
_PAIR = {
    missing: Rule(
        "certFile and keyFile go together", missing, Cel(holds=f"has(self.{missing}) || !has(self.{given})")
    )
    for missing, given in (("certFile", "keyFile"), ("keyFile", "certFile"))
}
_SIGNER = Rule(
    "caFile goes with certFile and keyFile", "caFile", Cel(holds="!has(self.caFile) || has(self.certFile)")
)


class NatsUser(Part):
    """A user of the embedded NATS server."""

    RULES = (_OUR_USER,)

    user: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$", max_length=64),
        accepts("1 to 64 of A-Z a-z 0-9 _ . -"),
    ]
    """Name."""
    password: Annotated[str, StringConstraints(min_length=1, max_length=200), Secret]
    """Password, on this machine only."""

    @model_validator(mode="after")
    def _not_ours(self) -> "NatsUser":
        """`user` is not `cygnet`, which is Cygnet's own."""
        if self.user == OWN_USER:
            raise _OUR_USER.broken()
        return self


class S3User(Part):
    """A user of the embedded S3 endpoint."""

    RULES = (_OUR_KEY,)

    access_key_id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,128}$", max_length=128),
        accepts("3 to 128 of A-Z a-z 0-9 _ . -"),
    ]
    """Access key."""
    secret_access_key: Annotated[
        str,
        StringConstraints(pattern=r"^[^\s,]{8,200}$", max_length=200),
        accepts("8 to 200 characters without spaces and commas"),
        Secret,
    ]
    """Secret key, on this machine only."""
    bucket: BucketName | None = None
    """A bucket of the user's own, made with a first object in it: some clients cannot list an empty one."""

    @model_validator(mode="after")
    def _not_ours(self) -> "S3User":
        """`accessKeyId` is not `cygnet`, which is Cygnet's own."""
        if self.access_key_id == OWN_USER:
            raise _OUR_KEY.broken()
        return self


class S3Tls(Part):
    """TLS of the embedded S3 endpoint; `tls: {}` makes a certificate for this machine in the data folder."""

    RULES = (*_PAIR.values(), _SIGNER)

    cert_file: FilePath | None = None
    """Certificate (PEM), for the host of `listen` and for `host`; relative to the spec file."""
    key_file: FilePath | None = None
    """Its private key (PEM), without a passphrase; relative to the spec file."""
    ca_file: FilePath | None = None
    """Certificate (PEM) of who signed it, for clients to trust; absent: it is trusted by itself."""

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> "S3Tls":
        """`certFile` and `keyFile` go together, and `caFile` only with them."""
        if (self.cert_file is None) != (self.key_file is None):
            missing = "certFile" if self.cert_file is None else "keyFile"
            raise _PAIR[missing].broken()
        if self.ca_file and not self.cert_file:
            raise _SIGNER.broken()
        return self


class LocalNats(Part):
    """The NATS server that `cygnet up` starts."""

    RULES = (_NAMES_DIFFER,)

    listen: HostPort = "127.0.0.1:4222"
    """Address; another port is taken when this one is busy."""
    users: Annotated[list[NatsUser], Field(max_length=64), keyed_by("user")] = []
    """Who may connect beside Cygnet itself; empty: anyone on this address."""

    @model_validator(mode="after")
    def _users_differ(self) -> "LocalNats":
        """Every user of `users` has another name."""
        _check_names([each.user for each in self.users], "user")
        return self


class LocalS3(Part):
    """The S3 endpoint that `cygnet up` starts."""

    RULES = (_NAMES_DIFFER,)

    listen: HostPort = "127.0.0.1:9000"
    """Address; another port is taken when this one is busy."""
    users: Annotated[list[S3User], Field(max_length=64), keyed_by("accessKeyId")] = []
    """Who may connect beside Cygnet itself; each may use every bucket."""
    host: HostName | None = None
    """Name under which clients reach it: presigned URLs carry it, so it must resolve where they are fetched;
    absent: the host of `listen`."""
    tls: S3Tls | None = None
    """Serve https; absent: http."""

    @model_validator(mode="after")
    def _users_differ(self) -> "LocalS3":
        """Every user of `users` has another access key."""
        _check_names([each.access_key_id for each in self.users], "accessKeyId")
        return self


def _check_names(names: list[str], field: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise _NAMES_DIFFER.broken("users", str(place), field)


class Local(Part):
    """Servers that `cygnet up` starts; a cluster ignores this part."""

    nats: LocalNats = LocalNats()
    """The embedded NATS server."""
    s3: LocalS3 = LocalS3()
    """The embedded S3 endpoint."""
