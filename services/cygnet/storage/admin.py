"""Creating buckets, with boto3: slow to import and to call, so nothing on the data path imports this."""

import boto3
import botocore.exceptions
from botocore.config import Config

from cygnet.storage.errors import NoSuchBucketError, StorageDeniedError, StorageUnavailableError, refused
from cygnet.storage.settings import S3Settings

_EXISTS = {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}


def ensure_bucket(settings: S3Settings) -> bool:
    """Make sure that the bucket exists and answers to these keys; return whether it was created.

    Raises StorageUnavailableError, StorageDeniedError (a key that may use the bucket but not list
    it, or a bucket of somebody else, is denied here and not at the first frame).
    """
    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        aws_access_key_id=settings.access_key_id or None,
        aws_secret_access_key=settings.secret_access_key or None,
        aws_session_token=settings.session_token or None,
        region_name=settings.region,
        verify=settings.ca_bundle or True,  # said, or an empty AWS_CA_BUNDLE is taken for one
        config=Config(
            connect_timeout=settings.connect_seconds,
            read_timeout=settings.stall_seconds,
            retries={"total_max_attempts": 2},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    try:
        try:
            client.list_objects_v2(Bucket=settings.bucket, MaxKeys=1, Prefix="cygnet-probe/")
        except client.exceptions.NoSuchBucket:
            pass
        else:
            return False
        region = settings.region
        if region == "us-east-1":
            client.create_bucket(Bucket=settings.bucket)
        else:
            client.create_bucket(
                Bucket=settings.bucket,
                CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
            )
    except botocore.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _EXISTS:  # somebody was faster
            return False
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        message = error.response.get("Error", {}).get("Message", "")
        raise refused(settings.place, status, f"<Code>{code}</Code><Message>{message}</Message>") from error
    except botocore.exceptions.NoCredentialsError as error:
        raise StorageDeniedError(f"{settings.place}: no access keys were given or found") from error
    except botocore.exceptions.ParamValidationError as error:
        raise NoSuchBucketError(f"{settings.place}: no bucket can have this name: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        raise StorageUnavailableError(f"{settings.place} does not answer: {error}") from error
    finally:
        client.close()
    return True
