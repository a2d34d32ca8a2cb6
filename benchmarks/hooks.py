"""Response times of the message route under uvicorn with a real Postgres; each message is stored once.

    python -m benchmarks.hooks [--messages 20000] [--senders 8] [--orders 40000]

    |-- orders-sync sync of that many orders into the same database --|
    |-- senders, each with one request at a time; every tenth message is sent twice --|

The platform waits 1000 ms for a response. Exit code 1 when a message is not stored exactly once or a status is not 200.
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
from benchmarks.environment import BenchmarkError, Environment, executable, info, open_environment, run_cli, run_sandbox
from orders_sync.domain.secret import Secret
from orders_sync.platforms.xportcn.settings import AccountXportcn
from orders_sync.service import hooks
from orders_sync.store import database

ACCOUNT = "benchmark"
CONNECTIONS = 4  # in the pool of the route
DUPLICATE_EVERY = 10  # every tenth message is sent twice


@dataclass
class Result:
    """Response times (p50, p99, slowest) in milliseconds, measured by the senders.

    `codes` counts responses by HTTP status.
    """

    messages: int
    senders: int
    concurrent_sync: bool
    seconds: float
    p50: float
    p99: float
    slowest: float
    codes: dict[str, int]
    stored: int

    @property
    def is_right(self) -> bool:
        """True if every message was answered with 200 and stored once."""
        return self.stored == self.messages and set(self.codes) == {"200"}


def main(
    messages: Annotated[int, typer.Option(min=2, help="Number of different messages.")] = 20_000,
    senders: Annotated[int, typer.Option(min=1, max=256, help="Concurrent senders, with one connection each.")] = 8,
    orders: Annotated[int, typer.Option(min=0, help="Orders that a concurrent `sync` loads.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Send messages to the route and measure the response times. Exit code 1 when one is not stored exactly once."""
    with open_environment(keep=keep) as environment:
        run(environment, "migrate").expect_success()
        token = secrets.token_urlsafe(24)
        with _run_concurrent_sync(environment, orders), _run_route(environment.url, token) as port:
            info(f"{messages:,} messages from {senders} senders")
            result = asyncio.run(_measure(port, token, messages, senders, orders > 0))
        with database.connect(environment.url) as connection:
            row = connection.execute("SELECT count(*) FROM sync.messages WHERE account = %s", [ACCOUNT]).fetchone()
        result.stored = int(str(row[0])) if row else 0
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        _show(result)
    if not result.is_right:
        raise typer.Exit(1)


@contextmanager
def _run_concurrent_sync(environment: Environment, orders: int) -> Iterator[None]:
    """Run a first load into the same database during the block; orders have landed when the block begins."""
    if not orders:
        yield
        return
    with run_sandbox(environment, "--orders", str(orders)) as sandbox:
        settings = sandbox.write_settings(environment.folder / "orders_sync.toml")
        log = environment.folder / "sync.log"
        with log.open("wb") as out:
            process = environment.start([executable(), "sync", "--config", str(settings)], out, out)
            _await_landing(environment, process)
            yield
            info(
                "the concurrent sync " + ("is still running" if process.poll() is None else "ended before the messages")
            )
            process.terminate()
            process.wait()


def _await_landing(environment: Environment, process: subprocess.Popen[bytes]) -> None:
    with database.connect(environment.url) as connection:
        while process.poll() is None:
            if connection.execute("SELECT EXISTS (SELECT FROM orders)").fetchone() == (True,):
                return
            time.sleep(0.05)
    raise BenchmarkError("the concurrent sync ended before any order landed")


@contextmanager
def _run_route(url: str, token: str) -> Iterator[int]:
    """Serve the route with uvicorn in a separate process; yields its port."""
    # asyncio disables Nagle's algorithm, which costs 40 ms per response, only for sockets created with IPPROTO_TCP
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    process = multiprocessing.get_context("fork").Process(target=_run_server, args=(url, token, listener), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()


def _run_server(url: str, token: str, listener: socket.socket) -> None:
    asyncio.run(_serve_route(url, token, listener))


async def _serve_route(url: str, token: str, listener: socket.socket) -> None:
    account = AccountXportcn(
        name=ACCOUNT,
        platform="xportcn_ka",
        seller="u",
        app_id=Secret("k"),
        app_secret=Secret("s"),
        history_from=datetime(2025, 1, 1, tzinfo=UTC),
        hook_token=Secret(token),
    )

    async def on_stored(name: str) -> None:
        """Do nothing: no planner runs here."""

    async with database.connected(url, size=CONNECTIONS) as pool:
        app = Starlette(routes=hooks.routes(pool, [account], on_stored))
        await uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).serve([listener])


async def _measure(port: int, token: str, messages: int, senders: int, concurrent_sync: bool) -> Result:
    numbers = iter([number for number in range(messages) for _ in range(2 if number % DUPLICATE_EVERY == 0 else 1)])
    times: list[float] = []
    codes: Counter[str] = Counter()
    started = time.perf_counter()
    for sent in await asyncio.gather(*(_send(port, token, numbers) for _ in range(senders))):
        for code, seconds in sent:
            codes[code] += 1
            times.append(seconds * 1000)
    seconds = time.perf_counter() - started
    percentiles = statistics.quantiles(times, n=100)
    return Result(
        messages, senders, concurrent_sync, seconds, percentiles[49], percentiles[98], max(times), dict(codes), 0
    )


async def _send(port: int, token: str, numbers: Iterator[int]) -> list[tuple[str, float]]:
    """Send messages over one connection, one at a time. Return (status, seconds) of each response.

    Writes HTTP as text, because a client library costs more time than is measured here.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /hooks/xportcn/{ACCOUNT}/{token} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    sent = []
    for number in numbers:
        body = _message(number)
        started = time.perf_counter()
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        response = await reader.readuntil(b"}")
        sent.append((response.split(b" ", 2)[1].decode(), time.perf_counter() - started))
    writer.close()
    return sent


def _message(number: int) -> bytes:
    """Return a message as documented (api-facts 3), different for each number."""
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
    order_json = msgspec.json.encode(order).decode()
    return msgspec.json.encode(
        {"messageType": "ORDER_CREATE", "messageBody": order_json, "messagePlatform": 0, "timestamp": "1779263269913"}
    )


def _show(result: Result) -> None:
    condition = ", while a sync wrote into the same database" if result.concurrent_sync else ""
    responses = sum(result.codes.values())
    print(f"{responses:,} messages from {result.senders} senders in {result.seconds:.1f} s{condition}")
    print(f"  responses/s: {responses / result.seconds:,.0f}   by status: {result.codes}")
    print(f"  p50 {result.p50:.1f} ms   p99 {result.p99:.1f} ms   slowest {result.slowest:.1f} ms")
    for limit, description in ((100, "p99 below 100 ms"), (1000, "slowest below 1000 ms, the limit of the platform")):
        figure = result.p99 if limit == 100 else result.slowest
        print(f"  {description}: {'met' if figure < limit else 'NOT MET'}")
    print(f"  stored: {result.stored:,} of {result.messages:,} different ones, each once")


if __name__ == "__main__":
    run_cli(main)
