"""A wrong environment is said in one line that names variable, value and what is accepted."""

import pytest

from cygnet.model.errors import BadInputError
from cygnet.runtime.settings import Settings, SettingsError

GOOD = {
    "NATS_URL": "nats://nats.example:4222",
    "AWS_ENDPOINT_URL": "http://s3.example:9000",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "very-secret",
}


def read(env, **spec):
    return Settings.from_environment(env, bucket="cygnet", **spec)


def test_a_complete_environment_is_read():
    settings = read(
        GOOD | {"CYGNET_HTTP": "127.0.0.1:0", "CYGNET_INSTANCE": "pod-7", "CYGNET_GRACE_SECONDS": "12.5"}
    )
    assert settings.nats_url == "nats://nats.example:4222"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 0)
    assert settings.instance == "pod-7"
    assert settings.grace_seconds == 12.5
    assert settings.s3.endpoint == "http://s3.example:9000"
    assert settings.s3.region == "us-east-1"


def test_secrets_do_not_show_in_a_traceback():
    settings = read(GOOD | {"NATS_URL": "nats://shift:pass%40word@nats.example"})
    assert "very-secret" not in repr(settings)
    assert "pass%40word" not in repr(settings)


def test_password_of_a_wrong_url_does_not_show_in_the_error():
    with pytest.raises(SettingsError) as caught:
        read(GOOD | {"NATS_URL": "http://shift:hunter2@nats.example:4222"})
    assert "hunter2" not in str(caught.value)


def test_the_spec_holds_where_a_variable_is_missing():
    env = {name: value for name, value in GOOD.items() if name.startswith("AWS_A") or "SECRET" in name}
    settings = read(
        env, nats_url="tls://own.example:4222", s3_endpoint="https://own.example", s3_region="eu-1"
    )
    assert settings.nats_url == "tls://own.example:4222"
    assert settings.s3.endpoint == "https://own.example"
    assert settings.s3.region == "eu-1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NATS_URL", ""),
        ("NATS_URL", "nats.example:4222"),
        ("NATS_URL", "nats://host:99999"),
        ("NATS_URL", "nats://a:4222,b:4222"),
        ("AWS_ENDPOINT_URL", "s3.example"),
        ("AWS_ENDPOINT_URL", "http://host:0"),
        ("AWS_ENDPOINT_URL", "http://host/bucket"),
        ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
        ("CYGNET_HTTP", "9090"),
        ("CYGNET_HTTP", "0.0.0.0:http"),
        ("CYGNET_HTTP", "0.0.0.0:70000"),
        ("CYGNET_GRACE_SECONDS", "soon"),
        ("CYGNET_GRACE_SECONDS", "nan"),
        ("CYGNET_GRACE_SECONDS", "0"),
        ("CYGNET_LOG_LEVEL", "loud"),
    ],
)
def test_each_wrong_variable_is_named_with_what_is_accepted(variable, value):
    with pytest.raises(SettingsError, match="accepted: ") as caught:
        read(GOOD | {variable: value})
    assert caught.value.variable == variable
    assert str(caught.value).startswith(variable)
    assert "\n" not in str(caught.value)


def test_user_without_password_is_not_taken_for_an_open_server():
    with pytest.raises(SettingsError, match="CYGNET_NATS_PASSWORD"):
        read(GOOD | {"CYGNET_NATS_USER": "shift"})


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_missing_key_is_named(variable):
    with pytest.raises(BadInputError, match=variable):
        read({name: value for name, value in GOOD.items() if name != variable})
