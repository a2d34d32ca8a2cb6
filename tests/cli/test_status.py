"""`orders-sync status` and `orders-sync order`: what is in the tables."""

from __future__ import annotations

import json

from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Terminal, result

ONE_OF_EACH = {
    "order id": "SELECT order_id, order_id FROM orders WHERE platform = '1688' ORDER BY 1 LIMIT 1",
    "order number": "SELECT order_no, order_id FROM orders WHERE order_no <> order_id ORDER BY 1 LIMIT 1",
    "purchase id": "SELECT purchase_id, order_id FROM orders WHERE purchase_id <> order_id ORDER BY 1 LIMIT 1",
    "line id": "SELECT sub_order_id, order_id FROM sub_orders WHERE sub_order_id <> order_id ORDER BY 1 LIMIT 1",
    "tracking number": "SELECT tracking_no, order_id FROM order_parcels WHERE tracking_no <> order_id LIMIT 1",
}


def test_status_is_a_line_an_account(landed: Landed) -> None:
    said = landed.terminal.run("status").assert_well()
    for account in landed.world.accounts:
        assert [line.split()[:2] for line in said.out.splitlines() if line.startswith(f"{account.name} ")] == [
            [account.name, account.platform]
        ]


def test_status_json_says_how_far_every_account_is_complete(landed: Landed) -> None:
    found = landed.terminal.run("status", "--json", "--orders").assert_well().json
    assert {row["account"]: (row["orders"], row["failed"], row["last_error"]) for row in found} == {
        account.name: (account.orders, 0, None) for account in landed.world.accounts
    }
    assert all(row["watermark"] and row["behind_seconds"] >= 0 for row in found)


def test_status_of_an_empty_database_says_what_to_do(terminal: Terminal, url: str) -> None:
    both = [terminal.start("status", DATABASE_URL=url), terminal.start("status", "--json", DATABASE_URL=url)]
    said, machine = [result(process).assert_well() for process in both]
    assert "orders-sync sync" in said.out
    assert machine.json == []


def test_an_order_is_found_by_any_number_a_person_has(landed: Landed) -> None:
    numbers = {kind: landed.tables.query(query)[0] for kind, query in ONE_OF_EACH.items()}
    asked = {kind: landed.terminal.start("order", number, "--json") for kind, (number, _) in numbers.items()}
    for kind, process in asked.items():
        found = result(process).assert_well().json
        assert numbers[kind][1] in [each["order"]["order_id"] for each in found], kind
        assert all(each["sub_orders"] and each["product_items"] and each["history"] for each in found), kind


def test_an_order_is_shown_with_its_lines_and_history(landed: Landed) -> None:
    [(order_id, title)] = landed.tables.query(
        "SELECT order_id, title FROM orders JOIN product_items USING (platform, order_id) WHERE title <> '' LIMIT 1"
    )
    said = landed.terminal.run("order", order_id).assert_well()
    for words in (f"Order {order_id}", title[:8], "sub_orders", "product_items", "history"):
        assert words in said.out


def test_an_order_that_is_listed_no_more_is_said_to_be_by_status_and_by_order(landed: Landed) -> None:
    [(order_id, account)] = landed.tables.query("SELECT order_id, account FROM orders ORDER BY order_id LIMIT 1")
    landed.tables.query(
        "INSERT INTO sync.missing_orders SELECT platform, order_id, now(), 1 FROM orders WHERE order_id = %s "
        "RETURNING 1",
        order_id,
    )
    try:
        [status, machine, shown, found] = [
            result(landed.terminal.start(*words)).assert_well()
            for words in (["status"], ["status", "--json"], ["order", order_id], ["order", order_id, "--json"])
        ]
    finally:
        landed.tables.query("DELETE FROM sync.missing_orders RETURNING 1")
    assert f"{account}: 1 order that can change is in the tables and no longer listed" in " ".join(status.out.split())
    assert [row["missing_orders"] for row in machine.json if row["account"] == account] == [1]
    assert "no longer listed by the platform" in " ".join(shown.err.split())
    assert found.json[0]["missing_since"]


def test_status_says_when_orders_are_listed_so_late_that_confirm_is_too_short(landed: Landed) -> None:
    account = landed.world.accounts[0].name
    said = {}
    try:
        for late in ("20 minutes", "2 hours"):
            landed.tables.execute(
                "UPDATE sync.windows SET late_by = %s::interval WHERE id = (SELECT min(id) FROM sync.windows "
                "WHERE account = %s AND state = 'done')",
                late,
                account,
            )
            runs = [landed.terminal.start("status"), landed.terminal.start("status", "--json")]
            text, machine = [result(process).assert_well() for process in runs]
            [seconds] = [row["late_seconds"] for row in machine.json if row["account"] == account]
            said[seconds] = "raise `confirm`" in " ".join(text.out.split())
    finally:
        landed.tables.execute("UPDATE sync.windows SET late_by = NULL WHERE late_by IS NOT NULL")
    assert said == {1200: False, 7200: True}


def test_raw_is_the_payload_byte_for_byte_P4(landed: Landed) -> None:
    shop = landed.world.shop("sandbox-ka")
    order = next(order for order in shop.index.orders.values() if not shop.served_record(order).isascii())
    said = landed.terminal.run("order", order.order_id, "--raw").assert_well()
    assert said.out.encode() == shop.served_record(order) + b"\n"
    json.loads(said.out)


def test_raw_says_so_when_retention_removed_the_payload(terminal: Terminal, url: str) -> None:
    Tables(url).execute(
        """
        WITH one AS (
            INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count)
            VALUES ('1688', '7', 'a', 's', 'other', 'CNY', 0), ('xportcn_ka', '7', 'b', 's', 'other', 'CNY', 0)
        )
        INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at, payload)
        VALUES ('1688', 'a', '7', '', '', now(), NULL), ('xportcn_ka', 'b', '7', '', '', now(), '{}')
        """
    )
    said = terminal.run("order", "7", "--raw", DATABASE_URL=url)
    said.assert_complains("7 on 1688", "[retention] raw", "omit --raw")
    assert said.out == "{}\n"


def test_output_goes_to_places_that_do_not_know_utf_8(landed: Landed) -> None:
    [(order_id,)] = landed.tables.query("SELECT order_id FROM orders WHERE platform = '1688' LIMIT 1")
    said = landed.terminal.run("order", order_id, PYTHONIOENCODING="ascii")
    assert said.code == 0, said.text


def test_unknown_number_says_where_to_look(landed: Landed) -> None:
    landed.terminal.run("order", "31415926535").assert_complains("31415926535", "orders-sync status")
