"""JSON lines on stderr: one for each thing that happened, also for warnings and for what libraries say."""

import logging
import sys
from types import TracebackType
from typing import Any, TextIO

import structlog

Log = structlog.stdlib.BoundLogger
"""Write `log.info("chunk committed", run=run, detector=name, _event=7)`: the number of an event goes in as
`_event`, since the first argument has that name, and comes out as `event`."""

_BEFORE: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    structlog.processors.EventRenamer("message", replace_by="_event"),
]


def configure(service: str, instance: str, level: str = "info", stream: TextIO | None = None) -> Log:
    """Send what is logged in this process to `stream` (stderr), and return the service's logger."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_BEFORE,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _in_order,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("nats", "botocore", "boto3", "urllib3", "aiohttp.access", "asyncio", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    log: Log = structlog.stdlib.get_logger("cygnet")
    return log


def _in_order(_logger: Any, _method: str, fields: structlog.types.EventDict) -> structlog.types.EventDict:
    """Time, level and message first: people read these lines too."""
    first = ("time", "level", "service", "instance", "message")
    return {name: fields.pop(name) for name in first if name in fields} | dict(fields)


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.getLogger("cygnet").critical(
        "uncaught: %s", str(error) or kind.__name__, exc_info=(kind, error, traceback)
    )
