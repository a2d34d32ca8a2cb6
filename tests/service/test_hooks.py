"""The HTTP side of platforms' message services, on a real Postgres: stored before it is answered, whatever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from orders_sync.domain.messages import MessageContent
from orders_sync.domain.secret import Secret
from orders_sync.platforms import PLATFORMS, MessageService
from orders_sync.service import hooks
from orders_sync.store.database import Pool
from tests.support.hooks import ACCOUNTS, TOKEN, Planned, path, xportcn


@pytest.fixture
def planned() -> Planned:
    return Planned()


@pytest.fixture
def app(pool: Pool, planned: Planned) -> Starlette:
    return Starlette(routes=hooks.routes(pool, ACCOUNTS, planned))


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


@pytest.fixture
def stored(url: str) -> Callable[[], list[tuple[str, bytes]]]:
    """Return what another connection sees."""

    def look() -> list[tuple[str, bytes]]:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT account, body FROM sync.messages ORDER BY id").fetchall()

    return look


Stored = Callable[[], list[tuple[str, bytes]]]


async def test_a_message_is_stored_and_answered_200_and_planning_is_requested(
    http: httpx.AsyncClient, planned: Planned, stored: Stored
) -> None:
    answer = await http.post(path(), content=b'{"messageType": "ORDER_CREATE"}')
    assert (answer.status_code, answer.json()) == (200, {"code": 200})
    assert stored() == [("my.ka-shop", b'{"messageType": "ORDER_CREATE"}')]
    assert planned == ["my.ka-shop"]


async def test_it_is_committed_before_the_answer_begins_and_planning_is_requested_after_it_P4(
    app: Starlette, planned: Planned, stored: Stored
) -> None:
    seen: list[object] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"hello", "more_body": False}

    async def send(message: Message) -> None:
        seen.append((message["type"], stored(), list(planned)))

    scope = {"type": "http", "method": "POST", "path": path(), "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    kept = [("my.ka-shop", b"hello")]
    assert seen == [("http.response.start", kept, []), ("http.response.body", kept, [])]
    assert planned == ["my.ka-shop"]


async def test_the_same_message_again_is_200_and_stored_once(
    http: httpx.AsyncClient, planned: Planned, stored: Stored
) -> None:
    for _ in range(3):
        assert (await http.post(path(), content=b"same")).status_code == 200
    assert (await http.post(path("open", "another-token-0815"), content=b"same")).status_code == 200
    assert stored() == [("my.ka-shop", b"same"), ("open", b"same")]
    assert planned == ["my.ka-shop", "open"]


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[" * 10_000, b"<html>", "消息".encode()])
async def test_garbage_is_kept_and_answered_200(http: httpx.AsyncClient, stored: Stored, body: bytes) -> None:
    assert (await http.post(path(), content=body)).status_code == 200
    assert stored() == [("my.ka-shop", body)]


@pytest.mark.parametrize(
    ("account", "token"),
    [
        ("my.ka-shop", "another-token-0815"),
        ("my.ka-shop", "wrong"),
        ("my.ka-shop", "%FF%00"),
        ("nobody", TOKEN),
        ("nobody", "None"),
        ("deaf", TOKEN),
        ("deaf", "None"),
        ("kingdo", TOKEN),
    ],
)
async def test_nobody_else_is_let_in_nor_learns_what_was_wrong(
    http: httpx.AsyncClient, planned: Planned, stored: Stored, account: str, token: str
) -> None:
    answers = [await http.request(method, path(account, token), content=b"x") for method in ("GET", "POST")]
    assert {(each.status_code, each.text) for each in answers} == {(404, '{"code":404}')}
    assert (stored(), planned) == ([], [])


async def test_another_platforms_service_has_its_own_path_and_its_own_answers(
    pool: Pool, planned: Planned, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = MessageService("other", lambda body: MessageContent(), lambda status: f"<s>{status}</s>", "text/xml")
    monkeypatch.setitem(PLATFORMS, "other", replace(PLATFORMS["xportcn_ka"], name="other", messages=service))
    app = Starlette(routes=hooks.routes(pool, [*ACCOUNTS, xportcn("mine", platform="other")], planned))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/hooks/other/mine/{TOKEN}", content=b"x")
            assert (answer.status_code, answer.text) == (200, "<s>200</s>")
            assert answer.headers["content-type"].startswith("text/xml")
        large = await client.post(f"/hooks/other/mine/{TOKEN}", content=b"x" * (2**18 + 1))
        assert (large.status_code, large.text) == (413, "<s>413</s>")
        for wrong in (path("mine"), f"/hooks/other/my.ka-shop/{TOKEN}", f"/hooks/another/mine/{TOKEN}"):
            answer = await client.post(wrong, content=b"x")
            assert (answer.status_code, answer.text) == (404, '{"code":404}')
    assert (stored(), planned) == ([("mine", b"x")], ["mine"])


async def test_the_consoles_verify_button_gets_its_200_and_stores_nothing(
    http: httpx.AsyncClient, stored: Stored
) -> None:
    assert (await http.get(path())).status_code == 200
    assert (await http.put(path(), content=b"x")).status_code == 405
    assert stored() == []


async def test_a_body_up_to_256_kB_is_taken_and_a_larger_one_is_not_P7(http: httpx.AsyncClient, stored: Stored) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(257):
            yield b"x" * 1024

    assert (await http.post(path(), content=b"x" * (2**18 + 1))).status_code == 413
    assert (await http.post(path(), content=parts())).status_code == 413  # no Content-Length
    assert stored() == []
    assert (await http.post(path(), content=b"x" * 2**18)).status_code == 200


async def test_a_sender_who_leaves_in_the_middle_is_no_error(app: Starlette, stored: Stored) -> None:
    coming: list[Message] = [{"type": "http.request", "body": b"ha", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path(), "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert stored() == []


async def test_a_database_that_is_down_is_503_and_once_it_is_back_the_repetition_is_stored(
    http: httpx.AsyncClient, url: str, server: str, stored: Stored, planned: Planned
) -> None:
    [name] = [part.partition("?")[0] for part in url.split("@/")[1:]]
    with psycopg.connect(server, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            assert (await http.post(path(), content=b"m")).status_code == 503
            assert planned == []
        finally:
            other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    async with asyncio.timeout(300):
        while (await http.post(path(), content=b"m")).status_code != 200:
            pass
    assert stored() == [("my.ka-shop", b"m")]


async def test_a_database_that_hangs_is_503_and_what_it_stores_after_all_is_stored_once(
    http: httpx.AsyncClient, url: str, stored: Stored
) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE sync.messages IN ACCESS EXCLUSIVE MODE")
        assert (await http.post(path(), content=b"m")).status_code == 503
    async with asyncio.timeout(300):
        while (await http.post(path(), content=b"m")).status_code != 200:
            pass
    assert stored() == [("my.ka-shop", b"m")]


async def test_a_pool_that_is_used_up_is_503(http: httpx.AsyncClient, pool: Pool, stored: Stored) -> None:
    held = [await pool.getconn() for _ in range(pool.max_size)]
    assert (await http.post(path(), content=b"m")).status_code == 503
    for each in held:
        await pool.putconn(each)
    assert (await http.post(path(), content=b"m")).status_code == 200


def test_the_token_is_in_no_repr_P8(app: Starlette) -> None:
    shown = " ".join(f"{each!r} {each}" for each in (*ACCOUNTS, *app.routes, *dict(hooks._hooks(ACCOUNTS)).items()))
    assert "my.ka-shop" in shown
    assert TOKEN not in shown
    assert isinstance(ACCOUNTS[0].hook_token, Secret)  # type: ignore[attr-defined]
