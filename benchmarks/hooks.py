"""How fast messages are answered, each stored once: the route of the service, a real server, a real Postgres.

    python -m benchmarks.hooks [--messages 20000] [--senders 8] [--orders 40000]

    |-- orders-sync sync of so many orders into the same database --|
    |-- senders, each its next message when the last one is answered; every tenth comes twice --|

The platform gives 1000 ms. Exit code 1 when a message is not stored exactly once.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import secrets
import socket
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
import uvicorn
from starlette.applications import Starlette

from benchmarks.commands import run
from benchmarks.ground import Broken, Ground, ground, platforms, product, say, start
from orders_sync.domain.secret import Secret
from orders_sync.platforms.xportcn_settings import AccountXportcn
from orders_sync.service import hooks
from orders_sync.store import database

ACCOUNT = "benchmark"
CONNECTIONS = 4  # of the route's own pool
TWICE = 10  # every so many-th message comes again


@dataclass
class Result:
    """Answer times in milliseconds, as a sender sees them. `codes`: answers by status."""

    messages: int
    senders: int
    beside: bool
    seconds: float
    p50: float
    p99: float
    slowest: float
    codes: dict[str, int]
    stored: int

    @property
    def is_right(self) -> bool:
        return self.stored == self.messages and set(self.codes) == {"200"}


def main(
    messages: Annotated[int, typer.Option(min=2, help="Different ones.")] = 20_000,
    senders: Annotated[int, typer.Option(min=1, max=256, help="At once, a connection each.")] = 8,
    orders: Annotated[int, typer.Option(min=0, help="Read into the same database meanwhile, by `sync`.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """Send messages to the route and time the answers. Exit code 1 when one is not stored exactly once."""
    with ground(keep=keep) as where:
        run(where, "migrate").expect_success()
        token = secrets.token_urlsafe(24)
        with _beside(where, orders), _served(where.url, token) as port:
            say(f"{messages:,} messages from {senders} senders")
            result = asyncio.run(_measure(port, token, messages, senders, orders > 0))
        with database.connect(where.url) as connection:
            row = connection.execute("SELECT count(*) FROM sync.messages WHERE account = %s", [ACCOUNT]).fetchone()
        result.stored = row[0] if row else 0
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        _show(result)
    if not result.is_right:
        raise typer.Exit(1)


@contextmanager
def _beside(where: Ground, orders: int) -> Iterator[None]:
    """A first load into the same database, well under way when the body begins."""
    if not orders:
        yield
        return
    with platforms(where, "--orders", str(orders)) as sandbox:
        settings = sandbox.settings(where.folder / "orders_sync.toml")
        log = where.folder / "sync.log"
        with log.open("wb") as out:
            command = [product(), "sync", "--config", str(settings)]
            process = subprocess.Popen(command, stdout=out, stderr=out, env=where.environment, cwd=where.folder)
            _await_landing(where, process)
            yield
            say("the sync beside " + ("is still running" if process.poll() is None else "ended before the messages"))
            process.terminate()
            process.wait()


def _await_landing(where: Ground, process: subprocess.Popen[bytes]) -> None:
    with database.connect(where.url) as connection:
        while process.poll() is None:
            if connection.execute("SELECT EXISTS (SELECT FROM orders)").fetchone() == (True,):
                return
            time.sleep(0.05)
    raise Broken("the sync beside ended before anything landed")


@contextmanager
def _served(url: str, token: str) -> Iterator[int]:
    """The route behind uvicorn in a process of its own; its port."""
    # with its protocol named, else asyncio leaves Nagle's algorithm on: 40 ms an answer
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(url, token, listening), daemon=True)
    process.start()
    try:
        yield listening.getsockname()[1]
    finally:
        process.terminate()
        process.join()


def _serve(url: str, token: str, listening: socket.socket) -> None:
    asyncio.run(_answer(url, token, listening))


async def _answer(url: str, token: str, listening: socket.socket) -> None:
    account = AccountXportcn(
        name=ACCOUNT,
        platform="xportcn_ka",
        seller="u",
        app_id=Secret("k"),
        app_secret=Secret("s"),
        history_from=datetime(2025, 1, 1, tzinfo=UTC),
        hook_token=Secret(token),
    )

    async def stored(name: str) -> None:
        """Nobody plans here."""

    async with database.connected(url, size=CONNECTIONS) as pool:
        app = Starlette(routes=hooks.routes(pool, [account], stored))
        await uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).serve([listening])


async def _measure(port: int, token: str, messages: int, senders: int, beside: bool) -> Result:
    bodies = iter([number for number in range(messages) for _ in range(2 if number % TWICE == 0 else 1)])
    times: list[float] = []
    codes: Counter[str] = Counter()
    began = time.perf_counter()
    for sent in await asyncio.gather(*(_send(port, token, bodies) for _ in range(senders))):
        for code, seconds in sent:
            codes[code] += 1
            times.append(seconds * 1000)
    seconds = time.perf_counter() - began
    cut = statistics.quantiles(times, n=100)
    return Result(messages, senders, beside, seconds, cut[49], cut[98], max(times), dict(codes), 0)


async def _send(port: int, token: str, numbers: Iterator[int]) -> list[tuple[str, float]]:
    """One connection, one message after the other: (status, seconds) each. Plain text: a client library costs more
    than what it measures."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /hooks/xportcn/{ACCOUNT}/{token} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    sent = []
    for number in numbers:
        body = _message(number)
        began = time.perf_counter()
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"}")
        sent.append((answer.split(b" ", 2)[1].decode(), time.perf_counter() - began))
    writer.close()
    return sent


def _message(number: int) -> bytes:
    """A message as documented (api-facts 3), each another one."""
    order: dict[str, Any] = {
        "orderId": str(3305075341149134260 + number),
        "orderNo": str(1362127944570372157 + number),
        "orderStatus": "WAITING_FOR_PAYMENT",
        "payStatus": 1,
        "totalAmount": 10000,
        "shippingFee": 500,
        "productAmount": 9500,
        "refundAmount": 0,
        "refundStatus": None,
        "closeReason": None,
        "tbCreateTime": "2026-05-20 15:40:00",
        "payTime": None,
    }
    packed = msgspec.json.encode(order).decode()
    return msgspec.json.encode(
        {"messageType": "ORDER_CREATE", "messageBody": packed, "messagePlatform": 0, "timestamp": "1779263269913"}
    )


def _show(result: Result) -> None:
    beside = ", while a sync wrote into the same database" if result.beside else ""
    answers = sum(result.codes.values())
    print(f"{answers:,} messages from {result.senders} senders in {result.seconds:.1f} s{beside}")
    print(f"  answers/s: {answers / result.seconds:,.0f}   by status: {result.codes}")
    print(f"  p50 {result.p50:.1f} ms   p99 {result.p99:.1f} ms   slowest {result.slowest:.1f} ms")
    for limit, words in ((100, "p99 below 100 ms"), (1000, "slowest below 1000 ms, what the platform gives")):
        figure = result.p99 if limit == 100 else result.slowest
        print(f"  {words}: {'met' if figure < limit else 'NOT MET'}")
    print(f"  stored: {result.stored:,} of {result.messages:,} different ones, each once")


if __name__ == "__main__":
    start(main)
