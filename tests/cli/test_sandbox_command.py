"""`orders-sync sandbox` and `orders-sync verify`: the platforms simulated, in a terminal of their own."""

from __future__ import annotations

import socket

import httpx

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Terminal, closed_port, interrupt, page_for_people, platforms, result


def test_sandbox_serves_a_settings_file_that_just_works(terminal: Terminal, url: str) -> None:
    """On any free port, until Ctrl-C."""
    serving, root = terminal.serve_sandbox("--orders", "30")
    terminal.write(httpx.get(f"{root}/sandbox/accounts.toml").text)
    said = terminal.run("sync", "--json", DATABASE_URL=url).assert_well()
    assert sum(outcome["rows"]["new"] for outcome in said.json) == 30
    terminal.run("verify", root, DATABASE_URL=url).assert_well()
    interrupt(serving)
    said = result(serving)
    assert said.code == 130
    assert "Traceback" not in said.text


def test_taken_port_is_said_with_the_option_to_change(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        terminal.run("sandbox", "--orders", "3", "--port", str(port)).assert_complains(str(port), "--port")


def test_verify_finds_what_is_missing_and_what_differs(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root, "sandbox-ka")
        terminal.run("sync").assert_well()
        Tables(url).execute(
            "UPDATE orders SET total_amount = total_amount + 1 WHERE order_id = (SELECT min(order_id) FROM orders)"
        )
        said = terminal.run("verify", root, "--json")
        assert "stop the changes" not in said.err
        httpx.post(f"{root}/sandbox/live", json={"rate": 1}).raise_for_status()
        live = terminal.run("verify", root).err
    for words in ("stop the changes", "`hidden`", f"{root}/sandbox/live", "sync --sweep all"):
        assert words in live
    assert said.code == 5
    assert "orders-sync sync --sweep all" in said.err
    found = {each["account"]: (len(each["missed"]), len(each["different"])) for each in said.json}
    assert found == {"sandbox-1688": (30, 0), "sandbox-open": (30, 0), "sandbox-ka": (0, 1)}


def test_verify_against_what_is_no_sandbox(landed: Landed) -> None:
    """No URL, nobody there, another program, a page for people: each one message with the URL."""
    with closed_port() as port, page_for_people() as page:
        asked = [
            "nonsense",
            "http://[",
            "http://127.0.0.1:port",
            f"http://127.0.0.1:{port}",
            landed.root + "/api",
            page,
        ]
        running = {url: landed.terminal.start("verify", url) for url in asked}
        for url, process in running.items():
            result(process).assert_complains(url, "sandbox")
