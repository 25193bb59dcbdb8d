"""`cygnet env`: shell exports of a running `cygnet up`."""

import json
import shlex
from typing import Annotated
from urllib.parse import quote

import typer

from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.local.folder import Place, Up, running
from cygnet.local.users import place_for, s3_users
from cygnet.model.errors import BadInputError


def env(
    name: Annotated[
        str | None, typer.Argument(metavar="PIPELINE", help="The same as --pipeline.", show_default=False)
    ] = None,
    pipeline: Pipeline = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="A user of `local.s3`, with their own keys.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Print shell exports with which any NATS or S3 client can look into a running up.

    Examples:
        eval "$(cygnet env)" && aws s3 ls "s3://$CYGNET_BUCKET"

        eval "$(cygnet env --user student)" && jupyter lab
    """
    up, pipeline = running(data), pipeline or name
    if user is None:
        _, place = up.place(pipeline)
        names = [each.access_key_id for each in s3_users(up)]
        variables = exports(place, names[0] if names else None)
    else:
        variables = _exports_for(user, up, pipeline)
    if json_output:
        typer.echo(json.dumps(variables))
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _exports_for(user: str, up: Up, pipeline: str | None) -> dict[str, str]:
    """Return the variables of a user; of which pipeline matters only to one without a bucket of their own."""
    places = [up.place(pipeline)[1]] if pipeline else up.pipelines.values()
    [variables, *others] = [exports(place_for(user, place, up), user) for place in places]
    if any(each != variables for each in others):
        raise BadInputError(
            f"--pipeline: not given, and {user!r} uses the bucket of one of several; accepted:"
            f" {', '.join(up.pipelines)}"
        )
    return variables


def exports(place: Place, user: str | None) -> dict[str, str]:
    """Return the variables.

    The two checksum ones are what boto3 needs with an S3 that knows MD5 only; `user` is whom a notebook takes
    itself to run for.
    """
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
    if place.s3_ca_bundle:  # for boto3, and for requests, which looks elsewhere
        variables |= {"AWS_CA_BUNDLE": place.s3_ca_bundle, "REQUESTS_CA_BUNDLE": place.s3_ca_bundle}
    if user:
        variables["JUPYTERHUB_USER"] = user
    return variables


def with_credentials(url: str, user: str | None, password: str | None) -> str:
    """Return `url` as a client of one variable needs it: with user and password inside."""
    if user is None:
        return url
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{rest}"
