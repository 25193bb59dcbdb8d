"""What `cygnet env` says to each user: their own keys and bucket, and never Cygnet's."""

from dataclasses import replace

import pytest

from cygnet.cli.env import _exports_for, exports
from cygnet.local.errors import LocalError
from cygnet.local.folder import Place, Up
from cygnet.local.users import place_for, s3_users
from cygnet.model.errors import BadInputError

SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: raw}
spec:
  sources: [{name: lime, replay: {path: frames}}]
  local:
    nats: {users: [{user: shared, password: one}, {user: teacher, password: two}]}
    s3:
      users:
        - {accessKeyId: student, secretAccessKey: student-secret, bucket: student-work}
        - {accessKeyId: teacher, secretAccessKey: teacher-secret}
"""


@pytest.fixture
def up(tmp_path):
    spec = tmp_path / "raw.yaml"
    spec.write_text(SPEC)
    place = Place(
        namespace="local",
        bucket="cygnet",
        prefix="lime",
        spec=str(spec),
        nats_url="nats://127.0.0.1:4222",
        nats_user="cygnet",
        nats_password="own",
        s3_endpoint="https://127.0.0.1:9000",
        s3_access_key_id="cygnet",
        s3_secret_access_key="own-secret",
        s3_ca_bundle="/data/tls/s3.crt",
    )
    return Up(pid=1, started="now", pipelines={"raw": place}, servers={"nats": "a:1", "s3": "b:2"})


def variables(up, user):
    return exports(place_for(user, up.pipelines["raw"], up), user)


def test_user_gets_their_own_keys_and_bucket_and_all_that_a_notebook_needs(up):
    said = variables(up, "student")
    assert said["AWS_ACCESS_KEY_ID"] == said["JUPYTERHUB_USER"] == "student"
    assert said["AWS_SECRET_ACCESS_KEY"] == "student-secret"
    assert said["CYGNET_BUCKET"] == "student-work"
    assert said["NATS_URL"] == "nats://shared:one@127.0.0.1:4222"
    assert said["AWS_CA_BUNDLE"] == said["REQUESTS_CA_BUNDLE"] == "/data/tls/s3.crt"
    assert said["AWS_REQUEST_CHECKSUM_CALCULATION"] == "when_required"
    assert not any("own" in value for value in said.values())


def test_user_of_the_same_name_at_nats_is_that_one(up):
    said = variables(up, "teacher")
    assert said["NATS_URL"] == "nats://teacher:two@127.0.0.1:4222"
    assert said["CYGNET_BUCKET"] == "cygnet"


def test_user_of_a_shared_bucket_is_asked_which_where_there_are_several(up):
    place = up.pipelines["raw"]
    several = replace(up, pipelines={"raw": place, "cropped": replace(place, bucket="crops")})
    with pytest.raises(BadInputError, match=r"--pipeline: .*'teacher'.* accepted: raw, cropped"):
        _exports_for("teacher", several, None)
    assert _exports_for("teacher", several, "cropped")["CYGNET_BUCKET"] == "crops"
    assert _exports_for("student", several, None)["CYGNET_BUCKET"] == "student-work"


def test_unknown_user_is_told_who_there_is(up):
    with pytest.raises(LocalError, match=r"--user: 'nobody' .* accepted: student, teacher"):
        place_for("nobody", up.pipelines["raw"], up)


def test_somebody_elses_servers_have_no_users_of_ours(up):
    foreign = Up(pid=1, started="now", pipelines=up.pipelines, servers={})
    assert s3_users(foreign) == []
    with pytest.raises(LocalError, match="accepted: none"):
        place_for("student", up.pipelines["raw"], foreign)


def test_without_certificates_and_users_nothing_is_said_of_them(up):
    place = Place(
        namespace="local",
        bucket="cygnet",
        prefix="lime",
        spec="",
        nats_url="nats://127.0.0.1:4222",
        s3_endpoint="http://127.0.0.1:9000",
        s3_access_key_id="cygnet",
        s3_secret_access_key="own-secret",
    )
    assert not {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "JUPYTERHUB_USER"} & set(exports(place, None))
