"""Where Xportcn's message service delivers: POST /hooks/xportcn/{account}/{token}. Stored first, worked on later.

The platform waits 1000 ms for a 200 and sends again after 30 minutes, five times at most (api-facts 3). No signature is
documented: the token in the address is all that keeps others out, so it may be in no log (P8).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable

import psycopg
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orders_sync.settings import AccountSettings, AccountXportcn
from orders_sync.store import messages
from orders_sync.store.database import Pool

PATH = "/hooks/xportcn/{account}/{token}"
LARGEST = 256 * 2**10  # bytes of a message
CONNECTION_SECONDS = 0.7  # to get one of the pool
PATIENCE = 0.8  # seconds, for all of storing: the platform waits one

OnStored = Callable[[str], Awaitable[None]]


def routes(pool: Pool, accounts: Iterable[AccountSettings], on_stored: OnStored) -> list[Route]:
    """The routes of all accounts that have a `hook_token`. `on_stored` gets an account's name once a new message of it
    is committed and answered."""
    tokens = {
        account.name: account.hook_token.reveal().encode()
        for account in accounts
        if isinstance(account, AccountXportcn) and account.hook_token is not None
    }
    return [Route(PATH, _Hooks(pool, tokens, on_stored).answer, methods=["GET", "POST"])]


class _Hooks:
    def __init__(self, pool: Pool, tokens: dict[str, bytes], on_stored: OnStored) -> None:
        self._pool = pool
        self._tokens = tokens
        self._on_stored = on_stored
        self._storing: set[asyncio.Task[bool]] = set()

    async def answer(self, request: Request) -> Response:
        """404 for a wrong account and for a wrong token alike. A GET is the console's "Verify": 200 is all it wants."""
        name = request.path_params["account"]
        if not self._is_let_in(name, request.path_params["token"]):
            return _said(404)
        if request.method != "POST":
            return _said(200)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _said(400)
        if body is None:
            return _said(413)
        is_new = await self._store(name, body)
        if is_new is None:
            return _said(503)
        return _said(200, BackgroundTask(self._on_stored, name) if is_new else None)

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
    """The body, None when it is too large. Raises `ClientDisconnect`."""
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
