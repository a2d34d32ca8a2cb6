"""docs/queries.md: every query runs, by the role for analysts, and gives the result below it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from orders_sync.store import roles
from tests.support.databases import Tables, made_database
from tests.support.landed import land_world
from tests.support.questions import Question, answer, questions

QUESTIONS = questions()


@pytest.fixture(scope="module")
def sandbox(server: str, template: str) -> Iterator[Tables]:
    with made_database(server, "queries", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


def rows(number: int) -> list[list[str]]:
    """The rows of a result in the document, without its head."""
    return [re.split(r" {2,}", line) for line in QUESTIONS[number - 1].result.splitlines()[1:]]


def test_there_are_twenty_each_with_its_number() -> None:
    assert [each.number for each in QUESTIONS] == list(range(1, 21))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_the_query_gives_the_result_below_it(sandbox: Tables, question: Question) -> None:
    with psycopg.connect(sandbox.url, autocommit=True, options="-c timezone=Asia/Shanghai") as session:
        session.execute(f"SET ROLE {roles.READER}".encode())
        assert answer(session, question.query) == question.result, "run `python -m tests.support.questions`"


def test_every_question_has_an_answer_that_shows_something() -> None:
    assert [question.title for question in QUESTIONS if "(no rows)" in question.result] == []


def test_no_query_adds_up_sales_and_purchases_or_currencies() -> None:
    for question in QUESTIONS:
        if re.search(r"\bsum\(|\bavg\(", question.query):
            directed = re.search(r"direction|is_valid_sale|is_valid_purchase|bi\.buyers", question.query)
            assert directed, question.title
        shown = re.sub(r"'[^']*'", "''", question.query)  # names of columns as values show no amount
        if re.search(r"(payable|refund|goods|net)_amount\b|_price\b", shown):
            assert "currency" in shown, question.title


# computed another way: from the tables, without the views


def test_sales_by_day_are_those_of_the_tables(sandbox: Tables) -> None:
    valid = "status_group IN ('awaiting_shipment', 'partly_shipped', 'shipped', 'received', 'completed')"
    found = sandbox.query(
        f"""
        SELECT day, count(*)::text, sum(total_amount)::text FROM (
            SELECT to_char(created_at AT TIME ZONE 'UTC' + interval '8 hours', 'YYYY-MM-DD') AS day, total_amount
            FROM orders WHERE platform = '1688' AND ({valid} OR (status_group = 'other' AND paid_at IS NOT NULL))
        ) AS o WHERE day >= '2026-11-14' GROUP BY day ORDER BY day
        """
    )
    assert [[day, orders, amount] for day, _, _, orders, amount, _ in rows(1)] == [list(row) for row in found]


def test_the_average_is_the_amount_over_the_orders() -> None:
    [[_, _, orders, average, _]] = rows(3)
    months = rows(2)
    assert sum(int(row[3]) for row in months) == int(orders)
    total = sum(Decimal(row[4]) for row in months)
    assert round(total / int(orders), 2) == Decimal(average)


def test_the_net_amount_of_months_is_that_of_their_orders() -> None:
    [[_, _, orders, _, average]] = rows(3)
    assert round(sum(Decimal(row[6]) for row in rows(2)) / int(orders), 2) == Decimal(average)
    assert all(Decimal(row[4]) - Decimal(row[5]) == Decimal(row[6]) for row in rows(2))


def test_variants_are_refunded_as_often_as_their_paid_lines_are_cancelled_orders_included(sandbox: Tables) -> None:
    query = QUESTIONS[5].query.replace("HAVING count(*) >= 3", "").replace("LIMIT 5", "")
    found = sandbox.query(f"SELECT sum(refunded)::int, sum(lines)::int FROM ({query.rstrip().rstrip(';')}) AS q")
    assert found == sandbox.query(
        "SELECT count(*) FILTER (WHERE s.refund_amount <> 0 OR s.refund_status ILIKE 'refund%success'"
        "   OR s.after_sale_refund_status ILIKE 'refund%success'"
        "   OR (o.status_group = 'cancelled' AND o.refund_amount <> 0))::int, count(*)::int"
        " FROM sub_orders AS s JOIN orders AS o USING (platform, order_id)"
        " WHERE o.platform = '1688' AND o.paid_at IS NOT NULL AND s.removed_at IS NULL"
    )
    sent = sandbox.query(f"SELECT sum(sent_and_refunded)::int, sum(sent)::int FROM ({query.rstrip().rstrip(';')}) AS q")
    assert sent == sandbox.query(
        "SELECT count(*) FILTER (WHERE s.refund_amount <> 0 OR s.refund_status ILIKE 'refund%success'"
        "   OR s.after_sale_refund_status ILIKE 'refund%success')::int, count(*)::int"
        " FROM sub_orders AS s JOIN orders AS o USING (platform, order_id)"
        " WHERE o.platform = '1688' AND o.paid_at IS NOT NULL AND s.removed_at IS NULL"
        "   AND s.logistics_status IN ('2', '3')"
    )
    [(valid,)] = sandbox.query("SELECT sum(refunded_lines)::int FROM bi.product_sales WHERE direction = 'sale'")
    assert found[0][0] > valid


def test_customers_that_buy_again_are_those_that_were_put_there() -> None:
    [[_, customers, again, share, most]] = rows(8)
    assert int(again) == 2
    assert int(most) >= 3
    assert round(Decimal(again) / int(customers), 3) == Decimal(share)


def test_purchases_by_supplier_hold_no_sale(sandbox: Tables) -> None:
    [(amount,)] = sandbox.query(
        "SELECT sum(total_amount)::text FROM orders WHERE platform = 'xportcn_open'"
        " AND status_group IN ('awaiting_shipment', 'partly_shipped', 'shipped')"
        " OR platform = 'xportcn_open' AND status_group IN ('awaiting_confirmation', 'other') AND paid_at IS NOT NULL"
    )
    [not_said] = [row for row in rows(18) if row[0] == "xportcn_open"]
    assert not_said[-1] == amount


def test_purchases_by_supplier_add_up_to_what_the_orders_cost(sandbox: Tables) -> None:
    query = QUESTIONS[17].query.replace("LIMIT 5", "").rstrip().rstrip(";")
    assert sandbox.query(f"SELECT platform, sum(amount) FROM ({query}) AS q GROUP BY 1 ORDER BY 1") == sandbox.query(
        "SELECT platform, sum(payable_amount) FROM bi.orders WHERE is_valid_purchase GROUP BY 1 ORDER BY 1"
    )
    assert sandbox.query(f"SELECT count(*) > 1 FROM ({query}) AS q WHERE unstated <> 0") == [(True,)]


def test_orders_as_of_a_moment_are_all_that_were_read_by_then(sandbox: Tables) -> None:
    [(orders,)] = sandbox.query("SELECT count(*) FROM orders WHERE platform = '1688'")
    assert sum(int(row[3]) for row in rows(20)) == orders
