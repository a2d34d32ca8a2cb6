"""Output of every command on terminals of 80 and 60 columns: whole ids, numbers and amounts, no control sequences.

The platform of these tests is malicious: what buyers and sellers write holds terminal escapes, bidi and Rich markup.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from rich.cells import cell_len

from orders_sync.sandbox import Faults
from tests.support.databases import Tables, made_database
from tests.support.landed import a_world
from tests.support.terminal import Said, Terminal, platforms

EVIL = "\x1b[2J\x1b]52;c;eA==\x07\x9b31m\u202e98765\u2028[red]x[/red][/y]"
SHOWN = "␛[2J␛]52;c;eA==␇<U+009B>31m<U+202E>98765<U+2028>[red]x[/red][/y]"
ODD_ID = "[/x]7[red]8[/red]"
WIDTHS = (80, 60)
RANGE = ("--from", "2026-01-01", "--to", "2026-03-01")
COMMANDS = {
    "status": ("status",),
    "accounts": ("accounts", "list"),
    "order": ("order", "ORDER"),
    "odd order": ("order", ODD_ID),
    "order json": ("order", "ORDER", "--json"),
    "order raw": ("order", "ORDER", "--raw"),
    "rejects": ("rejects", "list", "--all", "--ids"),
    "reasons": ("rejects", "list"),
    "reject": ("rejects", "show", "REJECT"),
    "replay": ("rejects", "replay", "REJECT"),
    "backfills": ("backfill", "list"),
    "preview": ("backfill", "--account", "sandbox-1688", "--everything", *RANGE),
    "audit": ("audit",),
    "renormalize": ("renormalize",),
    "verify": ("verify", "ROOT"),
    "doctor": ("doctor",),
    "sync": ("sync",),
}
WRITERS = ("replay", "renormalize", "audit", "sync")  # run when all others have been


@dataclass
class Screens:
    """The output of every command at each width."""

    said: dict[tuple[str, int], Said]
    tables: Tables
    order: str
    rejects: list[str]  # their ids, and of their orders

    def at(self, command: str, width: int) -> str:
        return self.said[command, width].out


@pytest.fixture(scope="module")
def screens(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    world = a_world(90)
    with (
        made_database(server, "screens", template) as tables,
        platforms(world, Faults({"malformed": 0.1})) as (root, _),
    ):
        terminal = Terminal(tmp_path_factory.mktemp("screens"), {"DATABASE_URL": tables.url})
        terminal.describe(world, root)
        assert terminal.run("sync").code == 0
        order, reject = _spoil(tables)
        words = {"ORDER": order, "REJECT": reject, "ROOT": root}
        with ThreadPoolExecutor(3) as runners:

            def shown(names: Collection[str]) -> dict[tuple[str, int], Said]:
                running = {
                    (name, width): runners.submit(
                        terminal.on_screen, width, *(words.get(word, word) for word in COMMANDS[name])
                    )
                    for name in names
                    for width in WIDTHS
                }
                return {key: each.result() for key, each in running.items()}

            read = shown([name for name in COMMANDS if name not in WRITERS])
            rejects = tables.query("SELECT id::text, coalesce(order_id, '') FROM sync.rejects")
            yield Screens(read | shown(WRITERS), tables, order, [word for row in rejects for word in row if word])
        terminal.close()


def _spoil(tables: Tables) -> tuple[str, str]:
    """Put into the tables what a platform may send; returns an order with every part, and a reject."""
    [(order,)] = tables.query(
        """
        SELECT order_id FROM order_parcels JOIN orders USING (platform, order_id)
        WHERE platform = '1688' AND line_count > 0 ORDER BY order_id LIMIT 1
        """
    )
    tables.execute("UPDATE orders SET buyer_message = %s, total_amount = 123456789.12 WHERE order_id = %s", EVIL, order)
    tables.execute("UPDATE product_items SET title = %s WHERE order_id = %s", EVIL * 3, order)
    tables.execute(
        "UPDATE raw_orders SET payload = %s WHERE order_id = %s", json.dumps(EVIL, ensure_ascii=False), order
    )
    tables.execute(
        """
        INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count)
        VALUES ('1688', %s, 'sandbox-1688', '[/bold]', 'other', 'CNY', 0)
        """,
        ODD_ID,
    )
    tables.execute("UPDATE sync.accounts SET last_error = %s WHERE name = 'sandbox-ka'", f"sandbox-ka: {EVIL}")
    tables.execute(
        "UPDATE sync.accounts SET suspended_at = now(), suspended_because = %s WHERE name = 'sandbox-open'", EVIL
    )
    tables.execute(
        """
        INSERT INTO sync.backfills (id, account, feed, starts_at, ends_at, state)
        VALUES (1234567, 'sandbox-ka', 'created', '2026-01-01', '2026-02-01', 'cancelled')
        """
    )
    [(reject,)] = tables.query("UPDATE sync.rejects SET reason = %s RETURNING id", f"{EVIL} in a reason of many words")[
        :1
    ]
    tables.execute("UPDATE sync.rejects SET order_id = %s, payload = %s WHERE id = %s", ODD_ID, EVIL.encode(), reject)
    return order, str(reject)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_of_a_platform_is_obeyed(screens: Screens, command: str, width: int) -> None:
    said = screens.said[command, width]
    assert said.code in (0, 1, 5, 7), said.text
    assert "Traceback" not in said.text
    assert "internal error" not in said.text
    assert not {c for c in said.text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("order json", "order raw", "doctor")])
def test_no_line_is_wider_than_the_screen(screens: Screens, command: str, width: int) -> None:
    for line in screens.at(command, width).splitlines():
        longest = max(map(cell_len, line.split()), default=0)  # a word runs on rather than being cut
        assert cell_len(line) <= width or longest > width - 20, line


@pytest.mark.parametrize("width", WIDTHS)
def test_every_value_of_an_order_is_whole(screens: Screens, width: int) -> None:
    said = screens.at("order", width)
    words = set(said.replace(",", " ").replace(";", " ").split())
    keys = {
        "orders": "order_id, order_no, payment_no, total_amount::text, paid_amount::text",
        "sub_orders": "sub_order_id, amount::text",
        "product_items": "sub_order_id, product_id, sku_id, unit_price::text, amount::text",
        "order_parcels": "parcel_id, tracking_no",
    }
    for table, columns in keys.items():
        for row in screens.tables.query(f"SELECT {columns} FROM {table} WHERE order_id = %s", screens.order):
            assert {str(value) for value in row if value} <= words, said
    assert SHOWN in "".join(said.split())
    assert ODD_ID in screens.at("odd order", width).splitlines()[0]
    assert ODD_ID in screens.at("odd order", width).split()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_id_and_number_of_the_other_tables_is_whole(screens: Screens, width: int) -> None:
    accounts = ("sandbox-1688", "sandbox-open", "sandbox-ka")
    for command in ("status", "accounts", "audit", "verify", "sync"):
        assert set(accounts) <= set(screens.at(command, width).split()), command
    for platform in ("1688", "xportcn_open", "xportcn_ka"):
        for command in ("status", "accounts", "renormalize"):
            assert platform in screens.at(command, width).split(), command
    backfills = screens.at("backfills", width).split()
    assert {"1234567", "sandbox-ka", "cancelled"} <= set(backfills)
    assert set(screens.rejects) <= set(screens.at("rejects", width).split())
    for command in ("rejects", "reject", "replay"):
        assert SHOWN.replace("[", "") in "".join(screens.at(command, width).split()).replace("[", ""), command
    assert re.search(r"about [0-9]+\b", screens.at("preview", width))
    assert re.search(r"about [0-9]+ (s|min|h|d)\b", screens.at("preview", width))


@pytest.mark.parametrize("width", WIDTHS)
def test_json_on_a_screen_is_the_same_json(screens: Screens, width: int) -> None:
    [found] = json.loads(screens.at("order json", width))
    assert found["order"]["buyer_message"] == EVIL
    assert "<U+202E>98765" in screens.at("order raw", width)
