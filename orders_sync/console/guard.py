"""Checks of every request before a page sees it, and headers of every answer.

proxy      address, scheme and user as a trusted proxy says; from anybody else these headers are dropped
origin     a request that changes something must come from a page of this console
body       at most `LARGEST` bytes in `BODY_SECONDS`
headers    no script but ours, no frame, nothing kept by caches
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 2**10  # bytes of a form
BODY_SECONDS = 5.0
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}

Network = IPv4Network | IPv6Network


def networks(addresses: Sequence[str]) -> list[Network]:
    """Return addresses and ranges such as 10.0.0.0/8 as networks. Raises ValueError."""
    return [ip_network(each, strict=False) for each in addresses]


class Proxy:
    """Takes address, scheme and user of a request from the headers of a trusted proxy.

    `scope["state"]["user"]`: who the proxy has logged in, by the header `user_header`; None without one.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network], user_header: str | None) -> None:
        self._app = app
        self._trusted = trusted
        self._user_header = user_header.lower().encode() if user_header else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else ""
        user = None
        if self._is_trusted(peer):
            scope = {**scope, "client": (self._sender(headers, peer), 0)}
            if headers.get("x-forwarded-proto", "").rsplit(",", 1)[-1].strip() in ("http", "https"):
                scope["scheme"] = headers["x-forwarded-proto"].rsplit(",", 1)[-1].strip()
            if self._user_header:
                user = headers.get(self._user_header.decode()) or None
        scope["state"] = {**scope.get("state", {}), "user": user}
        return await self._app(scope, receive, send)

    def _sender(self, headers: Headers, peer: str) -> str:
        """Return the last address that is not a trusted proxy's: what stands before it anybody may have written."""
        for each in reversed(headers.get("x-forwarded-for", "").split(",")):
            if (address := each.strip()) and not self._is_trusted(address):
                return address if _is_address(address) else peer
        return peer

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in each for each in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Guard:
    """Refuses requests of other origins and bodies that are too large or too slow; adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        if scope["method"] not in (*SAFE, "POST"):
            return await PlainTextResponse("method not allowed", 405)(scope, receive, send_guarded)
        if scope["method"] == "POST":
            if not comes_from_here(headers):
                words = "this request does not come from a page of this console: reload the page and try again"
                return await PlainTextResponse(words, 403)(scope, receive, send_guarded)
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(headers, receive)
            except TimeoutError:
                return await PlainTextResponse("the form was not received in time", 408)(scope, receive, send_guarded)
            if body is None:
                return await PlainTextResponse("the form is too large", 413)(scope, receive, send_guarded)
            return await self._app(scope, _replay(body, receive), send_guarded)
        return await self._app(scope, receive, send_guarded)


def comes_from_here(headers: Headers) -> bool:
    """Return whether a browser says that a page of the same origin sends this request.

    Browsers that do not send Sec-Fetch-Site send Origin with every form.
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == headers.get("host")


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """Return the body of a request; None if it is too large, without reading the rest."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > LARGEST:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > LARGEST:
            return None
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return the body that was read as one message, then what comes after it."""
    is_sent = False

    async def replayed() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
