"""What the service says while it runs: one line an event, on standard error, without a secret whoever speaks (P8).

    structlog -------.
    logging ---------+--> level --> one handler --> JSON or pretty, hushed --> stream
    sys.excepthook --+
    the event loop --'

Libraries are heard from warnings on; with level debug they say everything.
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
from types import TracebackType
from typing import Any, TextIO

import structlog
from procrastinate.exceptions import ConnectorException
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from orders_sync.domain.display import visible, visible_json
from orders_sync.domain.errors import AuthenticationError, LeaseLostError
from orders_sync.engine.draining import Closed
from orders_sync.service.hush import Hush, utc
from orders_sync.settings import LogSettings

OURS = "orders_sync"  # the logger all of ours derive from
_FIRST = ("timestamp", "level", "event")  # keys of every line
_PLAIN = {"timestamp", "level"}  # made here: a secret that is a year or a word takes neither when nor how bad away
_logger: BoundLogger = structlog.get_logger(__name__)


def configure(settings: LogSettings, secrets: Collection[str], stream: TextIO | None = None) -> None:
    """Send everything this process logs to `stream`, standard error if None. `secrets`: see `hush.secrets_of`.

    Handlers others installed before are removed. A library that installs its own must be told not to
    (uvicorn: `log_config=None`).
    """
    stream = stream or sys.stderr
    is_pretty = settings.format == "pretty" or (settings.format == "auto" and stream.isatty())
    hush = Hush(secrets)
    head: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *head],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_pretty(hush, stream) if is_pretty else _json(hush, stream)),
            ],
        )
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logging.basicConfig(handlers=[handler], level=level if level == logging.DEBUG else logging.WARNING, force=True)
    logging.getLogger(OURS).setLevel(level)
    handler.setLevel(level)
    handler.addFilter(_is_news)
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
    """Log what nobody caught: of the process, its threads, and of what cannot raise (finalizers)."""
    sys.excepthook = _note_ending
    threading.excepthook = lambda args: _note("a thread ended by an error", args.exc_value, thread=str(args.thread))
    sys.unraisablehook = lambda args: _note("an error that could not be raised", args.exc_value, place=str(args.object))


def note_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For `loop.set_exception_handler`: log what a task or a callback of the loop raised and nobody caught."""
    if isinstance(context.get("exception"), ConnectorException):
        return  # the queue's library, as in `_is_news`
    place = context.get("task") or context.get("future") or context.get("handle") or loop
    _note(context["message"], context.get("exception"), place=repr(place))


def window_closed(logger: BoundLogger, closed: Closed) -> None:
    """A line for each window this process is done with: what was asked, how it ended, what it cost and brought."""
    claim, landed, error = closed.claim, closed.landed, closed.error
    told: dict[str, object] = {
        "account": claim.account,
        "kind": claim.kind,
        "feed": str(claim.feed),
        **({} if claim.status is None else {"status": claim.status}),
        "start": utc(claim.window.start),
        "end": utc(claim.window.end),
        "window": claim.id,
        "attempt": claim.attempts,
        "calls": closed.calls,
        "total": closed.total,
        "seconds": round(closed.seconds, 3),
    }
    if closed.proves_nothing:
        logger.info(f"window {closed.proves_nothing}", **told, **({} if error is None else {"error": str(error)}))
    elif landed is not None:
        logger.info("window done", **told, **asdict(landed))
    elif closed.is_split:
        logger.info("window split", **told, **({} if error is None else {"error": str(error)}))
    elif isinstance(error, AuthenticationError):  # nothing more is read of the account before somebody sees to it
        logger.error("window refused", **told, error=str(error))
    else:
        ended = "window lost" if isinstance(error, LeaseLostError) else "window failed"
        logger.warning(ended, **told, error=str(error))


class _Handler(logging.StreamHandler[TextIO]):
    """`logging` would print the arguments of a line it cannot format to standard error as they are."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:  # whatever an argument's own code raises
            told = f"a line of {record.pathname}:{record.lineno} could not be formatted: {type(error).__name__}"
            lost = {"name": record.name, "levelno": logging.ERROR, "levelname": "ERROR", "msg": told}
            return super().format(logging.makeLogRecord(lost))

    def handleError(self, record: logging.LogRecord) -> None:
        """The stream is gone: there is nowhere to say it."""


def _is_news(record: logging.LogRecord) -> bool:
    """Not what the queue's library says of a database that is away: the part that lost it says so, in one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("procrastinate") and isinstance(error, ConnectorException))


def _json(hush: Hush, stream: TextIO) -> list[Processor]:
    is_ascii = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"

    def line(_: WrappedLogger, __: str, event: EventDict) -> str:
        # the values are hushed, not the line: it stays JSON when a secret reads `null` or 42
        ordered = {**dict.fromkeys(_FIRST), **event}
        said = {key: value if key in _PLAIN else hush.value(value) for key, value in ordered.items()}
        return visible_json(json.dumps(said, ensure_ascii=is_ascii))

    return [structlog.processors.format_exc_info, line]


def _pretty(hush: Hush, stream: TextIO) -> list[Processor]:
    # a traceback drawn by rich breaks lines, and a secret with them
    renderer = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=_plain_traceback, sort_keys=False
    )

    def line(logger: WrappedLogger, method: str, event: EventDict) -> str:
        shown = {key: visible(each) if isinstance(each, str) else each for key, each in event.items()}
        return hush.text(str(renderer(logger, method, shown)))

    return [line]


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(visible(text.getvalue(), keep="\n"))


def _note(told: str, error: BaseException | None, **more: str) -> None:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    _logger.error(told, exc_info=exc_info, **more)


def _note_ending(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _logger.critical("the process ends by an error nobody caught", exc_info=(kind, error, traceback))
