"""What the operator is told by its environment: which namespaces, which images, where NATS and S3 are."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from cygnet.runtime.variables import SettingsError, check_endpoint, check_nats_url, http_address, log_level
from cygnet_operator.observed import Role

NATS_CREDENTIALS, S3_CREDENTIALS = "/etc/cygnet/nats", "/etc/cygnet/s3"
OPERATOR = "operator"
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
IMAGE_VARIABLES = {
    Role.SOURCE: "CYGNET_IMAGE_SIMULATOR",
    Role.PREPROCESSOR: "CYGNET_IMAGE_PREPROCESSOR",
    Role.AGGREGATOR: "CYGNET_IMAGE_AGGREGATOR",
    Role.UPLOADER: "CYGNET_IMAGE_UPLOADER",
}
PULL_POLICIES = ("IfNotPresent", "Always", "Never")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_INSTALLATION = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_ROUNDS = 50_000


@dataclass(frozen=True, slots=True)
class Login:
    """A user of NATS."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of the operator, checked. Secrets don't show in its repr."""

    installation: str
    """`namespace/name` of the release: what streams and Pipelines of several installations differ by."""
    namespaces: tuple[str, ...] = ()
    """Those that are watched; none: all."""
    nats_url: str = field(default="", repr=False)
    """The installation's own NATS; empty: every Pipeline names its own."""
    s3_endpoint: str = ""
    """The installation's own S3; empty: every Pipeline names its own, or its Secret leads to AWS."""
    s3_region: str = ""
    images: Mapping[Role, str]
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    logins: Mapping[str, Login] = field(default_factory=dict)
    """The installation's NATS users, by role and `operator`; none: NATS asks for none."""
    s3_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The installation's S3 keys by their variables; none: S3 asks for none."""
    http_host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside of the pod
    http_port: int = 9090
    log_level: str = "info"

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Self:
        """Return the settings of `env`; raise SettingsError for the first variable that is wrong."""
        host, port = http_address(env)
        nats_url, s3_endpoint = env.get("NATS_URL", ""), env.get("AWS_ENDPOINT_URL", "")
        if nats_url:
            check_nats_url("NATS_URL", nats_url)
        check_endpoint("AWS_ENDPOINT_URL", s3_endpoint)
        return cls(
            installation=_matching(
                env,
                "CYGNET_INSTALLATION",
                _INSTALLATION,
                "namespace/name of the release, as in cygnet/cygnet",
            ),
            namespaces=_names(env, "CYGNET_WATCH_NAMESPACES", "namespaces with commas between them"),
            nats_url=nats_url,
            s3_endpoint=s3_endpoint,
            s3_region=env.get("AWS_REGION", ""),
            images={role: _given(env, variable, "an image") for role, variable in IMAGE_VARIABLES.items()},
            pull_policy=_pull_policy(env),
            pull_secrets=_names(
                env, "CYGNET_IMAGE_PULL_SECRETS", "names of Secrets with commas between them"
            ),
            logins=_logins(env),
            s3_keys=_s3_keys(env),
            http_host=host,
            http_port=port,
            log_level=log_level(env),
        )

    def fingerprint(self, role: Role) -> str:
        """Return what changes when the credentials of a role's pods change, and does not give them away."""
        login = self.logins.get(role)
        keys = sorted(self.s3_keys.items())
        return _digest(repr((login and (login.user, login.password), keys)), self.installation)


@cache
def _digest(text: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt.encode(), _ROUNDS).hex()[:12]


def _given(env: Mapping[str, str], variable: str, accepted: str) -> str:
    value = env.get(variable, "").strip()
    if not value:
        raise SettingsError(variable, None, accepted)
    return value


def _matching(env: Mapping[str, str], variable: str, pattern: re.Pattern[str], accepted: str) -> str:
    value = _given(env, variable, accepted)
    if not pattern.fullmatch(value):
        raise SettingsError(variable, value, accepted)
    return value


def _pull_policy(env: Mapping[str, str]) -> str:
    value = env.get("CYGNET_IMAGE_PULL_POLICY") or PULL_POLICIES[0]
    if value not in PULL_POLICIES:
        raise SettingsError("CYGNET_IMAGE_PULL_POLICY", value, ", ".join(PULL_POLICIES))
    return value


def _names(env: Mapping[str, str], variable: str, accepted: str) -> tuple[str, ...]:
    value = env.get(variable, "")
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if any(not _NAME.fullmatch(name) for name in names):
        raise SettingsError(variable, value, f"{accepted}, or nothing")
    return names


def _logins(env: Mapping[str, str]) -> dict[str, Login]:
    folder = Path(env.get("CYGNET_NATS_CREDENTIALS") or NATS_CREDENTIALS)
    if not folder.is_dir():
        return {}
    found = {}
    for name in (OPERATOR, *Role):
        if (folder / name).is_dir():
            user, password = (_secret("CYGNET_NATS_CREDENTIALS", folder / name / each)
                              for each in ("username", "password"))  # fmt: skip
            found[str(name)] = Login(user, password)
    missing = [str(name) for name in (OPERATOR, *Role) if name not in found]
    if found and missing:
        raise SettingsError(
            "CYGNET_NATS_CREDENTIALS", str(folder), f"a folder for each user; missing: {', '.join(missing)}"
        )
    return found


def _s3_keys(env: Mapping[str, str]) -> dict[str, str]:
    folder = Path(env.get("CYGNET_S3_CREDENTIALS") or S3_CREDENTIALS)
    if not folder.is_dir():
        return {}
    return {key: _secret("CYGNET_S3_CREDENTIALS", folder / key) for key in S3_KEYS}


def _secret(variable: str, file: Path) -> str:
    try:
        value = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(variable, str(file.parent), f"a folder with a readable {file.name}") from error
    if not value:
        raise SettingsError(variable, str(file.parent), f"a folder whose {file.name} is not empty")
    return value
