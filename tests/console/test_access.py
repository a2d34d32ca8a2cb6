"""Who may come in: log-in, sessions, rights, and what a request must be like."""

from __future__ import annotations

import os
from datetime import timedelta

import httpx
import msgspec
import pytest

from orders_sync.console import app, guard, passwords
from orders_sync.console.pages import all_pages
from orders_sync.settings import Settings
from orders_sync.store import console_access
from orders_sync.store.database import Session
from tests.support.console import Served, served
from tests.support.databases import Tables

GETS = sorted(each.path for each in all_pages() if each.method == "GET")
POSTS = sorted(each.path for each in all_pages() if each.method == "POST")


def settings(**console: object) -> Settings:
    found = Settings()
    return msgspec.structs.replace(found, console=msgspec.structs.replace(found.console, **console))


async def test_every_page_sends_a_stranger_to_the_log_in_and_back(gate: Served) -> None:
    async with gate.nobody() as client:
        for path in GETS:
            answer = await client.get(path, params={"q": "1"})
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next=%2F"), path
            assert answer.headers["location"].endswith("q%3D1"), path


async def test_every_action_is_refused_to_strangers_to_other_origins_and_without_one(gate: Served) -> None:
    async with gate.nobody() as client:
        for path in POSTS:
            refused = await client.post(path)
            assert refused.status_code == 401, path
            assert "what you sent was not done" in refused.text, path
    async with gate.person() as client:
        own = client.headers.pop("origin")
        for path in POSTS:
            for headers in (
                {"Origin": "http://elsewhere.example"},
                {"Origin": "null"},
                {"Origin": own, "Sec-Fetch-Site": "cross-site"},
                {"Origin": own, "Sec-Fetch-Site": "same-site"},
                {},
            ):
                assert (await client.post(path, headers=headers)).status_code == 403, (path, headers)


async def test_the_session_of_this_browser_is_named_among_the_others(console: Served) -> None:
    token = await console.add("lin")
    async with console.nobody() as first, console.nobody() as second:
        for client in (first, second):
            await client.post("/login", data={"name": "lin", "password": token})
        for client in (first, second):
            text = (await client.get("/me")).text
            assert text.count("End this session") == 2
            assert text.count("this session</strong>") == 1
        newest, oldest = (await second.get("/me")).text, (await first.get("/me")).text
        assert newest.index("this session</strong>") < newest.index("End this session")
        assert oldest.index("this session</strong>") > oldest.index("End this session")


async def test_who_may_only_look_cannot_act(gate: Served) -> None:
    async with gate.person(may_act=False) as client:
        for page in all_pages():
            if page.needs_right_to_act:
                answer = await client.post(page.path, data={})
                assert answer.status_code == 403, page.path
                assert "You may look, but not change anything." in answer.text, page.path


async def test_a_session_ends_by_log_out_here_or_everywhere_by_its_owner_by_a_new_token_and_by_removal(
    console: Served,
) -> None:
    async def is_in(client: httpx.AsyncClient) -> bool:
        return (await client.get("/me")).status_code == 200

    async with console.person("lin") as client:
        assert await is_in(client)
        cookie = dict(client.cookies)
        await client.post("/logout")
        client.cookies.update(cookie)
        assert not await is_in(client), "the key of a session that was ended opens nothing"
    async with console.person("lin") as first:
        [key] = Tables(console.site.url).query("SELECT encode(key_hash, 'hex') FROM sync.console_sessions")
        await first.post("/me/end", data={"session": key[0]})
        assert not await is_in(first)
    async with console.person("lin") as first, console.person("chen") as chen:
        cookie = dict(first.cookies)
        async with console.nobody() as second:
            second.cookies.update(cookie)
            assert "Log out everywhere" in (await second.get("/me")).text
            assert (await second.post("/me/end-all")).headers["location"] == "/login"
            assert not await is_in(second)
        assert [await is_in(first), await is_in(chen)] == [False, True]
    async with console.person("lin") as client:
        await console.add("lin")
        assert not await is_in(client)
    async with console.person("lin") as client, console.site.pool.connection() as connection:
        assert await console_access.remove(connection, "lin")
        assert not await is_in(client)


async def test_nobody_ends_the_session_of_another(console: Served) -> None:
    async with console.person("lin") as lin, console.person("chen") as chen:
        keys = Tables(console.site.url).query(
            "SELECT encode(key_hash, 'hex') FROM sync.console_sessions "
            "JOIN sync.console_people AS p ON p.id = person_id ORDER BY name DESC"
        )
        said = [await chen.post("/me/end", data={"session": key}) for (key,) in keys]
        assert [each.status_code for each in said] == [404, 303], "lin's, then their own"
        assert "You have no such session" in said[0].text
        assert (await lin.get("/me")).status_code == 200
        assert (await chen.get("/me")).status_code == 303


async def test_a_session_that_is_not_used_ends(url: str) -> None:
    async with served(url, settings(session=timedelta(hours=1))) as console, console.person() as client:
        Tables(url).execute("UPDATE sync.console_sessions SET seen_at = seen_at - interval '50 min'")
        assert (await client.get("/me")).status_code == 200
        Tables(url).execute("UPDATE sync.console_sessions SET seen_at = seen_at - interval '50 min'")
        assert (await client.get("/me")).status_code == 200, "it was used meanwhile"
        Tables(url).execute("UPDATE sync.console_sessions SET seen_at = seen_at - interval '61 min'")
        answer = await client.post("/me/end", headers={"Referer": f"{console.root}/me"})
        assert answer.status_code == 401
        assert 'name="next" value="/me"' in answer.text
        assert (await client.get("/me", headers={"X-Part": "live"})).status_code == 401


async def test_failed_log_ins_are_limited_by_name_and_the_right_password_too(console: Served) -> None:
    token = await console.add("lin")
    async with console.nobody() as client:
        for _ in range(console_access.MOST_FAILED):
            answer = await client.post("/login", data={"name": "lin", "password": "wrong"})
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert (await client.post("/login", data={"name": "lin", "password": token})).status_code == 429
        Tables(console.site.url).execute("UPDATE sync.console_logins SET at = at - interval '16 min'")
        assert (await client.post("/login", data={"name": "lin", "password": token})).status_code == 303


async def test_an_unknown_name_is_told_apart_by_nothing(console: Served) -> None:
    await console.add("lin")
    async with console.nobody() as client:
        said = [(await client.post("/login", data={"name": name, "password": "x"})).text for name in ("lin", "nobody")]
    assert said[0] == said[1].replace('value="nobody"', 'value="lin"')
    assert 'name="name"' in said[0].split('value="lin"')[0], "the name stays"


async def test_who_is_logged_in_is_led_on_from_the_log_in_and_from_addresses_of_forms(console: Served) -> None:
    async with console.person("lin") as client:
        leads = {
            "/login?next=/orders": "/orders",
            "/logout": "/",
            "/language": "/",
            "/accounts/shop/pause": "/accounts/shop",
            "/orders/fetch?q=1": "/orders?q=1",
            "/audits/run": "/audits",
            "/rejects/replay?reason=no_order_id": "/rejects?reason=no_order_id",
            "/rejects/7/record": "/rejects/7",
            "/backfills/start": "/backfills",
            "/backfills/start?account=shop": "/backfills/new?account=shop",
            "/backfills/7/cancel": "/backfills/7",
        }
        for path, page in leads.items():
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, page), path


async def test_the_log_in_leads_nowhere_else(gate: Served) -> None:
    token = await gate.add("lin")
    for after, leads_to in {
        "/me?x=1": "/me?x=1",
        "https://elsewhere.example": "/",
        "//elsewhere.example": "/",
        "/\\elsewhere.example": "/",
        "javascript:alert(1)": "/",
        "/me\r\nSet-Cookie: a=b": "/",
        "/login": "/",
    }.items():
        async with gate.nobody() as client:
            answer = await client.post("/login", data={"name": "lin", "password": token, "next": after})
        assert answer.headers["location"] == leads_to, after


async def test_keys_and_passwords_are_stored_as_hashes_that_no_role_reads(console: Served) -> None:
    async with console.person() as client:
        key = client.cookies["orders_sync"]
        tables = Tables(console.site.url)
        rows = [
            *tables.query("SELECT * FROM sync.console_people"),
            *tables.query("SELECT * FROM sync.console_sessions"),
        ]
        assert key not in str(rows)
        assert "scrypt$" in str(rows)
        readable = (
            "SELECT bool_or(has_table_privilege(oid, 'SELECT')) FROM pg_class WHERE relname LIKE %s AND relkind = 'r'"
        )
        for personal_data in (False, True):
            async with console.site.reading(personal_data=personal_data) as connection:
                assert await (await connection.execute(readable, ["console%"])).fetchone() == (False,)


async def test_a_page_reads_by_a_role_that_cannot_write_or_see_personal_data(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_sync.console.site.READING_SECONDS", 40)
    async with console.site.reading() as connection:
        cursor = await connection.execute(
            """
            SELECT current_user::text, current_setting('transaction_read_only'), current_setting('statement_timeout'),
                has_table_privilege('order_receivers', 'SELECT'), has_table_privilege('orders', 'UPDATE')
            """
        )
        assert await cursor.fetchone() == ("orders_operator", "on", "40s", False, False)
        assert connection.info.parameter_status("application_name") == "orders-sync-console"


async def test_a_question_finds_no_right_and_no_limit_of_the_one_before_on_the_same_connection(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_sync.console.site.READING_SECONDS", 40)

    def limits(session: Session) -> tuple[object, ...] | None:
        return session.execute(
            """
            SELECT pg_backend_pid(), current_user::text, current_setting('transaction_read_only'),
                current_setting('statement_timeout')
            """
        ).fetchone()

    process, *first = await console.site.ask(limits, personal_data=True, seconds=300) or ()
    assert await console.site.ask(limits) == (process, "orders_operator", "on", "40s")
    assert first == ["orders_console", "on", "5min"]


async def test_answers_forbid_scripts_frames_and_caches(console: Served) -> None:
    async with console.person() as client:
        for path in ("/", "/login", "/nothing"):
            headers = (await client.get(path)).headers
            assert headers["content-security-policy"] == guard.POLICY
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
        style = await client.get((await client.get("/")).text.split('rel="stylesheet" href="')[1].split('"')[0])
        assert (style.status_code, style.headers["cache-control"]) == (200, app.CACHE_CONTROL)
        for path in ("/static/x/nothing.css", "/static/x/..%2Fapp.py", "/static/x/%2e%2e/app.py"):
            assert (await client.get(path)).status_code == 404


async def test_a_form_is_bounded(console: Served) -> None:
    async with console.nobody() as client:
        answer = await client.post("/login", content=b"x" * (guard.LARGEST + 1))
        assert answer.status_code == 413
        answer = await client.post("/login", content=b"\xff=%ff")
        assert answer.status_code == 400
        answer = await client.post("/login", content="&".join(f"a{number}=" for number in range(3000)).encode())
        assert answer.status_code == 400
        assert (await client.put("/login")).status_code == 405


async def test_the_cookie_is_bound_to_the_host_under_tls_only_by_word_of_a_trusted_proxy(url: str) -> None:
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7, 10.0.0.1"}
    for trusted, starts in (((), "orders_sync="), (("127.0.0.1", "10.0.0.0/8"), "__Host-orders_sync=")):
        async with served(url, settings(trusted_proxies=trusted)) as console:
            token = await console.add("lin")
            async with console.nobody() as client:
                answer = await client.post("/login", data={"name": "lin", "password": token}, headers=https)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(starts)
        assert ("Secure" in cookie) == bool(trusted)
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
    addresses = Tables(url).query("SELECT address FROM sync.console_logins ORDER BY id")
    assert addresses == [("127.0.0.1",), ("203.0.113.7",)]


async def test_a_header_logs_in_only_from_a_trusted_proxy_and_only_known_people(url: str) -> None:
    named = settings(trusted_proxies=("127.0.0.1",), user_header="X-Forwarded-User")
    async with served(url, named) as console, console.nobody() as client:
        await console.add("lin")
        assert "lin" in (await client.get("/me", headers={"X-Forwarded-User": "lin"})).text
        unknown = await client.get("/", headers={"X-Forwarded-User": "chen"})
        assert (unknown.status_code, "chen" in unknown.text) == (403, True)
        assert (await client.get("/")).status_code == 403
    async with served(url, settings(user_header="X-Forwarded-User")) as console, console.nobody() as client:
        assert (await client.get("/", headers={"X-Forwarded-User": "lin"})).status_code == 403


async def test_below_a_base_path_every_link_has_it_whether_the_proxy_removes_it_or_not(url: str) -> None:
    async with served(url, settings(base_path="/console")) as console, console.person() as client:
        for path in ("/me", "/console/me"):
            text = (await client.get(path)).text
            links = [part.split('"')[0] for mark in ('href="', 'action="') for part in text.split(mark)[1:]]
            assert [each for each in links if not each.startswith(("/console/", "#", "data:"))] == []
        assert (await client.get("/console/me")).status_code == 200


async def test_a_database_that_does_not_answer_is_a_plain_page(url: str) -> None:
    async with served(url) as console, console.person() as client:
        await console.site.pool.close()
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "The database does not answer." in answer.text
    assert 'data-refresh="5"' in answer.text


async def test_a_mistake_of_the_program_shows_a_number_and_nothing_else(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("buyer 13800000000")

    monkeypatch.setattr(console_access, "sessions", fail)
    async with console.person() as client:
        answer = await client.get("/me")
    assert answer.status_code == 500
    assert "13800000000" not in answer.text


async def test_while_the_tables_are_of_another_version_pages_say_so(console: Served) -> None:
    console.site.mismatch = lambda: "the tables are newer than this program"
    async with console.person() as client:
        assert "the tables are newer than this program" in (await client.get("/me")).text


async def test_a_password_is_checked_by_its_hash() -> None:
    stored = passwords.hashed("correct horse")
    assert await passwords.is_right("correct horse", stored)
    assert not await passwords.is_right("correct horse ", stored)
    assert not await passwords.is_right("correct horse", None)
    assert passwords.hashed("correct horse") != stored


async def test_a_role_that_may_not_take_those_of_readers_reads_by_itself_and_only_reads(url: str) -> None:
    """As on a server where the service's role could not make roles."""
    if "//postgres@" not in url:
        pytest.skip("roles of TEST_DATABASE_URL's server may not log in as this one does")
    name = f"orders_sync_plain_{os.getpid()}"
    tables = Tables(url)
    tables.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    tables.execute(f"GRANT pg_read_all_data, pg_write_all_data TO {name}")
    try:
        async with served(url.replace("//postgres@", f"//{name}:x@")) as console, console.person() as client:
            for path in GETS:
                if "{" not in path and path != "/export/file":
                    assert (await client.get(path)).status_code in (200, 400), path
            async with console.site.reading(personal_data=True) as connection:
                query = "SELECT current_user::text, current_setting('transaction_read_only')"
                assert await (await connection.execute(query)).fetchone() == (name, "on")
            assert await console.site.ask(lambda session: session.execute("SHOW transaction_read_only").fetchone()) == (
                "on",
            )
    finally:
        tables.execute(f"DROP OWNED BY {name}")
        tables.execute(f"DROP ROLE {name}")
