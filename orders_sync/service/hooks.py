"""Where Xportcn's message service delivers: POST /hooks/xportcn/{account}/{token}. Stored first, worked on later.

The platform waits 1000 ms for a 200 and sends again after 30 minutes, five times at most (api-facts 3). No signature is
documented: the token in the address is all that keeps others out, so it may be in no log (P8).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import psycopg
import structlog
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.platforms.xportcn_settings import AccountXportcn
from orders_sync.service.repeats import Repeats
from orders_sync.store import messages
from orders_sync.store.database import Pool

PATH = "/hooks/xportcn/{account}/{token}"
LARGEST = 256 * 2**10  # bytes of a message
CONNECTION_SECONDS = 0.7  # to get one of the pool
PATIENCE = 0.8  # seconds, for all of storing: the platform waits one
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
    tokens = {
        account.name: account.hook_token.reveal().encode()
        for account in accounts
        if isinstance(account, AccountXportcn) and account.hook_token is not None
    }
    return [Route(PATH, _Hooks(pool, tokens, on_stored, limits or Limits()).answer, methods=["GET", "POST"])]


class _Hooks:
    def __init__(self, pool: Pool, tokens: dict[str, bytes], on_stored: OnStored, limits: Limits) -> None:
        self._pool = pool
        self._tokens = tokens
        self._on_stored = on_stored
        self._storing: set[asyncio.Task[bool]] = set()
        self._limits = limits
        self._repeats = Repeats()
        self._minute = 0
        self._kept: Counter[str] = Counter()  # messages of this minute

    async def answer(self, request: Request) -> Response:
        """404 for a wrong account and for a wrong token alike. A GET is the console's "Verify": 200 is all it wants."""
        name = request.path_params["account"]
        if not self._is_let_in(name, request.path_params["token"]):
            return self._refuse(404, "token", request)
        if request.method != "POST":
            return _said(200)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except ClientDisconnect:
            return _said(400)
        except TimeoutError:
            return self._refuse(408, "time", request, name)
        if body is None:
            return self._refuse(413, "size", request, name)
        if not self._has_room(name):
            return self._refuse(429, "rate", request, name)
        is_new = await self._store(name, body) if self._limits.is_open() else None
        if is_new is None:
            return self._refuse(503, "database", request, name)
        return _said(200, BackgroundTask(self._on_stored, name) if is_new else None)

    def _refuse(self, code: int, reason: str, request: Request, account: str = "") -> Response:
        """Count it, and log one a minute of each kind: whoever asks a thousand times fills no log (P8: no path)."""
        self._limits.refused(account, reason)
        if (others := self._repeats.count((account, reason))) is not None:
            client = request.client.host if request.client else None
            log.warning(
                "a message is refused", account=account, because=REASONS[reason], client=client, since_last=others
            )
        return _said(code)

    def _has_room(self, account: str) -> bool:
        """Count one more message of the account in this minute; False when it has had its share."""
        minute = int(self._limits.clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        self._kept[account] += 1
        return self._kept[account] <= self._limits.per_minute

    def _is_let_in(self, name: str, token: str) -> bool:
        known = self._tokens.get(name, b"")  # which no path ends in
        return secrets.compare_digest(token.encode("utf-8", "replace"), known)

    async def _store(self, name: str, body: bytes) -> bool | None:
        """Whether the message is new; None when it may not be stored: the platform sends it again.

        What takes too long is left to itself, for cancelling it would wait for the same database.
        """
        task = asyncio.create_task(self._keep(name, body))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        await asyncio.wait([task], timeout=PATIENCE)
        if not task.done():
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            return None
        try:
            return task.result()
        except psycopg.Error:  # a pool without a free connection too
            return None

    async def _keep(self, name: str, body: bytes) -> bool:
        async with self._pool.connection(timeout=CONNECTION_SECONDS) as connection:
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


def _said(code: int, then: BackgroundTask | None = None) -> Response:
    return JSONResponse({"code": code}, status_code=code, background=then)
