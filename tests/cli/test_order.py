"""`orders-sync order`: any number finds its order; what is not here is explained."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orders_sync.domain.local_times import stamp
from orders_sync.store.order_numbers import SEARCHED
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Said, Terminal

ORDERS = """
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, order_no,
        seller_order_no, purchase_id, outer_purchase_id, refund_id, after_sale_refund_id, payment_no, created_at)
    VALUES ('xportcn_ka', 'id1', 'shop', '2', 'other', 'CNY', 1, 'no1', 'sellerno1', 'purchase1', 'outer1', 'refund1',
            'aftersale1', 'payment1', now() - interval '1 day'),
        ('other', 'id2', 'gone', 'strange', 'other', 'CNY', 1, 'no2', NULL, NULL, NULL, NULL, NULL, NULL, now())
"""
LINES = """
    INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, currency, purchase_id, sub_purchase_id,
        outer_purchase_id, outer_line_id, refund_id, after_sale_refund_id, payment_no)
    VALUES ('xportcn_ka', 'id1', 'line1', 1, 'CNY', 'linepurchase1', 'subpurchase1', 'lineouter1', 'outerline1',
        'linerefund1', 'lineaftersale1', 'linepayment1')
"""
PARCELS = """
    INSERT INTO order_parcels (platform, order_id, parcel_id, tracking_no)
    VALUES ('xportcn_ka', 'id1', 'parcel1', 'SF1')
"""
ACCOUNTS = """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark, suspended_at, removed_at)
    VALUES ('shop', 'xportcn_ka', 'h', 's', 'created', now() - interval '9 days', now(), NULL, NULL),
        ('stopped', '1688', 'h', 's', 'updated', now() - interval '9 days', now() - interval '2 days', now(), NULL),
        ('gone', 'other', 'h', 's', 'created', now() - interval '9 days', now(), NULL, now())
"""
WINDOWS = """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, started_at)
    VALUES ('shop', 'incremental', 'created', now() - interval '9 days', now(), 'done', now() - interval '1 hour'),
        ('shop', 'sweep', 'created', now() - interval '2 days', now() - interval '12 hours', 'done', now()),
        ('stopped', 'incremental', 'updated', now() - interval '9 days', now() - interval '2 days', 'done', now()),
        ('gone', 'incremental', 'created', now() - interval '9 days', now() - interval '3 days', 'done', now())
"""
ALL = ["id1", "no1", *(column for column in ("sellerno1", "purchase1", "outer1", "refund1", "aftersale1", "payment1"))]
ALL += ["line1", "linepurchase1", "subpurchase1", "lineouter1", "outerline1", "linerefund1", "lineaftersale1"]
ALL += ["linepayment1", "SF1", "parcel1"]


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.fixture
def shop(terminal: Terminal, tables: Tables) -> Tables:
    """A database with two orders, and an account that is suspended and one that is removed."""
    terminal.variables["DATABASE_URL"] = tables.url
    for statement in (ORDERS, LINES, PARCELS, ACCOUNTS, WINDOWS):
        tables.execute(statement)
    return tables


def reject(tables: Tables, order_id: str | None, payload: bytes, account: str = "shop") -> int:
    tables.execute(
        "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at) "
        "VALUES (%s, 'xportcn_ka', %s, %s, %s, 'createTime: not a time', now())",
        account,
        order_id,
        payload,
        payload[:8],
    )
    return int(tables.query("SELECT max(id) FROM sync.rejects")[0][0])


def remarks(said: Said) -> dict[str, dict[str, str]]:
    [found] = said.json
    return {each["reason"]: each for each in found["remarks"]}


def test_every_number_of_an_order_finds_it_in_one_question(terminal: Terminal, shop: Tables) -> None:
    [found] = terminal.run("order", "\n".join(ALL), "--json").assert_well().json
    assert found["order"]["order_id"] == "id1"
    fields = {each["number"]: each["fields"] for each in found["matches"]}
    assert set(fields) == set(ALL)
    assert {field for each in fields.values() for field in each} == {"order_id", *(column for _, column in SEARCHED)}


def test_several_numbers_are_found_as_they_are_pasted(terminal: Terminal, shop: Tables) -> None:
    found = terminal.run("order", "＃no1，'id2", "SF1", "--json").assert_well().json
    assert [each["order"]["order_id"] for each in found] == ["id2", "id1"]
    assert terminal.run("order", "id2", "--account", "shop").code == 6
    assert terminal.run("order", " , ").code == 2
    terminal.run("order", " ".join(map(str, range(101)))).assert_complains("100 at most")
    terminal.run("order", "1", "--account", "nobody").assert_complains("nobody", "accounts list")


def test_a_status_is_said_in_words_and_one_that_nobody_documents_says_so(terminal: Terminal, shop: Tables) -> None:
    [(zh, en)] = shop.query(
        "SELECT name_zh, name_en FROM order_statuses WHERE (platform, status) = ('xportcn_ka', '2')"
    )
    assert f"2 ({zh}, {en})" in terminal.run("order", "id1").assert_well().out
    [found] = terminal.run("order", "id1", "--json").assert_well().json
    assert found["status_name"] == {"zh": zh, "en": en}
    assert found["asked_at"]
    assert "strange (not a documented status" in terminal.run("order", "id2").assert_well().out


def test_a_found_order_says_what_keeps_it_from_being_current(terminal: Terminal, shop: Tables) -> None:
    number = reject(shop, "id1", b'{"id": "id1"}')
    shop.execute("UPDATE orders SET unread_version_since = now() WHERE order_id = 'id1'")
    found = remarks(terminal.run("order", "id1", "--json").assert_well())
    assert found["rejected"]["command"] == f"orders-sync rejects show {number}"
    assert "createTime: not a time" in found["rejected"]["text"]
    assert "newer version" in terminal.run("order", "id1").assert_well().err
    assert remarks(terminal.run("order", "id2", "--json").assert_well())["removed"]["account"] == "gone"


def test_an_order_that_was_rejected_is_found_there_by_its_id_and_by_what_its_record_holds(
    terminal: Terminal, shop: Tables
) -> None:
    named = reject(shop, "3956000003473757090", b"{broken")
    nameless = reject(shop, None, b'{"orderNo": "PO-778899"}')
    for number, expected in (("3956000003473757090", named), ("PO-778899", nameless)):
        said = terminal.run("order", number, "--json")
        assert said.code == 6
        assert remarks(said)["rejected"]["command"] == f"orders-sync rejects replay {expected}"
    assert said.json[0]["order"] is None
    result = terminal.run("order", "3956000003473757090")
    result.assert_complains("3956000003473757090", "orders-sync status")
    assert f"orders-sync rejects replay {named}" in result.out
    shop.execute(f"UPDATE sync.rejects SET reason = 'Key (id)=(1) already exists.' WHERE id = {named}")
    text = remarks(terminal.run("order", "3956000003473757090", "--json"))["rejected"]["text"]
    assert "already exists. First read at" in text


def test_a_message_about_an_order_that_is_not_here_is_said(terminal: Terminal, shop: Tables) -> None:
    shop.execute(
        "INSERT INTO sync.messages (account, digest, body, order_no, handled_at, outcome) VALUES "
        "('shop', '1', '', 'M100200', now(), 'its order was not known'), "
        "('shop', '2', '{\"orderNo\": \"M300400\"}', NULL, NULL, NULL)"
    )
    assert "its order was not known" in remarks(terminal.run("order", "M100200", "--json"))["message"]["text"]
    waiting = remarks(terminal.run("order", "M300400", "--json"))["message"]
    assert "still waits" in waiting["text"]
    assert waiting["command"] == "orders-sync sync --account shop"


def test_why_an_order_is_not_here_names_every_account_that_may_lack_it(terminal: Terminal, shop: Tables) -> None:
    found = remarks(terminal.run("order", "31415926", "--json"))
    assert found["suspended"]["command"] == "orders-sync accounts test stopped"
    assert "Check its credentials" in found["suspended"]["text"]
    assert found["removed"]["account"] == "gone"
    assert "shop: read without a gap from " in found["not_listed"]["text"]
    assert "rounded" in remarks(terminal.run("order", "3.14E+18", "--json"))


def test_the_day_it_was_placed_says_why_it_is_not_here(terminal: Terminal, shop: Tables) -> None:
    [(now,)] = shop.query("SELECT now()")

    def asked(account: str, ago: timedelta) -> dict[str, dict[str, str]]:
        day = (now - ago).isoformat()
        return remarks(terminal.run("order", "314159", "--account", account, "--placed", day, "--json"))

    before = asked("shop", timedelta(days=30))["before_history"]
    assert before["command"].startswith("orders-sync backfill --account shop --by created --from ")
    within = asked("shop", timedelta(days=5))["not_listed"]
    assert within["command"].startswith("orders-sync audit --account shop --from ")
    assert set(asked("stopped", timedelta(days=1))) == {"suspended"}


def test_without_an_account_and_with_many_the_answer_stays_short(terminal: Terminal, url: str) -> None:
    said = terminal.run("order", "271828", "--json", DATABASE_URL=url)
    assert remarks(said)["no_account"]["command"] == "orders-sync sync"
    Tables(url).execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed) SELECT 'shop' || n, '1688', n::text, 'updated' "
        "FROM generate_series(1, 200) AS n"
    )
    many = terminal.run("order", "271828", DATABASE_URL=url)
    assert "180 more shops" in many.out
    assert len(many.out.splitlines()) < 30


def test_numbers_come_from_standard_input(landed: Landed) -> None:
    [(first,), (second,)] = landed.tables.query("SELECT order_id FROM orders ORDER BY platform, order_id LIMIT 2")
    said = landed.terminal.shell("orders-sync order - --json", typed=f"{first}\n{second}\n")
    assert [each["order"]["order_id"] for each in json.loads(said.stdout)] == [first, second]


def test_what_lies_before_the_proof_is_not_said_to_be_read(terminal: Terminal, shop: Tables) -> None:
    shop.execute("UPDATE sync.accounts SET proven_from = now() - interval '3 days' WHERE name = 'shop'")
    [(proven,)] = shop.query("SELECT proven_from FROM sync.accounts WHERE name = 'shop'")
    text = remarks(terminal.run("order", "31415926", "--account", "shop", "--json"))["not_listed"]["text"]
    assert f"shop: read without a gap from {stamp(proven)} to" in text
    shop.execute("UPDATE sync.accounts SET proven_from = now() + interval '1 day' WHERE name = 'shop'")
    assert "not_listed" not in remarks(terminal.run("order", "31415926", "--account", "shop", "--json"))


def test_an_order_that_an_audit_found_missing_is_not_said_to_be_unlisted(terminal: Terminal, shop: Tables) -> None:
    shop.execute(
        "INSERT INTO sync.audits (account, starts_at, ends_at, finished_at) "
        "VALUES ('shop', now() - interval '9 days', now(), now())"
    )
    [(number,)] = shop.query("SELECT max(id) FROM sync.audits")
    shop.execute(
        "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing, "
        "missing_ids) VALUES (%s, now() - interval '2 days', now() - interval '1 day', 2, 1, 1, '{31415926}')",
        number,
    )
    for placed in ([], ["--placed", "2026-01-01"]):
        found = remarks(terminal.run("order", "31415926", *placed, "--json"))
        assert set(found) == {"missing"}
        assert f"audit {number} " in found["missing"]["text"]
        assert found["missing"]["command"].startswith("orders-sync audit --account shop --from ")
        assert found["missing"]["command"].endswith(" --repair")
    assert "missing" not in remarks(terminal.run("order", "31415926", "--account", "stopped", "--json"))
    shop.execute("UPDATE sync.audit_differences SET repaired_at = now()")
    assert "not_listed" in remarks(terminal.run("order", "31415926", "--json"))


def test_a_true_reason_stands_alone(terminal: Terminal, shop: Tables) -> None:
    reject(shop, "3956000003473757090", b"{broken")
    for number, reason in (("3956000003473757090", "rejected"), ("3.14E+18", "rounded")):
        assert set(remarks(terminal.run("order", number, "--json"))) == {reason}


def test_an_order_of_another_account_is_said_to_be_here(terminal: Terminal, shop: Tables) -> None:
    said = terminal.run("order", "id2", "--account", "shop", "--json")
    assert said.code == 6
    assert remarks(said)["other_account"]["account"] == "gone"
    said = terminal.run("order", "id2", "--account", "shop")
    assert "id2: here, of gone" in said.out
    assert "not here" not in said.out
    said.assert_complains("payment of shop has the number id2", code=6)


@pytest.mark.parametrize("number", ["id1", "line1", "SF1"])
def test_an_order_whose_row_was_deleted_by_hand_is_said_to_be_so(terminal: Terminal, shop: Tables, number: str) -> None:
    shop.execute("DELETE FROM orders WHERE order_id = 'id1'")
    for more in ([], ["--account", "shop"]):
        said = terminal.run("order", number, *more)
        assert said.code == 6
        assert "its row in `orders` is not" in " ".join(said.text.split())
        assert "orders-sync renormalize --platform xportcn_ka" in " ".join(said.text.split())


def test_a_version_of_rows_that_were_missing_says_so(terminal: Terminal, shop: Tables) -> None:
    """Neither the first sight of an order nor a change of the platform."""
    for hours, changed in ((3, None), (2, None), (1, ["status"])):
        shop.execute(
            "INSERT INTO order_history (platform, order_id, seen_at, read_at, changed, status, status_group) "
            "VALUES ('xportcn_ka', 'id1', now() - %s * interval '1 hour', now(), %s, '2', 'other')",
            hours,
            changed,
        )
    said = terminal.run("order", "id1").assert_well().out
    assert said.count("rows were missing, rebuilt") == 1
    [first, rebuilt, last] = said.split("changed\n")[-1].splitlines()
    assert "rebuilt" in rebuilt
    assert last.endswith("status")
    assert "rebuilt" not in first
