"""Where platforms' message services deliver: POST /hooks/{service}/{account}/{token}. Stored first, worked on later.

    platforms/contract.py, MessageService     the service's part of the address, its answers, how long it waits
    settings, hook_token                      the token: all that keeps others out, so it may be in no log (P8)

Whatever the service, a message that is not stored in time is answered 503, so that it is sent again.
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

from orders_sync.domain.notifications import Notification
from orders_sync.platforms import PLATFORMS, MessageService
from orders_sync.platforms.account_settings import AccountSettings, AccountWithHook
from orders_sync.service.repeats import Repeats
from orders_sync.store import messages
from orders_sync.store.database import Pool

PATH = "/hooks/{service}/{account}/{token}"
LARGEST = 256 * 2**10  # bytes of a message
CONNECTING, STORING = 0.7, 0.8  # of the time a sender waits: to get a connection of the pool, and for all of storing
BODY_SECONDS = 5.0  # for a message to come in: nobody waits for the answer any more

log = structlog.get_logger(__name__)

OnStored = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """`per_minute`: messages of one account that are stored; what comes beyond is left to be sent again.

    `is_open`: whether messages may be stored now. `refused` is told of every request that is not served: the account
    (empty where nobody is known by that address) and one of the words in `REASONS`.
    """

    per_minute: int = 1000
    is_open: Callable[[], bool] = lambda: True
    refused: Callable[[str, str], None] = lambda account, reason: None
    clock: Callable[[], float] = time.monotonic  # seconds, any beginning


REASONS = {
    "token": "the address names no account, or not its token",
    "size": "the message is too large",
    "time": "the message did not come in in time",
    "rate": "the account sends more messages than are kept",
    "database": "the message cannot be stored now",
}


def routes(
    pool: Pool, accounts: Iterable[AccountSettings], on_stored: OnStored, limits: Limits | None = None
) -> list[Route]:
    """The routes of all accounts that have a `hook_token`. `on_stored` gets an account's name once a new message of it
    is committed and answered."""
    hooks = dict(_hooks(accounts))
    return [Route(PATH, _Hooks(pool, hooks, on_stored, limits or Limits()).answer, methods=["GET", "POST"])]


@dataclass(frozen=True)
class _Hook:
    """Where one account's messages come in. `token` is in no repr (P8)."""

    service: MessageService
    token: bytes = field(repr=False)


_NOBODY = _Hook(MessageService("", lambda body: Notification()), b"")  # no address ends in nothing


def _hooks(accounts: Iterable[AccountSettings]) -> Iterator[tuple[tuple[str, str], _Hook]]:
    """Yield the hooks by the service's part of the address and the account."""
    for account in accounts:
        service = PLATFORMS[account.platform].messages
        if service and isinstance(account, AccountWithHook) and account.hook_token is not None:
            yield (service.path, account.name), _Hook(service, account.hook_token.reveal().encode())


class _Hooks:
    def __init__(self, pool: Pool, hooks: dict[tuple[str, str], _Hook], on_stored: OnStored, limits: Limits) -> None:
        self._pool = pool
        self._hooks = hooks
        self._on_stored = on_stored
        self._storing: set[asyncio.Task[bool]] = set()
        self._limits = limits
        self._repeats = Repeats()
        self._minute = 0
        self._kept: Counter[str] = Counter()  # messages of this minute

    async def answer(self, request: Request) -> Response:
        """404 for a wrong account and for a wrong token alike. A GET tries the address: it is answered 200."""
        name = request.path_params["account"]
        hook = self._hooks.get((request.path_params["service"], name), _NOBODY)
        if not secrets.compare_digest(request.path_params["token"].encode("utf-8", "replace"), hook.token):
            return self._refuse(404, "token", request, _NOBODY.service)
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
        if not self._has_room(name):
            return self._refuse(429, "rate", request, service, name)
        is_new = await self._store(name, body, service.waits) if self._limits.is_open() else None
        if is_new is None:
            return self._refuse(503, "database", request, service, name)
        return _answer(service, 200, BackgroundTask(self._on_stored, name) if is_new else None)

    def _refuse(self, code: int, reason: str, request: Request, service: MessageService, account: str = "") -> Response:
        """Count it, and log one a minute of each kind: whoever asks a thousand times fills no log (P8: no path)."""
        self._limits.refused(account, reason)
        if (others := self._repeats.count((account, reason))) is not None:
            client = request.client.host if request.client else None
            log.warning(
                "a message is refused", account=account, because=REASONS[reason], client=client, since_last=others
            )
        return _answer(service, code)

    def _has_room(self, account: str) -> bool:
        """Count one more message of the account in this minute; False when it has had its share."""
        minute = int(self._limits.clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        self._kept[account] += 1
        return self._kept[account] <= self._limits.per_minute

    async def _store(self, name: str, body: bytes, waits: timedelta) -> bool | None:
        """Whether the message is new; None when it may not be stored: the platform sends it again.

        What takes too long is left to itself, for cancelling it would wait for the same database.
        """
        task = asyncio.create_task(self._keep(name, body, waits))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        await asyncio.wait([task], timeout=STORING * waits.total_seconds())
        if not task.done():
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            return None
        try:
            return task.result()
        except psycopg.Error:  # a pool without a free connection too
            return None

    async def _keep(self, name: str, body: bytes, waits: timedelta) -> bool:
        async with self._pool.connection(timeout=CONNECTING * waits.total_seconds()) as connection:
            return await messages.keep(connection, name, body)


async def _body(request: Request) -> bytes | None:
    """The body, None when it is too large; then the rest is not read. Raises `ClientDisconnect`."""
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
