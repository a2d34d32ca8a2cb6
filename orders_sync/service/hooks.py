"""The route that message services post to: /hooks/{service}/{account}/{token}. Messages are stored, then processed.

    platforms/contract.py, MessageService     the path of the service, its responses, its time-out
    settings, hook_token                      the token: the only access control, so it must be in no log (P8)

A message that is too large, too slow, cut off or one too many is refused (413, 408, 400, 429). One that cannot be
stored in time is answered 503, so that the platform sends it again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import structlog
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from orders_sync.domain.messages import MessageContent
from orders_sync.platforms import PLATFORMS, MessageService
from orders_sync.platforms.account_settings import AccountSettings, AccountWithHook
from orders_sync.service.log_throttle import LogThrottle
from orders_sync.store import messages
from orders_sync.store.database import Pool

PATH = "/hooks/{service}/{account}/{token}"
LARGEST = 256 * 2**10  # bytes of a message
CONNECT_SHARE = 0.7  # of the sender's time-out: to get a connection
STORE_SHARE = 0.8  # and to store
BODY_SECONDS = 5.0  # to receive a message: after that the sender has given up

log = structlog.get_logger(__name__)

OnStored = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class HookLimits:
    """Limits of the hooks.

    `per_minute`: messages stored per account; more are refused, so that they are sent again. `is_open`: whether
    messages may be stored now. `on_refused` gets the account (empty if unknown) and the reason, a key of `REASONS`.
    """

    per_minute: int = 1000
    is_open: Callable[[], bool] = lambda: True
    on_refused: Callable[[str, str], None] = lambda account, reason: None
    clock: Callable[[], float] = time.monotonic  # monotonic seconds


REASONS = {
    "token": "the URL names no account, or has a wrong token",
    "size": "the message is too large",
    "time": "the message was not received in time",
    "rate": "the account sends more messages than are stored per minute",
    "database": "the message cannot be stored now",
}


def routes(
    pool: Pool, accounts: Iterable[AccountSettings], on_stored: OnStored, limits: HookLimits | None = None
) -> list[Route]:
    """Return the route for all accounts that have a `hook_token`.

    `on_stored` gets the name of an account once a new message is committed and answered.
    """
    hooks = dict(_hooks(accounts))
    return [Route(PATH, _Hooks(pool, hooks, on_stored, limits or HookLimits()).answer, methods=["GET", "POST"])]


@dataclass(frozen=True)
class _Hook:
    """The hook of one account. `token` is in no repr (P8)."""

    service: MessageService
    token: bytes = field(repr=False)


_UNKNOWN_HOOK = _Hook(MessageService("", lambda body: MessageContent()), b"")  # no URL has an empty token


def _hooks(accounts: Iterable[AccountSettings]) -> Iterator[tuple[tuple[str, str], _Hook]]:
    """Yield the hooks by path of the service and name of the account."""
    for account in accounts:
        service = PLATFORMS[account.platform].messages
        if service and isinstance(account, AccountWithHook) and account.hook_token is not None:
            yield (service.path, account.name), _Hook(service, account.hook_token.reveal().encode())


class _Hooks:
    def __init__(
        self, pool: Pool, hooks: dict[tuple[str, str], _Hook], on_stored: OnStored, limits: HookLimits
    ) -> None:
        self._pool = pool
        self._hooks = hooks
        self._on_stored = on_stored
        self._inserts: set[asyncio.Task[bool]] = set()
        self._limits = limits
        self._throttle = LogThrottle()
        self._minute = 0
        self._accepted: Counter[str] = Counter()  # messages per account in this minute

    async def answer(self, request: Request) -> Response:
        """Answer a request: 404 for a wrong account or token alike, 200 for a GET, with which people try the URL."""
        name = request.path_params["account"]
        hook = self._hooks.get((request.path_params["service"], name), _UNKNOWN_HOOK)
        if not secrets.compare_digest(request.path_params["token"].encode("utf-8", "replace"), hook.token):
            return self._refuse(404, "token", request, _UNKNOWN_HOOK.service)
        service = hook.service
        if request.method != "POST":
            return _answer(service, 200)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except ClientDisconnect:
            return _answer(service, 400)
        except TimeoutError:
            return self._refuse(408, "time", request, service, name)
        if body is None:
            return self._refuse(413, "size", request, service, name)
        if not self._is_within_rate(name):
            return self._refuse(429, "rate", request, service, name)
        is_new = await self._store(name, body, service.waits) if self._limits.is_open() else None
        if is_new is None:
            return self._refuse(503, "database", request, service, name)
        return _answer(service, 200, BackgroundTask(self._on_stored, name) if is_new else None)

    def _refuse(self, code: int, reason: str, request: Request, service: MessageService, account: str = "") -> Response:
        """Count the refusal and log one per minute and kind, without the path, which may hold a token (P8)."""
        self._limits.on_refused(account, reason)
        if (others := self._throttle.admit((account, reason))) is not None:
            client = request.client.host if request.client else None
            log.warning("message refused", account=account, because=REASONS[reason], client=client, since_last=others)
        return _answer(service, code)

    def _is_within_rate(self, account: str) -> bool:
        """Count one more message of the account in this minute; return False if that is too many."""
        minute = int(self._limits.clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._accepted.clear()
        self._accepted[account] += 1
        return self._accepted[account] <= self._limits.per_minute

    async def _store(self, name: str, body: bytes, waits: timedelta) -> bool | None:
        """Store a message. Return whether it is new; None if it was not stored: then the platform sends it again.

        An insert that takes too long is left running, for cancelling it would wait for the same database.
        """
        task = asyncio.create_task(self._insert(name, body, waits))
        self._inserts.add(task)
        task.add_done_callback(self._inserts.discard)
        await asyncio.wait([task], timeout=STORE_SHARE * waits.total_seconds())
        if not task.done():
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            return None
        try:
            return task.result()
        except psycopg.Error:  # a pool without a free connection too
            return None

    async def _insert(self, name: str, body: bytes, waits: timedelta) -> bool:
        async with self._pool.connection(timeout=CONNECT_SHARE * waits.total_seconds()) as connection:
            return await messages.keep(connection, name, body)


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it is too large, without reading the rest. Raises `ClientDisconnect`."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > LARGEST:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(service: MessageService, code: int, then: BackgroundTask | None = None) -> Response:
    return Response(service.answer(code), code, media_type=service.media_type, background=then)
