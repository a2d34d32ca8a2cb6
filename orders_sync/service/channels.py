"""The channels by which people get notices: one for each URL of [notify], through Apprise, an optional package.

    NotifySettings --open_channels--> Channel.send(notice) --> Accepted, or why not

Apprise works with blocking calls, and a messenger may answer slowly or never: each send has a thread of its own, which
the end of the process does not wait for, and a limit as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from orders_sync.domain.errors import SettingsError
from orders_sync.domain.secret import Secret
from orders_sync.engine.notice_texts import Notice
from orders_sync.service.redaction import Redactor, url_secrets
from orders_sync.settings import NotifySettings

SECONDS = 20.0  # for one send as a whole
MISSING = "[notify] needs Apprise, which is not installed: pip install 'orders-sync[notify]'"

_local = threading.local()  # `answers` of the send that runs in this thread


@dataclass
class Channel:
    """A messenger. `label`: the scheme of its URL, numbered where several have the same; never a secret."""

    label: str
    service: Any  # of Apprise, which is imported where there is a URL only
    redactor: Redactor
    seconds: float = SECONDS
    is_sending: bool = False

    async def send(self, notice: Notice) -> str | None:
        """Send a notice. Return None once the messenger accepted it, else why it did not, without secrets."""
        if self.is_sending:
            return "the send before has not ended yet"
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str | None] = loop.create_future()

        def end(reason: str | None) -> None:
            if not ended.done():
                ended.set_result(reason)

        def run() -> None:
            reason = self._send(notice)
            self.is_sending = False
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(end, reason)

        self.is_sending = True
        threading.Thread(target=run, name=f"notify-{self.label}", daemon=True).start()
        try:
            async with asyncio.timeout(self.seconds):
                return await ended
        except TimeoutError:
            return f"it did not answer within {self.seconds:.0f} s"

    def _send(self, notice: Notice) -> str | None:
        with _recorded() as (answers, lines):
            try:
                is_sent = self.service.notify(body=notice.body, title=notice.title, notify_type=notice.level)
            except Exception as error:  # whatever a plug-in raises must not end the process
                return self.redactor.text(f"{type(error).__name__}: {error}"[:300])
        errors = [text for text in map(_error_of, answers) if text]
        if is_sent and not errors:
            return None
        return self.redactor.text(" ".join((errors or lines or ["it was not accepted"])[-1].split())[:300])


def open_channels(settings: NotifySettings) -> tuple[list[Channel], list[str]]:
    """Return the channels of the settings, and a sentence for each that cannot be used. None without a URL.

    Nothing is sent. Imports Apprise if there is a URL.
    """
    if not settings.urls:
        return [], []
    try:
        make = _maker()
    except ModuleNotFoundError:
        return [], [MISSING]
    channels: list[Channel] = []
    mistakes: list[str] = []
    for number, secret in enumerate(settings.urls):
        try:
            channels.append(Channel(*_opened(secret, make)))
        except SettingsError as error:
            mistakes.append(str(error))
        except ValueError as error:
            mistakes.append(f"[notify] urls[{number}]: {error}")
    return _numbered(channels), mistakes


def _opened(secret: Secret, make: Any) -> tuple[str, Any, Redactor]:
    url = secret.reveal()
    scheme = url.partition("://")[0].lower()
    redactor = Redactor(url_secrets(url))
    with _recorded() as (_, lines):
        service = make(url)
    if service is None:
        why = redactor.text(" ".join(lines[-1].split())[:300]) if lines else ""
        raise ValueError(f"Apprise cannot use this {scheme}:// URL ({secret.place}){': ' if why else ''}{why}")
    return scheme, service, redactor


def _numbered(channels: list[Channel]) -> list[Channel]:
    several: Counter[str] = Counter()
    for each in channels:
        several[each.label] += 1
        if several[each.label] > 1:
            each.label = f"{each.label}-{several[each.label]}"
    return channels


def _maker() -> Any:
    """Return the function that makes a service of a URL, or None of one that is not understood.

    Raises ModuleNotFoundError.
    """
    import apprise  # an optional package, and it takes a tenth of a second
    import requests

    logger = logging.getLogger("apprise")
    if not any(isinstance(each, _Lines) for each in logger.handlers):
        logger.addHandler(_Lines())
        logger.propagate = False  # its debug lines hold tokens, and what it warns of becomes a line of ours
        logger.setLevel(logging.WARNING)
        logging.getLogger("urllib3").setLevel(logging.WARNING)  # and so do the addresses in its debug lines
        _record_answers(requests)
    asset = apprise.AppriseAsset(
        app_id="orders-sync", app_desc="orders-sync", app_url="", image_url_logo="", image_url_mask="", async_mode=False
    )
    return lambda url: apprise.Apprise.instantiate(url, asset=asset)


def _record_answers(requests: Any) -> None:
    """Keep what each send got in answer.

    DingTalk and WeCom refuse with status 200, which Apprise takes for sent, and why there was none it does not say.
    """
    send = requests.Session.send

    def recording(session: Any, request: Any, **options: Any) -> Any:
        answers = getattr(_local, "answers", [])
        try:
            answer = send(session, request, **options)
        except requests.Timeout:
            answers.append("it did not answer in time")
            raise
        except requests.ConnectionError:
            answers.append("it cannot be reached")
            raise
        answers.append(answer)
        return answer

    requests.Session.send = recording


@contextmanager
def _recorded() -> Iterator[tuple[list[Any], list[str]]]:
    """Collect the HTTP answers and the warnings of Apprise in this thread while the body runs."""
    _local.answers, _local.lines = [], []
    try:
        yield _local.answers, _local.lines
    finally:
        del _local.answers, _local.lines


def _error_of(answer: Any) -> str | None:
    """Return why there was no answer, or what its JSON says: `errcode` (DingTalk, WeCom) that is not 0; else None."""
    if isinstance(answer, str):
        return answer
    try:
        body = answer.json()
    except ValueError:
        return None
    code = body.get("errcode") if isinstance(body, dict) else None
    return f"refused with errcode {code}: {body.get('errmsg', '')}" if code else None


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        getattr(_local, "lines", []).append(record.getMessage())
