"""Logging of the service: one line per event on standard error, without secrets whichever library logs (P8).

    structlog -------.
    logging ---------+--> level --> one handler --> JSON or pretty, redacted --> stream
    sys.excepthook --+
    the event loop --'

Libraries log from level warning on; with level debug everything.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from types import TracebackType
from typing import Any, TextIO

import structlog
from procrastinate.exceptions import ConnectorException
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from orders_sync.domain import local_times
from orders_sync.domain.display import visible, visible_json
from orders_sync.domain.errors import AuthenticationError, LeaseLostError
from orders_sync.engine.results import WindowResult
from orders_sync.service.redaction import Redactor
from orders_sync.settings import LogSettings

ROOT_LOGGER = "orders_sync"  # parent of all our loggers
_LEADING_KEYS = ("timestamp", "level", "event")  # keys of every line, in this order
_NEVER_REDACTED = {"timestamp", "level"}  # a secret such as "2026" must not mask them
_logger: BoundLogger = structlog.get_logger(__name__)


def configure(settings: LogSettings, secrets: Collection[str], stream: TextIO | None = None) -> None:
    """Send all log lines of this process to `stream`, standard error if None.

    `secrets`: see `redaction.collect_secrets`.

    Handlers that were installed before are removed. Libraries must not install their own (uvicorn:
    `log_config=None`).
    """
    stream = stream or sys.stderr
    is_pretty = settings.format == "pretty" or (settings.format == "auto" and stream.isatty())
    redactor = Redactor(secrets)
    head: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *head],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_pretty(redactor, stream) if is_pretty else _json(redactor, stream)),
            ],
        )
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logging.basicConfig(handlers=[handler], level=level if level == logging.DEBUG else logging.WARNING, force=True)
    logging.getLogger(ROOT_LOGGER).setLevel(level)
    handler.setLevel(level)
    handler.addFilter(_is_relevant)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *head,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def catch_unhandled() -> None:
    """Log unhandled exceptions of the process and its threads, and of code that cannot raise (finalizers)."""
    sys.excepthook = _log_fatal
    threading.excepthook = lambda args: _log_error(
        "unhandled error in a thread", args.exc_value, thread=str(args.thread)
    )
    sys.unraisablehook = lambda args: _log_error(
        "unhandled error in a finalizer", args.exc_value, place=str(args.object)
    )


def log_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an unhandled exception of a task or callback: a handler for `loop.set_exception_handler`."""
    if isinstance(context.get("exception"), ConnectorException):
        return  # Procrastinate, as in `_is_relevant`
    place = context.get("task") or context.get("future") or context.get("handle") or loop
    _log_error(context["message"], context.get("exception"), place=repr(place))


def window_closed(logger: BoundLogger, closed: WindowResult) -> None:
    """Log a finished window: its request, its outcome, its cost and its rows."""
    claim, landed, error = closed.claim, closed.landed, closed.error
    text: dict[str, object] = {
        "account": claim.account,
        "kind": claim.kind,
        "feed": str(claim.feed),
        **({} if claim.status is None else {"status": claim.status}),
        "start": claim.window.start,
        "end": claim.window.end,
        "window": claim.id,
        "attempt": claim.attempts,
        "calls": closed.calls,
        "total": closed.total,
        "seconds": round(closed.seconds, 3),
    }
    if closed.why_no_proof:
        logger.info(f"window {closed.why_no_proof}", **text, **({} if error is None else {"error": str(error)}))
    elif landed is not None:
        logger.info("window done", **text, **asdict(landed))
    elif closed.is_split:
        logger.info("window split", **text, **({} if error is None else {"error": str(error)}))
    elif isinstance(error, AuthenticationError):  # nothing more is read of the account until it is resumed
        logger.error("window refused", **text, error=str(error))
    else:
        ended = "window lost" if isinstance(error, LeaseLostError) else "window failed"
        logger.warning(ended, **text, error=str(error))


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that never prints the arguments of a line that cannot be formatted, as `logging` does."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:  # whatever an argument's own code raises
            text = f"a line of {record.pathname}:{record.lineno} could not be formatted: {type(error).__name__}"
            lost = {"name": record.name, "levelno": logging.ERROR, "levelname": "ERROR", "msg": text}
            return super().format(logging.makeLogRecord(lost))

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore a closed stream: there is nowhere to report it."""


def _is_relevant(record: logging.LogRecord) -> bool:
    """Filter out Procrastinate's lines on an unavailable database: the component that noticed logs one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("procrastinate") and isinstance(error, ConnectorException))


def _json(redactor: Redactor, stream: TextIO) -> list[Processor]:
    is_ascii = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"

    def line(_: WrappedLogger, __: str, event: EventDict) -> str:
        # redact the values, not the line: it stays JSON even if a secret is `null` or 42
        ordered = {**dict.fromkeys(_LEADING_KEYS), **event}
        redacted = {key: value if key in _NEVER_REDACTED else redactor.value(value) for key, value in ordered.items()}
        return visible_json(json.dumps(redacted, ensure_ascii=is_ascii))

    return [structlog.processors.format_exc_info, line]


def _pretty(redactor: Redactor, stream: TextIO) -> list[Processor]:
    # a traceback drawn by rich breaks lines, and a secret with them
    renderer = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=_plain_traceback, sort_keys=False
    )

    def line(logger: WrappedLogger, method: str, event: EventDict) -> str:
        shown = {key: _shown(each) for key, each in event.items()}
        if timestamp := event.get("timestamp"):
            shown["timestamp"] = local_times.stamp(datetime.fromisoformat(timestamp))
        return redactor.text(str(renderer(logger, method, shown)))

    return [line]


def _shown(value: object) -> object:
    match value:
        case str():
            return visible(value)
        case datetime() if value.tzinfo:
            return local_times.stamp(value)
    return value


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(visible(text.getvalue(), keep="\n"))


def _log_error(text: str, error: BaseException | None, **more: str) -> None:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    _logger.error(text, exc_info=exc_info, **more)


def _log_fatal(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _logger.critical("unhandled error; the process ends", exc_info=(kind, error, traceback))
