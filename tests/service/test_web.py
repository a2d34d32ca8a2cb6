"""Limits of the HTTP side towards strangers: connections, time, bytes read of a body (P7). Real sockets."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orders_sync.service import health, hooks, web
from orders_sync.service.metrics import Metrics
from orders_sync.service.web import Server, listening_socket
from orders_sync.store.database import Pool
from tests.support.hooks import ACCOUNTS, Planned, path
from tests.support.scrape import samples

HANGS = 300  # seconds: a guard, not a measure
MB = 2**20
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


class Site:
    """A server on a port of its own."""

    def __init__(self, server: Server, port: int, metrics: Metrics) -> None:
        self.server, self.port, self.metrics = server, port, metrics
        self.root = f"http://127.0.0.1:{port}"

    async def connect(self, first: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(first)
        await writer.drain()
        return reader, writer

    def refused(self) -> dict[tuple[str, ...], float]:
        return samples(self.metrics.exposition()).get("orders_sync_hooks_refused_total", {})


@asynccontextmanager
async def serving(pool: Pool, **limits: object) -> AsyncIterator[Site]:
    async def read(request: Request) -> Response:
        return Response(str(len(await request.body())))

    metrics = Metrics()
    bounds = hooks.HookLimits(on_refused=metrics.hook_refused, **limits)  # type: ignore[arg-type]
    routes = [
        *health.routes(pool, metrics, lambda: {}),
        *hooks.routes(pool, ACCOUNTS, Planned(), bounds),
        Route("/read", read, methods=["POST"]),
    ]
    server, listening = Server(Starlette(routes=routes)), listening_socket("127.0.0.1:0")
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(HANGS):
            yield Site(server, listening.getsockname()[1], metrics)
    finally:
        server.should_exit = server.force_exit = True
        await task


async def closed(reader: asyncio.StreamReader) -> bytes:
    """Return what still arrives until the other side has closed."""
    found = b""
    with suppress(ConnectionError):
        while piece := await reader.read(MB):
            found += piece
    return found


async def test_silent_connections_keep_nobody_out_and_are_never_too_many(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "max_connections", lambda: 20)
    starts = [b"", b"GET /healthz HT", b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n"]
    async with serving(pool) as site, httpx.AsyncClient(trust_env=False) as http:
        held = []
        for number in range(120):
            held.append(await site.connect(starts[number % 3]))
            if number % 10 == 0:
                assert (await http.get(site.root + "/healthz", headers={"connection": "close"})).status_code == 200
        assert len(site.server.server_state.connections) <= 20
        assert (await http.post(site.root + path(), content=b"a message")).status_code == 200
        for reader, _ in held[:99]:
            await closed(reader)
        for _, writer in held:
            writer.close()


def test_connections_leave_most_files_to_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((1024, 256), (256, 64), (10, 16), (65_536, 512), (resource.RLIM_INFINITY, 512)):
        web.max_connections.cache_clear()
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert web.max_connections() == most
    web.max_connections.cache_clear()


@pytest.mark.parametrize("start", [b"", b"G", HEALTH[:-2], b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 50])
async def test_who_does_not_say_what_he_wants_is_hung_up_on(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(web, "HEADER_SECONDS", 0.2)
    async with serving(pool) as site:
        reader, writer = await site.connect(start)
        assert await closed(reader) == b""
        writer.close()


async def test_headers_that_drip_are_hung_up_on_after_an_answered_request_too(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEADER_SECONDS", 0.3)
    async with serving(pool) as site:
        reader, writer = await site.connect(HEALTH)
        assert b"200 OK" in await reader.readuntil(b"{}}")
        with suppress(ConnectionError):
            writer.write(b"GET / HTTP/1.1\r\n")
            while not reader.at_eof():
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.wait([asyncio.create_task(reader.read(1))], timeout=0.02)


TARGETS = (
    (path(token="wrong"), 404),
    (path(), 413),
    (path("nobody"), 404),
    ("/nothing/here", 404),
    ("/healthz", 405),
    ("/metrics", 405),
)


@pytest.mark.parametrize("framing", ["chunked", "length", "small length"])
async def test_an_endless_body_is_not_read_on_after_the_answer_P7(pool: Pool, framing: str) -> None:
    async with serving(pool) as site:
        for target, status in TARGETS:
            await send_without_end(site, target, status, framing)


async def send_without_end(site: Site, target: str, status: int, framing: str) -> None:
    head = {"chunked": "transfer-encoding: chunked", "length": f"content-length: {10**12}"}.get(framing)
    head = head or f"content-length: {200_000 if status == 413 else 10**6}"
    piece = (b"10000\r\n" + b"x" * 2**16 + b"\r\n") if framing == "chunked" else b"x" * 2**16
    sent = 0
    reader, writer = await site.connect(f"POST {target} HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n".encode())
    if framing == "small length" and status == 413:
        writer.close()
        return
    with suppress(ConnectionError):
        while True:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            if reader.at_eof():
                break
            assert sent < 64 * MB, f"{target} is read on"
    answer = await closed(reader)
    assert not answer or f" {status} ".encode() in answer.split(b"\r\n")[0], target
    for connection in [*site.server.server_state.connections]:
        assert connection.transport.is_closing(), target


async def test_a_message_that_drips_is_answered_408(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "BODY_SECONDS", 0.2)
    async with serving(pool) as site:
        head = f"POST {path()} HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\nx"
        reader, writer = await site.connect(head.encode())
        answer = await closed(reader)
        assert b" 408 " in answer
        assert b"connection: close" in answer
        assert site.refused() == {("my.ka-shop", "time"): 1}
        writer.close()


async def test_messages_one_after_the_other_come_over_one_connection(pool: Pool) -> None:
    async with serving(pool) as site, httpx.AsyncClient(trust_env=False) as http:
        for number in range(3):
            answer = await http.post(site.root + path(), content=b"%d" % number)
            assert (answer.status_code, answer.headers.get("connection")) == (200, None)
        assert len(site.server.server_state.connections) == 1


async def test_guesses_are_counted_and_cost_a_connection_and_no_line_each(pool: Pool) -> None:
    with structlog.testing.capture_logs() as said:
        async with serving(pool) as site, httpx.AsyncClient(trust_env=False) as http:
            for number in range(50):
                answer = await http.post(site.root + path(token=f"guess-{number}-secret"))
                assert (answer.status_code, answer.headers["connection"]) == (404, "close")
            assert site.refused() == {("", "token"): 50}
    assert len(said) == 1
    assert "guess" not in str(said)
    assert said[0]["client"] == "127.0.0.1"


async def test_messages_of_one_account_beyond_its_share_are_counted_and_take_no_other_accounts(
    pool: Pool,
) -> None:
    now = [120.0]
    other = path("open", "another-token-0815")
    async with serving(pool, per_minute=3, clock=lambda: now[0]) as site, httpx.AsyncClient(trust_env=False) as http:

        async def sent(where: str, count: int) -> list[int]:
            return [(await http.post(site.root + where, content=b"%d" % n)).status_code for n in range(count)]

        assert await sent(path(), 5) == [200, 200, 200, 429, 429]
        assert await sent(other, 3) == [200, 200, 200]
        assert site.refused() == {("my.ka-shop", "rate"): 2}
        now[0] += 60
        assert await sent(path(), 5) == [200, 200, 200, 429, 429]


async def test_nothing_is_stored_while_the_tables_are_of_another_version(pool: Pool) -> None:
    async with serving(pool, is_open=lambda: False) as site, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(site.root + path(), content=b"m")).status_code == 503
        assert site.refused() == {("my.ka-shop", "database"): 1}
