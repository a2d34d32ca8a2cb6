"""One call is bounded in time and in memory, whatever the other side sends (P7). Real sockets."""

from __future__ import annotations

import asyncio
import gzip
import sys
import tracemalloc
import zlib
from functools import cache

import httpx
import pytest

from orders_sync.domain.errors import (
    InvalidRequestError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.platforms import http as module
from orders_sync.platforms.http import fetch
from tests.support.sockets import Answer, answering, dripping, whole

HANGS = 300  # seconds: a guard, not a measure
MB = 2**20
ORDERS = b'{"orders": []}' * 1000


async def fetched(answer: Answer, largest: int = MB, seconds: float = HANGS) -> bytes:
    async with asyncio.timeout(HANGS), answering(answer) as url, httpx.AsyncClient(trust_env=False) as client:
        return await fetch(client, httpx.Request("GET", url), largest, seconds)


async def failure(answer: Answer, largest: int = MB, seconds: float = HANGS) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await fetched(answer, largest, seconds)
    return caught.value


@cache
def twice_compressed() -> bytes:
    return gzip.compress(gzip.compress(bytes(16 * MB)))


async def test_only_gzip_is_asked_for() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await whole(b"x")(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, httpx.AsyncClient(trust_env=False) as client:
        port = server.sockets[0].getsockname()[1]
        request = httpx.Request("POST", f"http://127.0.0.1:{port}", headers={"accept-encoding": "br, zstd"})
        assert await fetch(client, request) == b"x"
    assert [line for line in heads[0].lower().splitlines() if b"accept-encoding" in line] == [b"accept-encoding: gzip"]


async def test_a_call_searches_for_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    class Searches:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            searched.append(name)

    async with answering(whole(ORDERS)) as url, httpx.AsyncClient(trust_env=False) as client:
        await fetch(client, httpx.Request("GET", url))  # httpcore imports its backend at the first call
        monkeypatch.setattr(sys, "meta_path", [Searches(), *sys.meta_path])
        await fetch(client, httpx.Request("GET", url))
    assert searched == []


@pytest.mark.parametrize(
    ("sent", "coding"),
    [
        (ORDERS, None),
        (ORDERS, "identity"),
        (gzip.compress(ORDERS, mtime=0), "gzip"),
        (gzip.compress(ORDERS, mtime=0), "GZIP"),
        (gzip.compress(ORDERS, mtime=0), "x-gzip"),
        (gzip.compress(ORDERS, mtime=0), "identity, gzip"),
        (b"".join(gzip.compress(ORDERS[at : at + 999], mtime=0) for at in range(0, len(ORDERS), 999)), "gzip"),
        (b"", "gzip"),
    ],
)
async def test_a_plain_answer_and_one_that_is_compressed_once_are_read(sent: bytes, coding: str | None) -> None:
    headers = [f"content-encoding: {coding}"] if coding else []
    assert await fetched(whole(sent, *headers)) == (ORDERS if sent else b"")


@pytest.mark.parametrize(
    "headers",
    [
        ["content-encoding: gzip, gzip"],
        ["content-encoding: gzip, gzip, gzip"],
        ["content-encoding: gzip", "content-encoding: gzip"],
        ["content-encoding: gzip, identity, gzip"],
        ["content-encoding: deflate"],
        ["content-encoding: deflate, gzip"],
        ["content-encoding: br"],
        ["content-encoding: zstd"],
        ["content-encoding: nonsense"],
    ],
)
async def test_what_was_not_asked_for_is_refused_before_it_is_unpacked_P7(headers: list[str]) -> None:
    bomb = twice_compressed()
    tracemalloc.start()
    error = await failure(whole(bomb, *headers), largest=16 * MB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(error, MalformedResponseError)
    assert "only gzip, once" in str(error)
    assert peak < 8 * MB


@pytest.mark.parametrize("members", [1, 50])
async def test_memory_is_bounded_by_what_an_answer_may_hold_not_by_what_it_unpacks_to_P7(members: int) -> None:
    bomb = gzip.compress(bytes(64 * MB // members), compresslevel=1) * members
    tracemalloc.start()
    error = await failure(whole(bomb, "content-encoding: gzip"), largest=2 * MB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than 2097152 bytes" in str(error)
    assert peak < 16 * MB


@pytest.mark.parametrize(
    "sent",
    [
        gzip.compress(ORDERS, mtime=0)[:-1],
        gzip.compress(ORDERS, mtime=0)[:40],
        gzip.compress(ORDERS, mtime=0) + b"rest",
        ORDERS,
        zlib.compress(ORDERS),
    ],
)
async def test_what_does_not_decompress_is_malformed(sent: bytes) -> None:
    error = await failure(whole(sent, "content-encoding: gzip"))
    assert isinstance(error, MalformedResponseError)
    assert "cannot be decompressed" in str(error)


@pytest.mark.parametrize("body", [b"not compressed at all", gzip.compress(bytes(8 * MB))])
@pytest.mark.parametrize(
    ("status", "kind"),
    [("502 Bad Gateway", TransientError), ("429 Too Many", RateLimitError), ("404 Not Found", InvalidRequestError)],
)
async def test_a_status_says_what_is_wrong_whatever_its_body_is(
    body: bytes, status: str, kind: type[PlatformError]
) -> None:
    for coding in ("gzip", "br", "gzip, gzip"):
        error = await failure(whole(body, f"content-encoding: {coding}", status=status))
        assert type(error) is kind


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        dripping(b"HT", b""),
        dripping(HEAD, b"x: y\r\n"),
        dripping(HEAD + b"content-length: 1000000\r\n\r\n", b" "),
        dripping(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        dripping(HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"x")[:9], b"\x00"),
    ],
    ids=["silence", "headers", "body", "chunks", "gzip"],
)
async def test_a_call_ends_as_a_whole_however_slowly_its_answer_drips(answer: Answer) -> None:
    error = await failure(answer, seconds=0.3)
    assert isinstance(error, TransientError | MalformedResponseError)


async def test_a_body_below_the_least_rate_is_given_up_long_before_the_call_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    error = await failure(dripping(HEAD + b"content-length: 1000000\r\n\r\n", b" "), seconds=HANGS * 10)
    assert isinstance(error, TransientError)
    assert "too slowly" in str(error)


async def test_a_body_that_keeps_the_least_rate_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    lines = [b" " * 10_000] * 40  # each is worth ten seconds

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % (10_000 * len(lines)))
        for line in lines:
            writer.write(line)
            await writer.drain()
            await asyncio.sleep(0.01)

    assert len(await fetched(answer)) == 40 * 10_000


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
async def test_a_redirect_says_where_to_without_what_was_signed_P8(status: str) -> None:
    error = await failure(whole(b"", "location: https://other.example/api?sign=SECRET#x", status=status))
    assert isinstance(error, InvalidRequestError)
    assert "https://other.example/api" in str(error)
    assert "base_url" in str(error)
    assert "SECRET" not in str(error)


@pytest.mark.parametrize("location", ["http://[", "//", "\\\\x", "http://h:99999999/"])
async def test_a_redirect_to_nowhere_is_no_other_error(location: str) -> None:
    assert isinstance(await failure(whole(b"", f"location: {location}", status="301 Moved")), InvalidRequestError)
