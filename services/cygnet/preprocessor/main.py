"""The preprocessor: frames in, results out."""

from dataclasses import replace
from functools import lru_cache

from cygnet.imaging import warm_up
from cygnet.preprocessor.allow_list import AllowList
from cygnet.preprocessor.fetch import Fetcher
from cygnet.preprocessor.parameters import Parameters
from cygnet.preprocessor.processing import Processor
from cygnet.preprocessor.stages import recipe
from cygnet.preprocessor.worker import Worker
from cygnet.runtime.context import Context
from cygnet.storage.bucket import connect


async def body(context: Context) -> None:
    """Process frames until the service is stopped."""
    warm_up()
    spec, s3 = context.pipeline.spec, context.settings.s3
    fetcher = Fetcher(
        AllowList(filter(None, (s3.endpoint, s3.public_endpoint)), spec.preprocessor.url_allow_list),
        s3,
        lru_cache(maxsize=8)(lambda name: connect(replace(s3, bucket=name))),
        max_bytes=spec.preprocessor.image_limits.max_bytes,
        timeout_seconds=spec.preprocessor.fetch_timeout_seconds,
        tries=spec.dead_letters.max_deliver,
    )
    processor = Processor(context, recipe(spec.preprocessor.stages), fetcher)
    try:
        await Worker(context, processor, Parameters(context.values, spec.preprocessor, context.log)).run()
    finally:
        processor.close()
        await fetcher.close()
