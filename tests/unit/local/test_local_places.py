"""Who uses which server: the user's, the spec's own, or the embedded one; and what services are told."""

from pathlib import Path

import pytest

from cygnet.local.errors import LocalError
from cygnet.local.places import (
    Given,
    environment,
    needs_nats,
    needs_s3,
    place_of,
    wished_nats,
    wished_s3,
)
from cygnet.local.resolved import file_of, resolve, write
from cygnet.model.errors import BadInputError
from cygnet.observe.scaler import policy_spec
from cygnet.spec.loader import load, loads

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  runs: endless
  sources: [{{name: lime, replay: {{path: frames}}}}]
  {more}
"""


def pipeline(name="lime", more=""):
    return loads(SPEC.format(name=name, more=more))[0]


OWN_NATS = "nats: {url: 'nats://nats.lab:4222'}"
OWN_S3 = "storage: {endpoint: 'https://s3.lab', region: eu-1}"
KEYS = Given(s3_access_key_id="key", s3_secret_access_key="secret")


def test_a_server_is_started_only_if_somebody_needs_it():
    assert needs_nats([pipeline()], Given())
    assert not needs_nats([pipeline()], Given(nats_url="nats://a:4222"))
    assert not needs_nats([pipeline(more=OWN_NATS)], Given())
    assert needs_nats([pipeline(more=OWN_NATS), pipeline("other")], Given())
    assert needs_s3([pipeline()], Given())
    assert not needs_s3([pipeline(more=OWN_S3)], Given())


def test_the_spec_s_own_servers_are_used_with_the_user_s_keys():
    place = place_of(pipeline(more=f"{OWN_NATS}\n  {OWN_S3}"), Path("spec"), KEYS, None, None)
    assert place.nats_url == "nats://nats.lab:4222"
    assert (place.s3_endpoint, place.s3_region) == ("https://s3.lab", "eu-1")
    env = environment(place)
    assert env["AWS_SECRET_ACCESS_KEY"] == "secret"


def test_the_command_line_wins_and_credentials_leave_the_url():
    given = Given(
        nats_url="nats://shift:p%40ss@a:4222",
        s3_endpoint="http://b:9000",
        s3_access_key_id="key",
        s3_secret_access_key="secret",
    )
    place = place_of(pipeline(more=OWN_NATS), Path("spec"), given, None, None)
    assert place.nats_url == "nats://a:4222"
    assert (place.nats_user, place.nats_password) == ("shift", "p@ss")


def test_an_endpoint_without_keys_says_which_variables_are_missing():
    with pytest.raises(LocalError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        place_of(pipeline(more=f"{OWN_NATS}\n  {OWN_S3}"), Path("spec"), Given(), None, None)


def test_a_wrong_nats_address_is_named():
    with pytest.raises(LocalError, match="--nats"):
        place_of(pipeline(), Path("spec"), Given(nats_url="http://a"), None, None)


def test_two_pipelines_that_wish_for_different_addresses_are_told():
    one = pipeline("a", "local: {nats: {listen: '127.0.0.1:5001'}}")
    other = pipeline("b", "local: {nats: {listen: '127.0.0.1:5002'}}")
    with pytest.raises(LocalError, match=r"local\.nats\.listen.*5001 and 127\.0\.0\.1:5002"):
        wished_nats([one, other])
    assert wished_nats([one, pipeline("c")]).listen == "127.0.0.1:5001"


def test_an_s3_address_that_is_none_blames_the_option():
    with pytest.raises(BadInputError, match="--s3: 'foo' is not an address; accepted: http"):
        Given.from_environment({}, None, "foo")


@pytest.mark.parametrize(("kind", "wished"), [("nats", wished_nats), ("s3", wished_s3)])
def test_one_user_with_two_secrets_is_refused_and_with_one_is_shared(kind, wished):
    def with_secret(name, secret):
        user = {"nats": "user: anna, password", "s3": "accessKeyId: anna, secretAccessKey"}[kind]
        return pipeline(name, f"local: {{{kind}: {{users: [{{{user}: {secret}}}]}}}}")

    one = with_secret("a", "secret-one")
    assert len(wished([one, with_secret("b", "secret-one")]).users) == 1
    with pytest.raises(LocalError, match=f"local.{kind}.users: .*'anna' different secrets") as caught:
        wished([one, with_secret("b", "secret-two")])
    assert "secret-" not in str(caught.value)


def test_users_of_all_pipelines_may_connect():
    one = pipeline("a", "local: {s3: {users: [{accessKeyId: anna, secretAccessKey: secret-anna}]}}")
    other = pipeline("b", "local: {s3: {users: [{accessKeyId: bert, secretAccessKey: secret-bert}]}}")
    assert [user.access_key_id for user in wished_s3([one, other]).users] == ["anna", "bert"]


def test_the_shell_s_own_servers_do_not_shine_through_to_services():
    place = place_of(pipeline(more=f"{OWN_NATS}\n  {OWN_S3}"), Path("spec"), KEYS, None, None)
    env = environment(place)
    assert env["AWS_ENDPOINT_URL_S3"] == env["AWS_SESSION_TOKEN"] == env["CYGNET_NATS_USER"] == ""


def test_the_resolved_spec_holds_in_any_folder_and_is_private(tmp_path):
    resolved = resolve(pipeline(), tmp_path / "specs" / "lime.yaml", one_run=True)
    file = file_of(resolved, tmp_path / "data")
    write(resolved, file)
    (again,) = load(file)
    assert again.spec.sources[0].replay.path == str(tmp_path / "specs" / "frames")
    assert again.spec.runs == "once"
    assert file.stat().st_mode & 0o077 == 0


def test_the_policy_gets_what_the_spec_says():
    more = "preprocessor: {scaling: {minReplicas: 2, maxReplicas: 7, targetLagSeconds: 5, dryRun: true}}"
    spec = policy_spec(pipeline(more=more).spec.preprocessor.scaling)
    assert (spec.min_replicas, spec.max_replicas, spec.target_lag_seconds, spec.dry_run) == (2, 7, 5, True)
