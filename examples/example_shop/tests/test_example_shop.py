"""Example Shop keeps every promise of a platform, and its sandbox answers as the platform asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from example_shop import PLATFORM
from example_shop.sandbox import Credentials, Sandbox, made_orders, simulate

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import AuthenticationError
from orders_sync.domain.secret import Secret
from orders_sync.domain.times import platform_time
from orders_sync.domain.windows import Feed, Window
from orders_sync.platforms import PageQuery
from orders_sync.platforms.testing import Asked, PlatformContract

SAMPLE = (Path(__file__).parent / "sample.json").read_bytes()
NOW = datetime.now(UTC).replace(microsecond=0)
CREDENTIALS = Credentials()
ACCOUNT = Account(
    name="shop",
    platform="example_shop",
    base_url="http://sandbox",
    seller=CREDENTIALS.shop,
    app_id=CREDENTIALS.app_key,
    app_secret=CREDENTIALS.app_secret,
    own={"session_token": Secret(CREDENTIALS.session_token)},
)


class TestExampleShop(PlatformContract):
    platform = PLATFORM
    sample = SAMPLE
    items_at = ("data", "orders")
    total_at = ("data", "total")
    page_sizes_taken = (1, 100, 200)
    page_sizes_refused = (-1, 0, 201)
    created_key, paid_key = "created_at", "paid_at"
    not_free_text = frozenset(
        {"id", "state", "created_at", "updated_at", "paid_at", "total", "shipping"}
        | {"line_id", "product_id", "sku_id", "quantity", "price", "amount"}
    )

    def account(self, **changes: Any) -> Account:
        return super().account(own={"session_token": Secret("a-session-token")}, **changes)

    def asked(self, request: httpx.Request) -> Asked:
        asked = request.url.params
        start, end = platform_time(asked["from"]), platform_time(asked["to"])
        return Asked(start, end, int(asked["page"]), int(asked["page_size"]))

    def signature(self, request: httpx.Request) -> str:
        return request.headers["x-signature"]


def test_the_sample_becomes_these_rows() -> None:
    order, unpaid = PLATFORM.page(ACCOUNT, SAMPLE).records
    rows = PLATFORM.normalize(order)
    assert (rows.order.status_group, rows.order.total_amount, rows.order.notes) == (
        "awaiting_shipment", Decimal("42.50"), None,
    )  # fmt: skip
    assert [(line.sub_order_id, line.amount) for line in rows.sub_orders] == [
        ("1-1", Decimal("25.00")),
        ("1-2", Decimal("12.50")),
    ]
    assert [(item.quantity, item.unit_price) for item in rows.product_items] == [
        (2, Decimal("12.50")),
        (Decimal("1.5"), Decimal("8.3333")),
    ]
    assert rows.receiver is not None
    assert (rows.receiver.city, rows.order.city) == ("杭州", "杭州")
    assert PLATFORM.normalize(unpaid).order.paid_at is None


async def ask(sandbox: Sandbox, account: Account, query: PageQuery) -> bytes:
    request = PLATFORM.request(account, query, datetime.now(UTC))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as client:
        return (await client.send(request)).content


@pytest.mark.parametrize("feed", Feed)
async def test_all_pages_of_the_sandbox_hold_every_order_once(feed: Feed) -> None:
    sandbox = Sandbox(made_orders(25, NOW))
    window = Window(NOW - timedelta(days=3), NOW)
    pages = [
        PLATFORM.page(ACCOUNT, await ask(sandbox, ACCOUNT, PageQuery(feed, window, number, 10))) for number in (1, 2, 3)
    ]
    assert {page.total for page in pages} == {25}
    records = [record for page in pages for record in page.records]
    heads = [PLATFORM.identify(record, feed) for record in records]
    assert sorted(head.order_id or "" for head in heads) == sorted(order["id"] for order in sandbox.orders)
    assert all(head.listed_at and window.start <= head.listed_at <= window.end for head in heads)


@pytest.mark.parametrize(
    "account",
    [
        replace(ACCOUNT, app_secret="wrong"),
        replace(ACCOUNT, app_id="wrong"),
        replace(ACCOUNT, own={"session_token": Secret("an-old-token")}),
    ],
)
async def test_the_sandbox_refuses_other_credentials_and_the_error_shows_none(account: Account) -> None:
    answer = await ask(Sandbox([]), account, PageQuery(Feed.UPDATED, Window(NOW - timedelta(hours=1), NOW), 1, 10))
    with pytest.raises(AuthenticationError) as refused:
        PLATFORM.page(account, answer)
    assert "wrong" not in str(refused.value).replace("the signature is wrong", "")
    assert "an-old-token" not in str(refused.value)


async def test_the_simulated_account_lists_every_expected_order() -> None:
    """Through the settings model, as `orders-sync sandbox` offers it."""
    simulation = simulate(12, NOW)
    account = replace(simulation.settings.account(), base_url="http://sandbox")
    window = Window(NOW - timedelta(days=3), NOW - timedelta(minutes=1))
    request = PLATFORM.request(account, PageQuery(Feed.UPDATED, window, 1, 100), datetime.now(UTC))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(simulation.app)) as client:
        records = PLATFORM.page(account, (await client.send(request)).content).records
    orders = {rows.order.order_id: rows for rows in map(PLATFORM.normalize, records)}
    for expected in simulation.expected_orders():
        rows = orders.pop(expected["order_id"])
        assert (rows.order.status, rows.order.status_group) == (expected["status"], expected["status_group"])
        assert [line.sub_order_id for line in rows.sub_orders] == [line["sub_order_id"] for line in expected["lines"]]
    assert orders == {}
