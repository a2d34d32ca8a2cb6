"""A simulation of Example Shop, for trying and for tests: `python -m example_shop.sandbox --port 8099`.

`simulate` makes it part of `orders-sync demo` and `orders-sync sandbox`.
"""

from __future__ import annotations

import argparse
import hmac
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from example_shop.client import LARGEST_PAGE, PATH, signature
from example_shop.settings import ExampleShopAccount
from orders_sync.domain.secret import Secret
from orders_sync.platforms import Simulation

CLOCKS_DIFFER = 300  # seconds
STATES = {  # and their groups
    "new": "awaiting_payment",
    "paid": "awaiting_shipment",
    "sent": "shipped",
    "done": "completed",
    "void": "cancelled",
    "under_review": "other",  # not documented
}


@dataclass(frozen=True)
class Credentials:
    """The credentials of the simulated shop."""

    shop: str = "example"
    app_key: str = "example-app"
    app_secret: str = "example-app-secret"  # noqa: S105 - of the sandbox
    session_token: str = "example-session-token"  # noqa: S105 - of the sandbox


class Sandbox:
    """Orders of one shop behind the marketplace's API. `app` is the ASGI app."""

    def __init__(self, orders: list[dict[str, Any]], credentials: Credentials | None = None) -> None:
        self.orders = orders
        self.credentials = credentials or Credentials()
        self.app = Starlette(routes=[Route(PATH, self._list)])

    async def _list(self, request: Request) -> JSONResponse:
        if reason := self._refusal(request):
            return _failure(1001, reason)
        asked = request.query_params
        page, size = int(asked["page"]), int(asked["page_size"])
        if asked["by"] not in ("created", "updated") or page < 1 or not 1 <= size <= LARGEST_PAGE:
            return _failure(1003, "a parameter is wrong")
        time = f"{asked['by']}_at"  # texts of one form: their order is that of the times
        found = [order for order in self.orders if asked["from"] <= order[time] <= asked["to"]]
        found.sort(key=lambda order: (order[time], order["id"]))
        data = {"total": len(found), "orders": found[(page - 1) * size : page * size]}
        return JSONResponse({"code": 0, "message": "ok", "data": data})

    def _refusal(self, request: Request) -> str | None:
        """Return why the credentials are not accepted. Like some marketplaces it repeats what it was sent."""
        headers, known = request.headers, self.credentials
        timestamp = headers.get("x-timestamp", "")
        if (headers.get("x-app-key"), headers.get("x-shop")) != (known.app_key, known.shop):
            return f"app {headers.get('x-app-key')} has no right to this shop"
        if headers.get("x-session") != known.session_token:
            return f"session {headers.get('x-session')} has ended"
        if not timestamp.isdigit() or abs(int(timestamp) - datetime.now(UTC).timestamp()) > CLOCKS_DIFFER:
            return "the timestamp is not near"
        expected = signature(known.app_secret, timestamp, request.url.query)
        return None if hmac.compare_digest(headers.get("x-signature", ""), expected) else "the signature is wrong"


def simulate(orders: int, now: datetime) -> Simulation:
    """Return an account of the simulated shop, for `orders-sync demo` and `orders-sync sandbox`."""
    sandbox = Sandbox(made_orders(orders, now - timedelta(minutes=1)))  # a sync reads up to `lag` before now
    credentials = sandbox.credentials
    settings = ExampleShopAccount(
        name="sandbox-example_shop",
        platform="example_shop",
        seller=credentials.shop,
        app_id=Secret(credentials.app_key),
        app_secret=Secret(credentials.app_secret),
        session_token=Secret(credentials.session_token),
        history_from=now - timedelta(days=4),
    )
    return Simulation(settings, sandbox.app, lambda: map(_expected, sandbox.orders))


def _expected(order: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the tables must hold of an order; derived here, not by `normalize.py`."""
    return {
        "order_id": order["id"],
        "status": order["state"],
        "status_group": STATES[order["state"]],
        "created_at": order["created_at"],
        "modified_at": order["updated_at"],
        "paid_at": order["paid_at"],
        "total_amount": order["total"],
        "shipping_amount": order["shipping"],
        "city": order["receiver"]["city"],
        "line_count": len(order["lines"]),
        "lines": [
            {
                "line_no": number,
                "sub_order_id": line["line_id"],
                "product_id": line["product_id"],
                "sku_id": line["sku_id"],
                "title": line["title"],
                "quantity": str(line["quantity"]),
                "unit_price": line["price"],
                "amount": line["amount"],
            }
            for number, line in enumerate(order["lines"], 1)
        ],
    }


def made_orders(count: int, newest: datetime) -> list[dict[str, Any]]:
    """Return orders that were made in the two days before `newest`, in every state."""
    step = timedelta(days=2) / max(count, 1)
    return [_order(number, newest - step * (count - number)) for number in range(1, count + 1)]


def _order(number: int, updated: datetime) -> dict[str, Any]:
    created = updated - timedelta(hours=number % 5)
    state = list(STATES)[number % len(STATES)]
    count = number % 3 + 1
    lines: list[dict[str, Any]] = [
        {
            "line_id": f"{number}-{position}",
            "product_id": f"P{number % 7}",
            "sku_id": f"S{number % 7}-{position}",
            "title": f"Example product {number % 7}",
            "quantity": position,
            "price": "12.50",
            "amount": f"{12.5 * position:.2f}",
        }
        for position in range(1, count + 1)
    ]
    return {
        "id": f"{number:016}",
        "state": state,
        "created_at": _text(created),
        "updated_at": _text(updated),
        "paid_at": None if state == "new" else _text(created + timedelta(minutes=1)),
        "total": f"{12.5 * sum(range(count + 1)) + 5:.2f}",
        "shipping": "5.00",
        "buyer": f"buyer-{number % 11}",
        "lines": lines,
        "receiver": {"name": "李雷", "phone": "13800000000", "province": "浙江", "city": "杭州", "address": "1"},
    }


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _failure(code: int, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "data": None})


def main() -> None:
    """Serve the simulation until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099, help="0 for any free one")
    parser.add_argument("--orders", type=int, default=250)
    options = parser.parse_args()
    listening = socket.create_server(("127.0.0.1", options.port))
    print(f"Example Shop listens on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    sandbox = Sandbox(made_orders(options.orders, datetime.now(UTC) - timedelta(hours=1)))
    uvicorn.Server(uvicorn.Config(sandbox.app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
