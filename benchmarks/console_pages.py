"""Every page of the console, asked over HTTP as a browser asks it: what a person waits, and where the time goes.

    client --HTTP--> uvicorn, Starlette, Jinja in a thread --SQL--> Postgres

The console runs in a thread of this process, so that each statement of a page is seen with its time.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode

from benchmarks import pg_stats
from benchmarks.environment import BenchmarkError, info
from benchmarks.statements import Recorder, recorded
from orders_sync.console import app, passwords
from orders_sync.console.site import Site
from orders_sync.domain import local_times
from orders_sync.engine import sources
from orders_sync.service.app import CONSOLE_CONNECTIONS, CONSOLE_WAIT
from orders_sync.service.web import Server, listening_socket
from orders_sync.settings import Settings, load
from orders_sync.store import console_access, database

PERSON = "benchmark"
LOGIN = "/login"
START_SECONDS = 60.0
_OWN = {
    "1688": {"seller_nick": "{seller}", "app_id": "app-{name}", "app_secret": "x"},
    "xportcn_open": {"user_id": "{seller}", "access_key": "key-{name}", "access_secret": "x"},
    "xportcn_ka": {"user_id": "{seller}", "access_key": "key-{name}", "access_secret": "x"},
}


@dataclass(frozen=True)
class PageTime:
    """Milliseconds of one page. `database`: that its statements were waited for, `statements` of them in each request.

    `cpu_python` and `cpu_postgres`: processor time of one request, which other programs on the machine disturb less;
    None where the server is no local process.
    """

    page: str
    p50: float
    p95: float
    database: float
    statements: int
    cpu_python: float
    cpu_postgres: float | None
    kilobytes: float


def settings_of(connection: database.Session) -> Settings:
    """Return settings that have every account of the tables, so that pages judge and plan them."""
    rows = connection.execute("SELECT name, platform, host, seller FROM sync.accounts ORDER BY name").fetchall()
    listed = []
    for name, platform, host, seller in rows:
        own = {key: value.format(name=name, seller=seller) for key, value in _OWN[str(platform)].items()}
        base = {"name": name, "platform": platform, "history_from": "2026-01-01", "base_url": f"https://{host}"}
        listed.append({**base, **own})
    return load(None, {"ORDERS_SYNC_ACCOUNTS": json.dumps(listed)})


def pages(connection: database.Session, today: datetime) -> dict[str, str]:
    """Return the path of every page by what it shows; of those with many forms, the dear ones."""

    def newest(table: str, condition: str = "true") -> object:
        query = f"SELECT max(id) FROM {table} WHERE {condition}"
        return connection.execute(query.encode()).fetchall()[0][0]

    names = [str(name) for (name,) in connection.execute("SELECT name FROM sync.accounts ORDER BY name").fetchall()]
    day = local_times.day(today - timedelta(days=6))
    month = {"from": local_times.day(today - timedelta(days=30)), "to": local_times.day(today)}
    year = {"from": local_times.day(today - timedelta(days=364)), "to": local_times.day(today)}
    hour = local_times.iso(today.replace(minute=0, second=0, microsecond=0) - timedelta(hours=5))
    before = local_times.day(today - timedelta(days=300))
    [(platform, order)] = connection.execute("SELECT platform, order_id FROM orders WHERE order_no = 'no77'").fetchall()

    def url(path: str, accounts: Sequence[str] = (), **query: object) -> str:
        return f"{path}?{urlencode([*(('account', each) for each in accounts), *query.items()])}"

    return {
        "overview": "/",
        "overview: shops with trouble": url("/", state="trouble"),
        "overview: shops by name": url("/", q="shop04"),
        "shop: a window a minute": "/accounts/shop001",
        "shop: windows of one second": "/accounts/shop002",
        "shop: hours of most of a year ago": url("/accounts/shop001", until=before),
        "shop: the windows of one hour": url("/accounts/shop001", hour=hour),
        "orders": "/orders",
        "orders of a shop and a month": url("/orders", names[:1], **month),
        "orders of a state that none is in": url("/orders", state="unshipped"),
        "orders of a shop and a state that none is in": url("/orders", names[:1], state="unshipped"),
        "order by its tracking number": url("/orders", q="trackno77"),
        "order by its key": f"/orders/{platform}/{order}",
        "order that is not here": url("/orders", q="9876543210"),
        "fifty orders by their numbers": url("/orders", q=" ".join(f"no{n}" for n in range(1, 51))),
        "fifty numbers, none of them here": url("/orders", q=" ".join(str(9876543210 + n) for n in range(50))),
        "backfills": "/backfills",
        "backfill of all shops": f"/backfills/{newest('sync.backfills', 'request_id IS NULL')}",
        "preview: a shop and a month": url("/backfills/new", names[:1], **month),
        "preview: all shops and a day": url("/backfills/new", names, **{"from": day, "to": day}),
        "preview: all shops and a year": url("/backfills/new", names, **year),
        "preview: an order by its number": url("/backfills/orders", numbers="no77"),
        "audits": "/audits",
        "audits of a shop": url("/audits", names[:1]),
        "audits with open differences": url("/audits", open=1),
        "audit with its differences": f"/audits/{newest('sync.audits', 'differences > 0')}",
        "rejects": "/rejects",
        "rejects of a reason and a shop": url("/rejects", names[20:21], reason="no_order_id"),
        "reject": f"/rejects/{newest('sync.rejects')}",
        "activity": "/activity",
        "activity of a shop": url("/activity", names[:1]),
        "activity of a person who did nothing": url("/activity", actor="nobody"),
        "export form": "/export",
        "dictionary": "/dictionary",
        "dictionary: columns by a word": url("/dictionary", q="refund"),
        "system": "/system",
        "own sessions": "/me",
        "log-in": LOGIN,
    }


def measure(
    url: str, postmaster: int | None, repeats: int, only: str = ""
) -> tuple[list[PageTime], dict[str, Recorder]]:
    """Ask every page `repeats` times after once; return the times, and by page its statements.

    `only`: pages whose name holds this text.
    Raises `BenchmarkError` for a page that does not answer with 200.
    """
    with database.connect(url) as connection:
        settings = settings_of(connection)
        paths = {page: path for page, path in pages(connection, datetime.now(UTC)).items() if only in page}
    times, recorders = [], {}
    with serving(url, settings) as browser, recorded() as recorder:
        for page, path in paths.items():
            info(page)
            browser.get(path)
            recorder.clear()
            times.append(_measured(page, path, browser, recorder, postmaster, repeats))
            recorders[page] = recorder.copy()
    return times, recorders


def _measured(
    page: str, path: str, browser: Browser, recorder: Recorder, postmaster: int | None, repeats: int
) -> PageTime:
    waits: list[float] = []
    size = 0
    python, own, postgres = time.process_time(), time.thread_time(), pg_stats.postgres_cpu_seconds(postmaster)
    for _ in range(repeats):
        began = time.perf_counter()
        size = len(browser.get(path))
        waits.append((time.perf_counter() - began) * 1000)
    python = time.process_time() - python - (time.thread_time() - own)  # without the client
    after = pg_stats.postgres_cpu_seconds(postmaster)
    return PageTime(
        page,
        percentile(waits, 0.5),
        percentile(waits, 0.95),
        recorder.milliseconds / repeats,
        recorder.count // repeats,
        python * 1000 / repeats,
        None if after is None or postgres is None else (after - postgres) * 1000 / repeats,
        size / 1000,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Browser:
    """A connection that stays open, of somebody who has logged in."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"Origin": f"http://127.0.0.1:{port}", "Accept-Language": "en"}

    def log_in(self, name: str, token: str) -> None:
        """Log in and keep the cookie."""
        body = urlencode({"name": name, "password": token})
        answer, _ = self._ask("POST", LOGIN, body, {"Content-Type": "application/x-www-form-urlencoded"})
        if answer.status != 303:
            raise BenchmarkError(f"the log-in answered {answer.status}")
        self._headers["Cookie"] = (answer.getheader("Set-Cookie") or "").split(";")[0]

    def get(self, path: str) -> bytes:
        """Return a page, that of the log-in without a session. Raises `BenchmarkError` where it is none."""
        answer, text = self._ask("GET", path, headers={"Cookie": ""} if path == LOGIN else None)
        if answer.status != 200:
            raise BenchmarkError(f"{path[:200]} answered {answer.status}")
        return text

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPResponse, bytes]:
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        return answer, answer.read()


@contextmanager
def serving(url: str, settings: Settings) -> Iterator[Browser]:
    """Serve the console in a thread during the block; yield somebody who has logged in."""
    token = passwords.new_token()
    ready = threading.Event()
    state: dict[str, Any] = {}

    def serve() -> None:
        asyncio.run(_serve(url, settings, token, state, ready))

    thread = threading.Thread(target=serve, name="console")
    thread.start()
    try:
        if not ready.wait(START_SECONDS) or "port" not in state:
            raise BenchmarkError("the console did not start")
        browser = Browser(state["port"])
        browser.log_in(PERSON, token)
        yield browser
    finally:
        if "server" in state:
            state["server"].should_exit = True
        thread.join()


async def _serve(url: str, settings: Settings, token: str, state: dict[str, Any], ready: threading.Event) -> None:
    listening = listening_socket("127.0.0.1:0")
    try:
        async with database.open_pool(url, CONSOLE_CONNECTIONS, CONSOLE_WAIT, name="orders-sync-console") as pool:
            async with pool.connection() as connection:
                await console_access.put(
                    connection, PERSON, passwords.hashed(token), may_act=True, may_see_personal_data=False
                )
            site = Site(url, settings, pool, sources=sources.usable(settings))
            state["server"] = server = Server(app.make(site), proxy_headers=False)
            state["port"] = listening.getsockname()[1]
            ready.set()
            await server.serve(sockets=[listening])
            site.close()
    finally:
        ready.set()
