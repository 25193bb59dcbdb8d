"""Announces frames as an injector does, with nothing but NATS and S3; injector.yaml takes them.

eval "$(cygnet env -p raw)" && python examples/injector.py
"""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import boto3
import nats

BUCKET, SUBJECT = "daq", "daq/data"
FRAMES = sorted((Path(__file__).parent / "data" / "cygno").glob("*.png"))


async def main() -> None:
    """Put each frame into the bucket, and only then announce it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    nc = await nats.connect(os.environ["NATS_URL"])
    for number, file in enumerate(FRAMES):
        at = {"Bucket": BUCKET, "Key": f"{number:06d}.png"}
        s3.put_object(**at, Body=file.read_bytes())
        url = s3.generate_presigned_url("get_object", Params=at, ExpiresIn=3600)
        announcement = {
            "url": url,
            "time": str(datetime.now(UTC)),
            "filename": file.name,
            "temperature": 21.5,
        }
        await nc.publish(SUBJECT, json.dumps(announcement).encode())
    await nc.drain()


if __name__ == "__main__":
    asyncio.run(main())
