"""The one place that talks to a platform: one call, bounded in time and in memory."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

import httpcore
import httpx
import msgspec

from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    CallTimeoutError,
    InvalidRequestError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)

LARGEST_BODY = 64 * 2**20
LARGEST_ERROR = 2**16  # bytes read of an answer that is no 200
CALL_SECONDS = 60.0
LEAST_RATE = 1024  # bytes a second: the slowest at which a body may come
GRACE_SECONDS = 20.0  # that a body may take longer than its bytes so far do at `LEAST_RATE`
PIECE = 2**18  # bytes decompressed at once
GZIP = 31  # zlib's name for it
# bytes at once; a page has megabytes, and 64 kB cost a third more
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = 2**18


if find_spec("sniffio") is None:
    # httpcore asks for it four times a call and does without; a search of all folders takes 0.03 ms, a call 0.5 ms
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


async def fetch(
    client: httpx.AsyncClient,
    request: httpx.Request,
    largest: int = LARGEST_BODY,
    seconds: float = CALL_SECONDS,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Send a request, return the body of its 200 answer, at most `largest` bytes of it (after decompression).

    `seconds` bound the whole call, from connecting to the last byte of the body; a body that comes slower than
    `LEAST_RATE` is given up before. An answer is plain or compressed with gzip, once, which is what is asked for.

    `headers` is filled with those of the answer, whatever it is.

    Raises `AuthenticationError` (401, 403 in the gateway's envelope), `BlockedError` (401, 403 in any other answer),
    `RateLimitError` (429, 503 with Retry-After), `CallTimeoutError`, `TransientError` (network, 408, 5xx),
    `InvalidRequestError` (any other status), `MalformedResponseError` (a body that is too large or does not
    decompress).
    """
    request.headers["accept-encoding"] = "gzip"
    host = request.url.host
    received = _Received()
    try:
        async with asyncio.timeout(seconds) as deadline:
            response = await client.send(request, stream=True)
            if headers is not None:
                headers.update(response.headers)
            try:
                body = await _body(response, _in_time(response, deadline, received), largest)
            finally:
                await response.aclose()
    except TimeoutError:
        if received.size:
            raise CallTimeoutError(
                f"{host} answers too slowly: {received.size} bytes of the body came before the call was given up"
            ) from None
        raise CallTimeoutError(f"no answer from {host} within {seconds:.0f} s") from None
    except httpx.TimeoutException as error:
        raise CallTimeoutError(f"no answer from {host} in time ({type(error).__name__})") from None
    except httpx.TransportError as error:
        where = request.url.netloc.decode()
        raise TransientError(
            f"the connection to {where} failed, check base_url: {error or type(error).__name__}"
        ) from None
    if response.status_code != 200:
        raise _error_of(response, body)
    return body


class _Received:
    """Bytes of a body so far, as they came."""

    size = 0


async def _in_time(response: httpx.Response, deadline: asyncio.Timeout, received: _Received) -> AsyncIterator[bytes]:
    """Yield the body as it comes, and move the call's deadline earlier whenever the body falls behind `LEAST_RATE`."""
    latest = deadline.when()
    began = asyncio.get_running_loop().time()

    def allow() -> None:
        least = began + GRACE_SECONDS + received.size / LEAST_RATE
        deadline.reschedule(least if latest is None else min(latest, least))

    allow()
    if response.is_stream_consumed:  # a transport that answers from memory
        yield response.content
        return
    async for chunk in response.aiter_raw():
        received.size += len(chunk)
        allow()
        yield chunk


async def _body(response: httpx.Response, chunks: AsyncIterator[bytes], largest: int) -> bytes:
    if response.status_code == 200:
        return await _read(response, chunks, largest)
    try:
        return await _read(response, chunks, LARGEST_ERROR)
    except MalformedResponseError as error:  # its status says what is wrong, whatever its body is
        return error.body


async def _read(response: httpx.Response, chunks: AsyncIterator[bytes], largest: int) -> bytes:
    """The body without its compression; never more than `largest` bytes and a piece are held.

    Raises `MalformedResponseError`.
    """
    inflater = _inflater(response)
    parts: list[bytes] = []  # joined once: a page has megabytes
    size = 0
    async for chunk in chunks:
        for part in (chunk,) if inflater is None else inflater.pieces(chunk):
            parts.append(part)
            size += len(part)
            if size > largest:
                raise MalformedResponseError(f"the answer is larger than {largest} bytes", body=b"".join(parts)[:2048])
    if inflater is not None and not inflater.is_complete:
        raise MalformedResponseError(
            "the answer cannot be decompressed: it ends too early", body=b"".join(parts)[:2048]
        )
    return b"".join(parts)


def _inflater(response: httpx.Response) -> _Inflater | None:
    """Return what decompresses the answer; None for a plain one.

    Raises `MalformedResponseError` for any coding that was not asked for, and for one upon another: what is compressed
    twice may grow by a million times.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    codings = [name for each in named if (name := each.strip()) not in ("", "identity")]
    if not codings:
        return None
    if codings not in (["gzip"], ["x-gzip"]):
        shown = ", ".join(codings)[:80]
        raise MalformedResponseError(f"the answer is encoded as {shown!r}; only gzip, once, was asked for")
    return _Inflater()


class _Inflater:
    """Decompresses gzip, one member after the other, `PIECE` bytes at once."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=GZIP)
        self._is_begun = False

    @property
    def is_complete(self) -> bool:
        """True if the data so far ends at the end of a gzip member; no data at all is complete, too."""
        return self._member.eof or not self._is_begun

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the decompressed content of a chunk. Raises `MalformedResponseError`."""
        self._is_begun = self._is_begun or bool(data)
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=GZIP)
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise MalformedResponseError(f"the answer cannot be decompressed: {error}") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece


def _error_of(response: httpx.Response, body: bytes) -> PlatformError:
    status = response.status_code
    text = f"HTTP {status} {response.reason_phrase}: {body[:200].decode('utf-8', 'replace')}".rstrip(": ")
    code = str(status)
    retry_after = retry_after_seconds(response.headers.get("retry-after"))
    if status in (401, 403):
        if is_envelope(body):
            return AuthenticationError(text, code=code)
        return BlockedError(
            f"{text}. That is no answer of the gateway: a firewall or proxy before it may block this machine",
            retry_after=retry_after,
            code=code,
        )
    if response.is_redirect:
        target = response.url.join(response.headers.get("location", ""))
        return InvalidRequestError(
            f"{text}, to {target.copy_with(query=None, fragment=None)}: check base_url", code=code
        )
    if status == 429 or (status == 503 and retry_after is not None):
        return RateLimitError(text, retry_after=retry_after, code=code)
    if status == 408 or status >= 500:
        return TransientError(text, code=code)
    if response.has_redirect_location:
        text += f" (it redirects to {_place(response)}, which is not followed: correct base_url)"
    return InvalidRequestError(text, code=code)


def _place(response: httpx.Response) -> str:
    """Return the target of a redirect without its query, which may hold what was signed."""
    try:
        return str(response.url.join(response.headers["location"]).copy_with(query=None, fragment=None))[:200]
    except (httpx.InvalidURL, ValueError):
        return "an address that cannot be read"


def is_envelope(body: bytes) -> bool:
    """Return whether a body is the JSON object with a code that both gateways answer with."""
    try:
        return msgspec.json.decode(body, type=_Coded).code is not None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


class _Coded(msgspec.Struct):
    code: int | str | None = None


def retry_after_seconds(retry_after: str | None) -> float | None:
    """A Retry-After header (seconds or an HTTP date) as seconds from now, never negative; None when it says nothing."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
