"""`cygnet env`: shell exports of a running `cygnet up`."""

import json
import shlex
from urllib.parse import quote

import typer

from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.local.folder import Place, running


def env(
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Print shell exports with which any NATS or S3 client can look into a running up.

    Example:
        eval "$(cygnet env)" && aws s3 ls "s3://$CYGNET_BUCKET"
    """
    _, place = running(data).place(pipeline)
    variables = exports(place)
    if json_output:
        typer.echo(json.dumps(variables))
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def exports(place: Place) -> dict[str, str]:
    """Return the variables; the two checksum ones are what boto3 needs with an S3 that knows MD5 only."""
    variables = {
        "NATS_URL": with_credentials(place.nats_url, place.nats_user, place.nats_password),
        "AWS_ENDPOINT_URL": place.s3_endpoint,
        "AWS_ACCESS_KEY_ID": place.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": place.s3_secret_access_key,
        "AWS_REGION": place.s3_region,
        "AWS_DEFAULT_REGION": place.s3_region,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "CYGNET_BUCKET": place.bucket,
        "CYGNET_PREFIX": place.prefix,
    }
    if place.s3_ca_bundle:
        variables["AWS_CA_BUNDLE"] = place.s3_ca_bundle
    return variables


def with_credentials(url: str, user: str | None, password: str | None) -> str:
    """Return `url` as a client of one variable needs it: with user and password inside."""
    if user is None:
        return url
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{rest}"
