"""The operator's environment: every error names the variable, its value and what is accepted."""

from pathlib import Path

import pytest

from cygnet.runtime.variables import SettingsError
from cygnet_operator.observed import Role
from cygnet_operator.settings import Settings

GOOD = {
    "CYGNET_INSTALLATION": "cygnet/release",
    "NATS_URL": "nats://nats:4222",
    "AWS_ENDPOINT_URL": "http://s3:9000",
    "CYGNET_IMAGE_SIMULATOR": "cygnet/simulator:1",
    "CYGNET_IMAGE_PREPROCESSOR": "cygnet/preprocessor:1",
    "CYGNET_IMAGE_AGGREGATOR": "cygnet/aggregator:1",
    "CYGNET_IMAGE_UPLOADER": "cygnet/uploader:1",
    "CYGNET_NATS_CREDENTIALS": "/nowhere",
    "CYGNET_S3_CREDENTIALS": "/nowhere",
}


def credentials(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "username").write_text(f"{name}\n")
        (folder / name / "password").write_text("word\n")
    return str(folder)


def test_a_small_environment_is_enough() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.installation == "cygnet/release"
    assert settings.namespaces == ()
    assert settings.images[Role.SOURCE] == "cygnet/simulator:1"
    assert settings.pull_policy == "IfNotPresent"
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 9090)
    assert settings.logins == {}


def test_lists_are_split_and_doubles_dropped() -> None:
    settings = Settings.from_environment(
        GOOD | {"CYGNET_WATCH_NAMESPACES": "a, b,a", "CYGNET_IMAGE_PULL_SECRETS": "reg"}
    )
    assert settings.namespaces == ("a", "b")
    assert settings.pull_secrets == ("reg",)


def test_users_are_read_from_their_folders(tmp_path: Path) -> None:
    folder = credentials(tmp_path, "operator", *Role)
    settings = Settings.from_environment(GOOD | {"CYGNET_NATS_CREDENTIALS": folder})
    assert settings.logins["operator"].user == "operator"
    assert settings.logins[Role.UPLOADER].password == "word"
    assert "word" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CYGNET_INSTALLATION", ""),
        ("CYGNET_INSTALLATION", "release"),
        ("CYGNET_IMAGE_UPLOADER", ""),
        ("CYGNET_IMAGE_PULL_POLICY", "Sometimes"),
        ("CYGNET_WATCH_NAMESPACES", "Lab"),
        ("CYGNET_HTTP", "9090"),
        ("CYGNET_LOG_LEVEL", "loud"),
        ("NATS_URL", "http://nats"),
        ("AWS_ENDPOINT_URL", "s3:9000"),
    ],
)
def test_a_wrong_variable_is_named_with_its_value(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} .*; accepted: ") as error:
        Settings.from_environment(GOOD | {variable: value})
    assert value in str(error.value)


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment(GOOD | {"NATS_URL": "nats://me:topsecret@:x"})
    assert "topsecret" not in str(error.value)


def test_a_missing_user_is_named(tmp_path: Path) -> None:
    folder = credentials(tmp_path, "operator", "source")
    with pytest.raises(SettingsError, match="missing: preprocessor, aggregator, uploader"):
        Settings.from_environment(GOOD | {"CYGNET_NATS_CREDENTIALS": folder})


def test_an_empty_password_is_no_password(tmp_path: Path) -> None:
    folder = credentials(tmp_path, "operator", *Role)
    (tmp_path / "uploader" / "password").write_text("\n")
    with pytest.raises(SettingsError, match=r"CYGNET_NATS_CREDENTIALS .*password is not empty"):
        Settings.from_environment(GOOD | {"CYGNET_NATS_CREDENTIALS": folder})
