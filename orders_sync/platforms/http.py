"""The one place that talks to a platform."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from orders_sync.domain.errors import Malformed, PlatformError, Refused, Rejected, Throttled, Transient

LARGEST_BODY = 64 * 2**20
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = (
    2**18
)  # bytes at once; a page has megabytes, and 64 kB cost a third more


async def fetch(client: httpx.AsyncClient, request: httpx.Request, largest: int = LARGEST_BODY) -> bytes:
    """Send a request, return the body of its 200 answer, at most `largest` bytes of it (after decompression).

    Raises `Refused` (401, 403), `Throttled` (429, 503 with Retry-After), `Transient` (network, time-outs, 408, 5xx),
    `Rejected` (any other status), `Malformed` (a body that is too large or does not decompress).
    """
    try:
        response = await client.send(request, stream=True)
        try:
            body = await _read(response, largest)
        finally:
            await response.aclose()
    except httpx.DecodingError as error:
        raise Malformed(f"the answer cannot be decompressed: {error}") from None
    except httpx.TimeoutException as error:
        raise Transient(f"no answer from {request.url.host} in time ({type(error).__name__})") from None
    except httpx.TransportError as error:
        where = request.url.netloc.decode()
        raise Transient(f"the connection to {where} failed, check base_url: {error or type(error).__name__}") from None
    if response.status_code != 200:
        raise _error_of(response, body)
    return body


async def _read(response: httpx.Response, largest: int) -> bytes:
    chunks: list[bytes] = []  # joined once: a page has megabytes
    size = 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > largest:
            raise Malformed(f"the answer is larger than {largest} bytes", body=b"".join(chunks)[:2048])
    return b"".join(chunks)


def _error_of(response: httpx.Response, body: bytes) -> PlatformError:
    status = response.status_code
    text = f"HTTP {status} {response.reason_phrase}: {body[:200].decode('utf-8', 'replace')}".rstrip(": ")
    code = str(status)
    retry_after = seconds_of(response.headers.get("retry-after"))
    if status in (401, 403):
        return Refused(text, code=code)
    if status == 429 or (status == 503 and retry_after is not None):
        return Throttled(text, retry_after=retry_after, code=code)
    if status == 408 or status >= 500:
        return Transient(text, code=code)
    return Rejected(text, code=code)


def seconds_of(retry_after: str | None) -> float | None:
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
